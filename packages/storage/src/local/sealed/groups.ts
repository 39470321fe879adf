import type { SpanColumns } from '@spoor/otlp'
import { hashBytes, hashWords, viewOf } from '../block/hash.ts'
import { fieldEnd } from './wire.ts'

/** Field 2 of a `ResourceSpans` are its scopes, of a `ScopeSpans` its spans; length-delimited. */
const MEMBERS = 0x12

/** A range of {@link Source.bytes}. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Numbers the distinct resources, scopes and pairs of them. */
export class Groups {
  readonly groups: { resource: number; scope: number }[] = []
  readonly #resources: Parts
  readonly #scopes: Parts
  readonly #numbers = new Map<number, number>()
  #resourceStart = -1
  #resource = 0
  #scopeStart = -1
  #group = 0

  constructor(bytes: Uint8Array) {
    this.#resources = new Parts(bytes)
    this.#scopes = new Parts(bytes)
  }

  /** Bytes of all resources and scopes. */
  get length(): number {
    return this.#resources.length + this.#scopes.length
  }

  /** Puts the group of each of the spans `[from, to)` of `rows`. */
  number(columns: SpanColumns, rows: Uint32Array, from: number, to: number, group: Uint32Array): void {
    const { scopeStart } = columns
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (scopeStart[row] !== this.#scopeStart) {
        this.#scopeStart = scopeStart[row]!
        this.#group = this.#numberOf(columns, row)
      }
      group[row] = this.#group
    }
  }

  #numberOf({ resourceStart, resourceEnd, scopeStart, scopeEnd }: SpanColumns, row: number): number {
    if (resourceStart[row] !== this.#resourceStart) {
      this.#resourceStart = resourceStart[row]!
      this.#resource = this.#resources.number(resourceStart[row]!, resourceEnd[row]!)
    }
    const resource = this.#resource
    const scope = this.#scopes.number(scopeStart[row]!, scopeEnd[row]!)
    const key = resource * 2 ** 26 + scope
    let number = this.#numbers.get(key)
    if (number === undefined) this.#numbers.set(key, (number = this.groups.push({ resource, scope }) - 1))
    return number
  }

  /** Puts the resources and the scopes behind one another, from `start` on, and says where each is. */
  copyTo(bytes: Uint8Array, start: number): { readonly resources: Range[]; readonly scopes: Range[] } {
    const resources = this.#resources.copyTo(bytes, start)
    return { resources, scopes: this.#scopes.copyTo(bytes, start + this.#resources.length) }
  }
}

/** Distinct messages without their {@link MEMBERS}. */
class Parts {
  length = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #parts: Uint8Array[] = []
  /** By hash, the last one with it; and by part, the one before with the same. */
  readonly #numbers = new Map<number, number>()
  readonly #before: number[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }

  /** The number of the message in `[start, end)`. */
  number(start: number, end: number): number {
    const bytes = this.#bytes
    let hash = 0
    for (let p = start; p < end;) {
      const next = fieldEnd(bytes, p, end)
      if (bytes[p] !== MEMBERS) hash = hashWords(hash, hashBytes(this.#view, p, next), 0, 0)
      p = next
    }
    const newest = this.#numbers.get(hash) ?? -1
    let number = newest
    while (number >= 0 && !hasOtherFields(bytes, start, end, this.#parts[number]!)) number = this.#before[number]!
    if (number >= 0) return number
    const part = otherFields(bytes, start, end)
    this.length += part.length
    this.#before.push(newest)
    number = this.#parts.push(part) - 1
    this.#numbers.set(hash, number)
    return number
  }

  copyTo(bytes: Uint8Array, start: number): Range[] {
    const ranges: Range[] = []
    let at = start
    for (const part of this.#parts) {
      bytes.set(part, at)
      ranges.push({ start: at, end: at + part.length })
      at += part.length
    }
    return ranges
  }
}

/** What a `ResourceSpans` has besides its scopes, or a `ScopeSpans` besides its spans. */
function otherFields(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    if (bytes[p] !== MEMBERS) parts.push(bytes.subarray(p, next))
    p = next
  }
  return Buffer.concat(parts)
}

/** Whether these are the fields that a message has besides {@link MEMBERS}. */
export function hasOtherFields(bytes: Uint8Array, start: number, end: number, fields: Uint8Array): boolean {
  let at = 0
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    if (bytes[p] === MEMBERS) p = next
    else for (; p < next; p++, at++) if (bytes[p] !== fields[at]) return false
  }
  return at === fields.length
}
