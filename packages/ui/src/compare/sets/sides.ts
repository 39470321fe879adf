import { parseGoDuration } from '@spoor/otlp'
import { formatStart, type Zone } from '../../format/time.ts'
import type { SearchUrl } from '../../search/search-url.ts'
import type { CompareUrl } from '../compare-url.ts'

/** The same comparison with B in place of A. */
export function swapped({ a, b, aFrom, aTo, bFrom, bTo, ...rest }: CompareUrl): CompareUrl {
  const sides = { a: b, b: a, aFrom: bFrom, aTo: bTo, bFrom: aFrom, bTo: aTo }
  return { ...rest, ...Object.fromEntries(Object.entries(sides).filter(([, value]) => value !== undefined)) }
}

/** The search that finds one side. */
export function searchOf(url: CompareUrl, side: 'a' | 'b'): SearchUrl {
  const [q, from, to] = side === 'a' ? [url.a, url.aFrom, url.aTo] : [url.b, url.bFrom, url.bTo]
  if (from && /^\d+$/.test(from)) return { ...(q && { q }), from, ...(to && { to }) }
  if (to !== undefined) {
    const instant = (text: string | undefined) => (text === undefined ? undefined : instantOf(text))
    const [start, end] = [instant(from), instant(to)]
    return { ...(q && { q }), ...(start && { from: start }), ...(end && { to: end }) }
  }
  return { ...(q && { q }), range: from ?? 'all' }
}

/** What a time back from now is now; nanoseconds since 1970. Undefined: it is none, and the store says so. */
function instantOf(text: string): string | undefined {
  if (/^\d+$/.test(text)) return text
  try {
    return String(BigInt(Date.now()) * 1_000_000n - BigInt(parseGoDuration(text)))
  } catch {
    return undefined
  }
}

/** `last 1h`, `all time`, or from when to when. */
export function timesText(url: SearchUrl, zone: Zone): string {
  if (url.from) {
    const from = formatStart(BigInt(url.from), zone)
    return url.to ? `${from} – ${formatStart(BigInt(url.to), zone)}` : `since ${from}`
  }
  return url.range === 'all' || url.range === undefined ? 'all time' : `last ${url.range}`
}
