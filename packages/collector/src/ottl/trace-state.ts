/** Single members of a W3C trace state. Source: https://www.w3.org/TR/trace-context/#tracestate-header. */
const KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const MAX_MEMBERS = 32

/** The value of a key; `''` where there is none, undefined where the state is not valid. */
export function traceStateAt(state: string, key: string): string | undefined {
  const members = readMembers(state)
  return members && (members.find((member) => member.key === key)?.value ?? '')
}

/** The state with that member as its first; as it was where it, the key or the value is not valid. */
export function withTraceState(state: string, key: string, value: string): string {
  const members = readMembers(state)
  if (!members || !KEY.test(key) || !VALUE.test(value)) return state
  if (members.find((member) => member.key === key)?.value === value && members[0]!.key === key) return state
  const others = members.filter((member) => member.key !== key).slice(0, MAX_MEMBERS - 1)
  return [{ key, value }, ...others].map((member) => `${member.key}=${member.value}`).join(',')
}

function readMembers(state: string): { key: string; value: string }[] | undefined {
  const members: { key: string; value: string }[] = []
  for (const text of state.split(',')) {
    if (text === '') continue
    const equals = text.indexOf('=')
    const key = text.slice(0, Math.max(0, equals)).replace(/^[ \t]+/, '')
    const value = text.slice(equals + 1).replace(/[ \t]+$/, '')
    const isValid = equals >= 0 && KEY.test(key) && VALUE.test(value)
    if (!isValid || members.length === MAX_MEMBERS || members.some((member) => member.key === key)) return undefined
    members.push({ key, value })
  }
  return members
}
