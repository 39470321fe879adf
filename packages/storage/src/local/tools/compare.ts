import { ATTRIBUTE_PROBES, bloomHas, TRACE_PROBES } from '../block/bloom.ts'
import type { BlockBuilder } from '../block/builder.ts'
import { hashWords } from '../block/hash.ts'
import type { BlockRows } from '../block/rows.ts'
import type { File } from '../files/file-system.ts'
import { readColumns, readFilter, startRange, type IndexBlock } from '../files/index-file.ts'

/** Whether a block of the index says what is in the log: the same spans, and filters that let every one of them through. */
export function agrees(index: File, block: IndexBlock, built: BlockBuilder): boolean {
  const { meta } = block
  if (meta.spans !== built.rows.count) return false
  const rows = readColumns(index, block)
  if (!rows) return false
  const [min, max] = startRange(built.rows)
  if (meta.minStart !== String(min) || meta.maxStart !== String(max)) return false
  return sameRows(rows, built.rows) && filtersLetThrough(index, block, built)
}

/** Row by row: tables may be in another order, or have entries that no row points to. */
function sameRows(a: BlockRows, b: BlockRows): boolean {
  for (let row = 0; row < b.count; row++) {
    const id = 4 * a.trace[row]!
    const other = 4 * b.trace[row]!
    for (let i = 0; i < 4; i++) if (a.traceIds[id + i] !== b.traceIds[other + i]) return false
    for (let i = 2 * row; i < 2 * row + 2; i++)
      if (a.spanId[i] !== b.spanId[i] || a.parentId[i] !== b.parentId[i]) return false
    const group = 4 * a.group[row]!
    const otherGroup = 4 * b.group[row]!
    for (let i = 0; i < 4; i++) if (a.groups[group + i] !== b.groups[otherGroup + i]) return false
    if (
      a.startLo[row] !== b.startLo[row] ||
      a.startHi[row] !== b.startHi[row] ||
      a.durationNs[row] !== b.durationNs[row] ||
      a.status[row] !== b.status[row] ||
      a.spanStart[row] !== b.spanStart[row] ||
      a.spanEnd[row] !== b.spanEnd[row]
    )
      return false
    const operation = a.operations[a.operation[row]!]
    const expected = b.operations[b.operation[row]!]!
    if (operation?.service !== expected.service || operation.name !== expected.name || operation.kind !== expected.kind)
      return false
  }
  return sameFrames(a, b)
}

function sameFrames(a: BlockRows, b: BlockRows): boolean {
  if (b.count === 0) return true
  return (
    a.frames.length === b.frames.length &&
    a.frames.every((frame, i) => {
      const other = b.frames[i]!
      return (
        frame.offset === other.offset &&
        frame.length === other.length &&
        frame.rawStart === other.rawStart &&
        frame.rawLength === other.rawLength
      )
    })
  )
}

function filtersLetThrough(
  index: File,
  { meta, traceFilter, attributeFilter }: IndexBlock,
  built: BlockBuilder,
): boolean {
  const traces = readFilter(index, traceFilter, meta.crcs[0])
  const attributes = readFilter(index, attributeFilter, meta.crcs[1])
  if ((!traces && traceFilter.length > 0) || (!attributes && attributeFilter.length > 0)) return false
  const { traceIds, traceCount } = built.rows
  for (let i = 0; i < 4 * traceCount; i += 4) {
    const hash = hashWords(traceIds[i]!, traceIds[i + 1]!, traceIds[i + 2]!, traceIds[i + 3]!)
    if (traces && !bloomHas(traces, hash, TRACE_PROBES)) return false
  }
  if (attributes)
    for (const hash of built.hashes.values()) if (!bloomHas(attributes, hash, ATTRIBUTE_PROBES)) return false
  return true
}
