import { formatGoDuration, parseGoDuration } from '@spoor/otlp'
import type { Parameters } from '../api/client.ts'
import { defaultRange, type SearchUrl } from '../search/search-url.ts'
import type { CompareUrl } from './compare-url.ts'

/** What the store is asked. */
export function compareParameters({ left: _left, right: _right, ...sets }: CompareUrl): Parameters {
  return { of: 'requests', ...sets, limit: 100 }
}

interface Range {
  readonly from?: string
  readonly to?: string
}

function rangeOf({ range = defaultRange, from, to }: SearchUrl): Range {
  if (from) return { from, ...(to && { to }) }
  return range === 'all' ? {} : { from: range }
}

function side(name: 'a' | 'b', q: string | undefined, { from, to }: Range): CompareUrl {
  return { ...(q && { [name]: q }), ...(from && { [`${name}From`]: from }), ...(to && { [`${name}To`]: to }) }
}

/** A box that was drawn, against the rest of all that the search finds. */
export function boxAgainstRest(url: SearchUrl, box: { q: string; from: string; to: string }): CompareUrl {
  return { ...side('a', url.q, rangeOf(url)), ...side('b', box.q, box), rest: 'true' }
}

const hourNs = 3600e9

/** What a search finds, against the same in times before. None where it is of all time. */
export function earlierOnes(url: SearchUrl): { readonly label: string; readonly search: CompareUrl }[] {
  const now = rangeOf(url)
  const lengthNs = lengthOf(now)
  if (lengthNs === undefined) return []
  return [
    { label: 'with the time just before', byNs: lengthNs },
    { label: 'with the same time yesterday', byNs: 24 * hourNs },
    { label: 'with the same time a week ago', byNs: 168 * hourNs },
  ].map(({ label, byNs }) => ({ label, search: { ...side('a', url.q, earlier(now, byNs)), ...side('b', url.q, now) } }))
}

/** `25h` in place of `25h0m0s`. */
const goText = (ns: number) => formatGoDuration(ns).replace(/(?<=h)0m0s$/, '')

const isInstant = (text: string) => /^\d+$/.test(text)

/** Nanoseconds; undefined: without bounds, or not to be read. */
function lengthOf({ from, to }: Range): number | undefined {
  if (from === undefined) return undefined
  if (isInstant(from)) return Number((to ? BigInt(to) : BigInt(Date.now()) * 1_000_000n) - BigInt(from))
  try {
    return Number(parseGoDuration(from))
  } catch {
    return undefined
  }
}

function earlier({ from, to }: Range, byNs: number): Range {
  const shifted = (text: string | undefined) => {
    if (text === undefined) return goText(byNs)
    if (isInstant(text)) return String(BigInt(text) - BigInt(byNs))
    return goText(Number(parseGoDuration(text)) + byNs)
  }
  // A time without an end that begins at an instant ends, when it is shifted, at that of now.
  const end = to === undefined && from && isInstant(from) ? String(BigInt(Date.now()) * 1_000_000n) : to
  return { ...(from && { from: shifted(from) }), to: shifted(end) }
}
