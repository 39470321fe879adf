import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { hashBytes, hashWords, viewOf } from '../block/hash.ts'
import type { OperationKey } from '../block/rows.ts'
import { freeMemory } from '../block/memory.ts'
import { decodeText } from '../block/attribute.ts'
import { MAX_SECTION_SPANS } from './section-meta.ts'
import { fieldEnd } from './wire.ts'

/** Field 2 of a `ResourceSpans` are its scopes, of a `ScopeSpans` its spans; length-delimited. */
const MEMBERS = 0x12

/** Room for the distinct resources and scopes; when they need more, all is copied once more. */
const GROUPS_ROOM = 1 << 20

/** What is sealed: all requests' bytes in one piece, the header columns of their spans, and in which order these are kept. */
export interface Source {
  /** The requests, and after them the distinct resources and scopes without what is in them. */
  readonly bytes: Uint8Array
  /** Of all spans, in the order in which they came. */
  readonly columns: SpanColumns
  /** The spans that are kept, by trace id and, within a trace, by start. */
  readonly order: Uint32Array
  /** The spans that are kept, in the order in which they came. */
  readonly kept: Uint32Array
  /** By place in {@link order}: the number of its trace; traces are numbered in this order. */
  readonly trace: Uint32Array
  /** The first place of each trace; one more than there are traces. */
  readonly first: Uint32Array
  /** By span as it came. */
  readonly group: Uint32Array
  readonly operation: Uint32Array
  readonly operations: readonly OperationKey[]
  readonly names: readonly Uint8Array[]
  readonly resources: readonly Range[]
  readonly scopes: readonly Range[]
  /** By group: its resource and scope. */
  readonly groups: readonly { readonly resource: number; readonly scope: number }[]
}

/** A range of {@link Source.bytes}. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Throws OtlpError for a request that is malformed. `take`: by span as it came; `areGiven`: the requests are not needed any more. */
export function readSource(
  requests: readonly Uint8Array[],
  take?: (row: number) => boolean,
  areGiven?: boolean,
): Source {
  const length = requests.reduce((sum, request) => sum + request.length, 0)
  const columns = createSpanColumns(Math.min(MAX_SECTION_SPANS, Math.ceil(length / 64)))
  const groups = new Groups(length)
  let bytes = joined(requests, length + GROUPS_ROOM, areGiven)
  scanSpans(bytes.subarray(0, length), columns)
  const kept = keptOf(columns.count, take)
  const group = new Uint32Array(columns.count)
  let [scope, number] = [-1, 0]
  for (const row of kept) {
    if (columns.scopeStart[row] !== scope) number = groups.number(bytes, columns, row)
    scope = columns.scopeStart[row]!
    group[row] = number
  }
  const operations = operationsOf(bytes, columns, kept)
  if (groups.length > GROUPS_ROOM) bytes = joined([bytes.subarray(0, length)], length + groups.length)
  groups.copyTo(bytes)
  const sorted = sort(columns, kept)
  return {
    bytes,
    columns,
    kept,
    ...sorted,
    group,
    ...operations,
    resources: groups.resources,
    scopes: groups.scopes,
    groups: groups.groups,
  }
}

function keptOf(count: number, take: (row: number) => boolean = () => true): Uint32Array {
  const kept = new Uint32Array(count)
  let length = 0
  for (let row = 0; row < count; row++) if (take(row)) kept[length++] = row
  return kept.subarray(0, length)
}

function joined(parts: readonly Uint8Array[], length: number, areGiven = false): Uint8Array {
  // Not cleared, as that would take as long as to fill it.
  const buffer = Buffer.allocUnsafeSlow(length)
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
    if (areGiven) freeMemory(part)
  }
  return bytes
}

/** Numbers the distinct resources, scopes and pairs of them. */
class Groups {
  length = 0
  readonly #parts: Uint8Array[] = []
  readonly resources: Range[] = []
  readonly scopes: Range[] = []
  readonly groups: { resource: number; scope: number }[] = []
  readonly #resourceNumbers = new Map<string, number>()
  readonly #scopeNumbers = new Map<string, number>()
  readonly #groupNumbers = new Map<string, number>()
  readonly #base: number
  #resourceStart = -1
  #resource = 0

  /** `base`: where the first part will stand. */
  constructor(base: number) {
    this.#base = base
  }

  number(bytes: Uint8Array, columns: SpanColumns, row: number): number {
    if (columns.resourceStart[row] !== this.#resourceStart) {
      this.#resourceStart = columns.resourceStart[row]!
      const rest = otherFields(bytes, this.#resourceStart, columns.resourceEnd[row]!)
      this.#resource = this.#intern(this.#resourceNumbers, this.resources, rest)
    }
    const resource = this.#resource
    const rest = otherFields(bytes, columns.scopeStart[row]!, columns.scopeEnd[row]!)
    const scope = this.#intern(this.#scopeNumbers, this.scopes, rest)
    const key = `${resource} ${scope}`
    let number = this.#groupNumbers.get(key)
    if (number === undefined) this.#groupNumbers.set(key, (number = this.groups.push({ resource, scope }) - 1))
    return number
  }

  /** Puts the parts where the ranges say. */
  copyTo(bytes: Uint8Array): void {
    let at = this.#base
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.length
    }
  }

  #intern(numbers: Map<string, number>, ranges: Range[], part: Buffer): number {
    const key = part.toString('latin1')
    let number = numbers.get(key)
    if (number === undefined) {
      const start = this.#base + this.length
      numbers.set(key, (number = ranges.push({ start, end: start + part.length }) - 1))
      this.#parts.push(part)
      this.length += part.length
    }
    return number
  }
}

