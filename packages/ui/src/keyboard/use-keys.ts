import { useEffect, useRef } from 'react'

/** By key: `j`, `Enter`, `?`, `ctrl+f` (also Cmd), `shift+ArrowLeft`. Return `false` to leave the event to the browser. */
type Handlers = Readonly<Record<string, (event: KeyboardEvent) => unknown>>

/** Keys that belong together, and what the help says of them. Without a word they are others' second names. */
export interface Keys {
  readonly help?: string
  /** As the help shows them, where they are not those of `on`. */
  readonly shown?: readonly string[]
  readonly on?: Handlers
}

interface Place {
  readonly name: string
  readonly keys: { readonly current: readonly Keys[] }
}

/** What listens now. */
const places = new Set<Place>()

/**
 * Listens on the window while the component is mounted. Keys that are typed into a field are left alone, but for combinations with ctrl; so are all keys
 * while a dialog or a menu is open, and Enter and Space where they press a button. `place`: under which the help tells of them.
 */
export function useKeys(place: string, keys: readonly Keys[]): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const own: Place = { name: place, keys: latest }
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.altKey) return
      const name = nameOf(event)
      const handler = latest.current.find(({ on }) => on?.[name])?.on?.[name]
      if (!handler || isTaken(event, name)) return
      if (handler(event) !== false) event.preventDefault()
    }
    places.add(own)
    addEventListener('keydown', listen)
    return () => {
      places.delete(own)
      removeEventListener('keydown', listen)
    }
  }, [place])
}

/** The keys that do something now and have a word of help, by place. */
export function keysNow(): Map<string, (Keys & { readonly help: string })[]> {
  const byPlace = new Map<string, (Keys & { readonly help: string })[]>()
  for (const { name, keys } of places) {
    const told = keys.current.filter((row) => row.help !== undefined) as (Keys & { help: string })[]
    if (told.length > 0) byPlace.set(name, [...(byPlace.get(name) ?? []), ...told])
  }
  return byPlace
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
