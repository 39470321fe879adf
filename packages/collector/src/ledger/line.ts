/** Lines to be pasted, and the words around them. */
import type { MendingLine, RefusalFacts } from '../component/index.ts'

export const TRACES_ENDPOINT = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'

export function env(name: string, value: string): MendingLine {
  return { kind: 'env', text: `${name}=${value}` }
}

/** `host:port`, with nothing in it that a shell would read otherwise. */
const AUTHORITY = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
const MAX_CHARS = 100

/** The address that a sender uses: what it calls this machine, else where it came to. */
export function addressOf({ authority }: RefusalFacts, port: string): string {
  if (authority !== undefined && authority.length <= MAX_CHARS && AUTHORITY.test(authority)) return authority
  return AUTHORITY.test(port) ? port : '127.0.0.1:4318'
}

/** What a sender chose, so that its ends can be seen. */
export function shown(text: string): string {
  const cut = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS - 1)}…` : text
  return /^[\w./:+*-]+$/.test(cut) ? cut : JSON.stringify(cut)
}

/** With a capital at its start and a full stop at its end. */
export function sentence(text: string): string {
  const [first = '', ...rest] = text
  return `${first.toUpperCase()}${rest.join('')}${/[.!?…]$/.test(text) ? '' : '.'}`
}
