import type { BlockRows } from '../block/rows.ts'
import type { BlockMeta } from '../files/index-file.ts'
import type { SectionMeta } from '../sealed/section-meta.ts'

/*
 * What an index says is checked before it is used: a file may have been damaged in a way that its checksum does not tell, or written by
 * somebody else. Nothing in it may end the reader, or make it reach for memory without end.
 */

/** Spans, traces, groups or frames of one block beyond which a block is not believed: 16 times what 64 MiB of the smallest spans are. */
const MAX_ENTRIES = 1 << 24
/** Probes of a filter. */
const MAX_PROBES = 64
const MAX_U64 = (1n << 64n) - 1n

export function isBlockMeta(value: unknown): value is BlockMeta {
  if (typeof value !== 'object' || value === null) return false
  const meta = value as Partial<Record<keyof BlockMeta, unknown>>
  return (
    isCount(meta.logStart, Number.MAX_SAFE_INTEGER) &&
    isCount(meta.logEnd, Number.MAX_SAFE_INTEGER) &&
    meta.logStart <= meta.logEnd &&
    [meta.spans, meta.traces, meta.groups, meta.frames].every((count) => isCount(count, MAX_ENTRIES)) &&
    isTime(meta.minStart) &&
    isTime(meta.maxStart) &&
    isList(meta.crcs, (crc) => isCount(crc, 2 ** 32 - 1)) &&
    meta.crcs.length === 2 &&
    isList(meta.operations, isOperation) &&
    (meta.only === undefined || (typeof meta.only === 'string' && /^[0-9a-f]{32}$/.test(meta.only))) &&
    (meta.keys === undefined || isList(meta.keys, (key) => typeof key === 'string')) &&
    (meta.traceProbes === undefined || isCount(meta.traceProbes, MAX_PROBES))
  )
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && /^\d{1,20}$/.test(value) && BigInt(value) <= MAX_U64
}

function isList(value: unknown, isItem: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.every(isItem)
}

function isOperation(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { service, name, kind } = value as Record<string, unknown>
  return typeof service === 'string' && typeof name === 'string' && isCount(kind, 255)
}

/** What is asked of a section beside what its own reader checks. */
export function isSectionMeta(value: unknown): value is SectionMeta {
  if (typeof value !== 'object' || value === null) return false
  const meta = value as Partial<Record<keyof SectionMeta, unknown>>
  return (
    isCount(meta.spans, MAX_ENTRIES) &&
    isTime(meta.minStart) &&
    isTime(meta.maxStart) &&
    isList(meta.operations, isOperation) &&
    (meta.traceFilter === undefined || isPiece(meta.traceFilter))
  )
}

function isPiece(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { offset, length, crc } = value as Record<string, unknown>
  return [offset, length, crc].every((number) => isCount(number, 2 ** 32 - 1))
}

/** Whether every row points to entries and bytes that are there. */
export function areSound(rows: BlockRows, logStart: number, logEnd: number): boolean {
  const { count, traceCount, operations } = rows
  for (let row = 0; row < count; row++) {
    if (rows.trace[row]! >= traceCount || rows.operation[row]! >= operations.length) return false
  }
  return arePlacesSound(rows, logStart, logEnd)
}

/** The same of where spans and their groups are. */
export function arePlacesSound(rows: BlockRows, logStart: number, logEnd: number): boolean {
  const { count, groupCount, frames } = rows
  const last = frames.at(-1)
  const rawEnd = last ? last.rawStart + last.rawLength : 0
  let before = 0
  for (const { rawStart, rawLength, offset, length } of frames) {
    if (rawStart !== before || offset < logStart || offset + length > logEnd) return false
    before = rawStart + rawLength
  }
  for (let row = 0; row < count; row++) {
    const group = rows.group[row]!
    if (group >= groupCount || rows.spanStart[row]! > rows.spanEnd[row]! || rows.spanEnd[row]! > rawEnd) return false
    // Groups without a row may be left from spans that the writer took back; those point to nothing.
    for (let i = 4 * group; i < 4 * group + 4; i++) if (rows.groups[i]! > rawEnd) return false
  }
  return true
}
