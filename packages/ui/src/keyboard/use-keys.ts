import { useEffect, useRef } from 'react'

/** Handlers by key: `j`, `Enter`, `?`, `ctrl+f` (also Cmd), `shift+ArrowLeft`. Return `false` to leave the event to the browser. */
export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => unknown>>

/**
 * Listens on the window while the component is mounted. Keys that are typed into a field are left alone, but for combinations with ctrl; so are all keys
 * while a dialog or a menu is open, and Enter and Space where they press a button.
 */
export function useKeys(keys: KeyMap, enabled = true): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    if (!enabled) return undefined
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.altKey) return
      const name = nameOf(event)
      const handler = latest.current[name]
      if (!handler || isTaken(event, name)) return
      if (handler(event) !== false) event.preventDefault()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [enabled])
}

function nameOf(event: KeyboardEvent): string {
  const control = event.ctrlKey || event.metaKey ? 'ctrl+' : ''
  const shift = event.shiftKey && event.key.length > 1 ? 'shift+' : ''
  return `${control}${shift}${event.key.length === 1 && control ? event.key.toLowerCase() : event.key}`
}

function isTaken(event: KeyboardEvent, name: string): boolean {
  const target = event.target instanceof Element ? event.target : null
  if (document.querySelector('[role="dialog"], [role="menu"]')) return true
  if (name.startsWith('ctrl+')) return false
  if (target?.closest('input, textarea, select, [contenteditable="true"]')) return true
  return (name === 'Enter' || name === ' ') && target?.closest('button, a, summary') !== null
}
