import { crc32 } from 'node:zlib'

import { ATTRIBUTE_BITS, ATTRIBUTE_PROBES, bloomAdd, createBloom, TRACE_BITS, TRACE_PROBES } from '../block/bloom.ts'
import { BlockBuilder } from '../block/builder.ts'
import { hashWords } from '../block/hash.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import { compress } from '../files/log.ts'
import { groupsOf } from './group.ts'
import type { SectionMeta, Stream } from './section-meta.ts'

/** Rows whose spans are in one stream. */
export const CHUNK_ROWS = 512

export interface SectionInput {
  /** Serialized requests in order of arrival. */
  readonly requests: Iterable<Uint8Array>
  /** Which spans; by their number, counted over all requests from 0. Default: all. */
  readonly take?: (row: number) => boolean
}

export interface EncodedSection {
  /** To be written one after the other. */
  readonly parts: readonly Uint8Array[]
  readonly meta: SectionMeta
}

/** A section of these spans. Throws OtlpError for a request that is malformed. */
export function encodeSection({ requests, take }: SectionInput): EncodedSection {
  const builder = new BlockBuilder()
  const raw: Uint8Array[] = []
  for (const request of requests) {
    builder.add(request)
    raw.push(request)
  }
  const bytes = Buffer.concat(raw)
  const { rows } = builder
  const order = sorted(rows, take)
  const parts: Uint8Array[] = []
  const streams: Stream[] = []
  let at = 0
  const add = (name: string, content: Uint8Array): void => {
    const packed = compress(content)
    streams.push({ name, offset: at, length: packed.length, raw: content.length, crc: crc32(packed) })
    parts.push(packed)
    at += packed.length
  }
  const { group, groups } = groupsOf(raw, rows, order)
  add('groups', groups)
  add('rows', Buffer.concat(columnsOf(rows, order, group)))
  const traces = new Set(order.map((row) => rows.trace[row]!))
  const traceFilter = createBloom(traces.size, TRACE_BITS)
  for (const trace of traces) {
    const [a, b, c, d] = rows.traceIds.subarray(4 * trace, 4 * trace + 4)
    bloomAdd(traceFilter, hashWords(a!, b!, c!, d!), TRACE_PROBES)
  }
  add('traceFilter', bytesOf(traceFilter))
  if (!builder.hashes.overflowed) {
    const filter = createBloom(builder.hashes.size, ATTRIBUTE_BITS)
    for (const hash of builder.hashes) bloomAdd(filter, hash, ATTRIBUTE_PROBES)
    add('attributeFilter', bytesOf(filter))
  }
  let rawBytes = 0
  for (let i = 0; i < order.length; i += CHUNK_ROWS) {
    const spans = order.slice(i, i + CHUNK_ROWS).map((row) => bytes.subarray(rows.spanStart[row], rows.spanEnd[row]))
    add('spans', Buffer.concat(spans))
    rawBytes += streams.at(-1)!.raw
  }
  const starts = order.map((row) => startOf(rows, row))
  const durations = order.map((row) => rows.durationNs[row]!)
  const operations = [...new Set(order.map((row) => rows.operation[row]!))].map((i) => rows.operations[i]!)
  const meta: SectionMeta = {
    spans: order.length,
    traces: traces.size,
    rawBytes,
    length: at,
    minStart: String(starts.reduce((a, b) => (b < a ? b : a), starts[0] ?? 0n)),
    maxStart: String(starts.reduce((a, b) => (b > a ? b : a), starts[0] ?? 0n)),
    minDurationNs: durations.reduce((a, b) => Math.min(a, b), durations[0] ?? 0),
    maxDurationNs: durations.reduce((a, b) => Math.max(a, b), durations[0] ?? 0),
    kinds: operations.reduce((bits, { kind }) => bits | (1 << Math.min(kind, 6)), 0),
    statuses: order.reduce((bits, row) => bits | (1 << Math.min(rows.status[row]!, 3)), 0),
    operations: rows.operations,
    streams,
  }
  return { parts, meta }
}

function sorted(rows: BlockRows, take: SectionInput['take']): number[] {
  const order: number[] = []
  for (let row = 0; row < rows.count; row++) if (!take || take(row)) order.push(row)
  const { traceIds, trace, startHi, startLo } = rows
  return order.sort((a, b) => {
    const [s, t] = [4 * trace[a]!, 4 * trace[b]!]
    for (let i = 0; i < 4; i++) if (traceIds[s + i] !== traceIds[t + i]) return traceIds[s + i]! - traceIds[t + i]!
    return startHi[a]! - startHi[b]! || startLo[a]! - startLo[b]! || a - b
  })
}

/** Eight bytes a row first, so that each column starts where its numbers may. */
function columnsOf(rows: BlockRows, order: readonly number[], group: Uint32Array): Uint8Array[] {
  const words = (column: Uint32Array): Uint8Array => bytesOf(Uint32Array.from(order, (row) => column[row]!))
  const pairs = (column: Uint32Array): Uint8Array =>
    bytesOf(Uint32Array.from({ length: 2 * order.length }, (_, i) => column[2 * order[i >> 1]! + (i & 1)]!))
  const traceIds = Uint32Array.from({ length: 4 * order.length }, (_, i) => {
    return rows.traceIds[4 * rows.trace[order[i >> 2]!]! + (i & 3)]!
  })
  return [
    bytesOf(Float64Array.from(order, (row) => rows.durationNs[row]!)),
    bytesOf(traceIds),
    pairs(rows.spanId),
    pairs(rows.parentId),
    words(rows.startLo),
    words(rows.startHi),
    words(rows.operation),
    bytesOf(group),
    bytesOf(Uint32Array.from(order, (row) => rows.spanEnd[row]! - rows.spanStart[row]!)),
    Uint8Array.from(order, (row) => rows.status[row]!),
  ]
}

function bytesOf(words: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}