/** What a `ResourceSpans` has besides its scopes, or a `ScopeSpans` besides its spans. */
export function otherFields(bytes: Uint8Array, start: number, end: number): Buffer {
  const parts: Uint8Array[] = []
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    if (bytes[p] !== MEMBERS) parts.push(bytes.subarray(p, next))
    p = next
  }
  return Buffer.concat(parts)
}

function operationsOf(
  bytes: Uint8Array,
  columns: SpanColumns,
  rows: Uint32Array,
): Pick<Source, 'operation' | 'operations' | 'names'> {
  const view = viewOf(bytes)
  const operation = new Uint32Array(columns.count)
  const operations: OperationKey[] = []
  const names: Uint8Array[] = []
  /** By operation: its service, and where its name is. */
  const serviceOf: number[] = []
  const nameAt: number[] = []
  const services = new Map<string, number>()
  /** By hash, the last one with it; and by operation, the one before with the same. */
  const numbers = new Map<number, number>()
  const before: number[] = []
  let [serviceStart, own] = [-1, 0]
  for (const row of rows) {
    const [service, serviceEnd] = [columns.serviceStart[row]!, columns.serviceEnd[row]!]
    if (service !== serviceStart) {
      serviceStart = service
      const key = Buffer.from(bytes.buffer, bytes.byteOffset + service, serviceEnd - service).toString('latin1')
      own = services.get(key) ?? services.size
      services.set(key, own)
    }
    const [start, end, kind] = [columns.nameStart[row]!, columns.nameEnd[row]!, columns.kind[row]!]
    const hash = hashWords(own, hashBytes(view, start, end), kind, 0)
    const newest = numbers.get(hash) ?? -1
    let number = newest
    while (
      number >= 0 &&
      (operations[number]!.kind !== kind ||
        serviceOf[number] !== own ||
        names[number]!.length !== end - start ||
        !isSame(view, nameAt[number]!, start, end - start))
    )
      number = before[number]!
    if (number < 0) {
      const text = decodeText(bytes, service, serviceEnd) || UNKNOWN_SERVICE
      number = operations.push({ service: text, name: decodeText(bytes, start, end), kind }) - 1
      names.push(bytes.slice(start, end))
      serviceOf.push(own)
      nameAt.push(start)
      before.push(newest)
      numbers.set(hash, number)
    }
    operation[row] = number
  }
  return { operation, operations, names }
}

function isSame(view: DataView, a: number, b: number, length: number): boolean {
  let i = 0
  for (; i + 4 <= length; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false
  for (; i < length; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false
  return true
}

function sort(columns: SpanColumns, rows: Uint32Array): Pick<Source, 'order' | 'trace' | 'first'> {
  const words = new Uint32Array(columns.traceId.buffer, columns.traceId.byteOffset, 4 * columns.count)
  const { traceOf, traces } = numberTraces(words, rows)
  const sorted = Uint32Array.from({ length: traces.length }, (_, i) => i).sort((a, b) =>
    compareIds(words, 4 * traces[a]!, words, 4 * traces[b]!),
  )
  const place = new Uint32Array(traces.length)
  for (let i = 0; i < sorted.length; i++) place[sorted[i]!] = i
  const first = new Uint32Array(traces.length + 1)
  for (let i = 0; i < rows.length; i++) first[place[traceOf[i]!]! + 1]!++
  for (let i = 0; i < traces.length; i++) first[i + 1]! += first[i]!
  const next = first.slice()
  const order = new Uint32Array(rows.length)
  const trace = new Uint32Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    const at = next[place[traceOf[i]!]!]!++
    order[at] = rows[i]!
    trace[at] = place[traceOf[i]!]!
  }
  const { startHi, startLo } = columns
  const isLater = (a: number, b: number): boolean =>
    startHi[a]! > startHi[b]! || (startHi[a] === startHi[b] && startLo[a]! > startLo[b]!)
  for (let i = 0; i < traces.length; i++) {
    const own = order.subarray(first[i], first[i + 1])
    if (own.length > 64) own.sort((a, b) => startHi[a]! - startHi[b]! || startLo[a]! - startLo[b]! || a - b)
    else {
      for (let k = 1; k < own.length; k++) {
        const one = own[k]!
        let at = k
        for (; at > 0 && isLater(own[at - 1]!, one); at--) own[at] = own[at - 1]!
        own[at] = one
      }
    }
  }
  return { order, trace, first }
}

/** By kept span its trace, numbered as they come, and by trace a span of it. */
function numberTraces(words: Uint32Array, rows: Uint32Array): { traceOf: Uint32Array; traces: number[] } {
  let size = 1024
  while (size < 2 * rows.length) size *= 2
  const slots = new Int32Array(size).fill(-1)
  const traces: number[] = []
  const traceOf = new Uint32Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    const at = 4 * rows[i]!
    let slot = hashWords(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!) & (size - 1)
    let trace = slots[slot]!
    while (trace >= 0 && compareIds(words, at, words, 4 * traces[trace]!) !== 0) {
      slot = (slot + 1) & (size - 1)
      trace = slots[slot]!
    }
    if (trace < 0) trace = slots[slot] = traces.push(rows[i]!) - 1
    traceOf[i] = trace
  }
  return { traceOf, traces }
}

/** The order of trace ids in a section: by their words. */
export function compareIds(a: Uint32Array, at: number, b: Uint32Array, bt: number): number {
  for (let i = 0; i < 4; i++) if (a[at + i] !== b[bt + i]) return a[at + i]! < b[bt + i]! ? -1 : 1
  return 0
}
