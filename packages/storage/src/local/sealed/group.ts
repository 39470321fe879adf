import type { BlockRows } from '../block/rows.ts'
import { fieldEnd } from './wire.ts'

/** Field 2 of a `ResourceSpans` are its scopes, of a `ScopeSpans` its spans; length-delimited. */
const MEMBERS = 0x12
/** Field 1 of a request. */
const RESOURCE_SPANS = 0x0a

/** What a span is under: all fields of its `ScopeSpans` but the spans, of its `ResourceSpans` but the scopes, of its request but these. */
export interface Group {
  readonly request: Uint8Array
  readonly resource: Uint8Array
  readonly scope: Uint8Array
}

/** The groups of some rows, each distinct one once, and by row (in the order of `order`) which it is under. */
export function groupsOf(
  requests: readonly Uint8Array[],
  rows: BlockRows,
  order: readonly number[],
): { group: Uint32Array; groups: Uint8Array } {
  const bytes = Buffer.concat(requests)
  const ends: number[] = []
  for (const request of requests) ends.push((ends.at(-1) ?? 0) + request.length)
  const numbers = new Map<string, number>()
  const parts: Buffer[] = []
  const known = new Map<number, number>()
  const numberOf = (group: number): number => {
    const [resource, resourceEnd, scope, scopeEnd] = rows.groups.subarray(4 * group, 4 * group + 4)
    const end = ends.find((end) => end >= resourceEnd!)!
    const start = ends[ends.indexOf(end) - 1] ?? 0
    const own = Buffer.concat(
      [
        otherFields(bytes, start, end, RESOURCE_SPANS),
        otherFields(bytes, resource!, resourceEnd!, MEMBERS),
        otherFields(bytes, scope!, scopeEnd!, MEMBERS),
      ].flatMap((part) => {
        const length = Buffer.alloc(4)
        length.writeUInt32LE(part.length)
        return [length, part]
      }),
    )
    const key = own.toString('latin1')
    let number = numbers.get(key)
    if (number === undefined) {
      numbers.set(key, (number = numbers.size))
      parts.push(own)
    }
    return number
  }
  const group = Uint32Array.from(order, (row) => {
    const own = rows.group[row]!
    let number = known.get(own)
    if (number === undefined) known.set(own, (number = numberOf(own)))
    return number
  })
  return { group, groups: Buffer.concat(parts) }
}

function otherFields(bytes: Uint8Array, start: number, end: number, except: number): Buffer {
  const parts: Uint8Array[] = []
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    if (bytes[p] !== except) parts.push(bytes.subarray(p, next))
    p = next
  }
  return Buffer.concat(parts)
}

export function readGroups(bytes: Buffer): Group[] {
  const groups: Group[] = []
  let at = 0
  const part = (): Uint8Array => {
    const length = bytes.readUInt32LE(at)
    at += 4 + length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) groups.push({ request: part(), resource: part(), scope: part() })
  return groups
}
