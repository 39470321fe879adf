import { buildTrace, criticalPath, type CriticalSegment, problems, type Trace, verdictOf } from '@spoor/trace'
import type { CriticalRows, PreparedTrace } from './loaded-trace.ts'

/** Builds all that the page needs of a trace from its serialized `TracesData`. Runs in a worker. Throws what `buildTrace` throws. */
export function prepareTrace(bytes: Uint8Array, id: string): PreparedTrace {
  const byteLength = bytes.length
  const trace = buildTrace(bytes, id)
  const path = criticalPath(trace)
  return {
    trace,
    critical: criticalRows(trace, path),
    verdict: verdictOf(trace, path),
    problems: problems(trace),
    byteLength,
  }
}

/** Sorts the segments by row, each at the times of its row's own clock. */
export function criticalRows(trace: Pick<Trace, 'size'>, segments: readonly CriticalSegment[]): CriticalRows {
  const offsets = new Uint32Array(trace.size + 1)
  for (const { row } of segments) offsets[row + 1]!++
  for (let row = 0; row < trace.size; row++) offsets[row + 1]! += offsets[row]!
  const next = offsets.slice()
  const startNs = new Float64Array(segments.length)
  const endNs = new Float64Array(segments.length)
  const inOrder = segments.toSorted((a, b) => a.startNs + a.aheadNs - b.startNs - b.aheadNs)
  for (const segment of inOrder) {
    const place = next[segment.row]!++
    startNs[place] = segment.startNs + segment.aheadNs
    endNs[place] = segment.endNs + segment.aheadNs
  }
  return { offsets, startNs, endNs }
}
