import {
  buildTrace,
  clocksOf,
  criticalPath,
  type CriticalSegment,
  type Problem,
  problems,
  type Trace,
  verdictOf,
} from '@spoor/trace'
import type { CriticalRows, PreparedTrace } from './loaded-trace.ts'

/**
 * Builds all that the page needs of a trace from its serialized `TracesData`; with `isAligned` its spans stand where they were by the clock of the request.
 * Runs in a worker. Throws what `buildTrace` throws.
 */
export function prepareTrace(bytes: Uint8Array, id: string, isAligned = false): PreparedTrace {
  const byteLength = bytes.length
  const sent = buildTrace(bytes, id)
  const { apart, aheadOf } = clocksOf(sent)
  const moves = isAligned && apart.length > 0
  const trace = moves ? buildTrace(bytes, id, aheadOf) : sent
  const path = criticalPath(trace)
  return {
    trace,
    critical: criticalRows(trace, path),
    verdict: verdictOf(trace, path),
    problems: moves ? [...clockProblems(sent, trace), ...problems(trace)] : problems(sent),
    clocksApart: apart,
    aheadNs: moves ? Float64Array.from(trace.resourceStart, aheadOf) : undefined,
    byteLength,
  }
}

/** What is told of the clocks by the times that were sent, with the rows that these spans have in the aligned trace. */
function clockProblems(sent: Trace, aligned: Trace): Problem[] {
  const found = problems(sent).filter(({ code }) => code === 'clock-skew')
  const rows = new Map(found.flatMap((problem) => problem.rows.map((row) => [sent.spanStart[row], -1])))
  for (const [row, start] of aligned.spanStart.entries()) if (rows.has(start)) rows.set(start, row)
  return found.map((problem) => ({ ...problem, rows: problem.rows.map((row) => rows.get(sent.spanStart[row])!) }))
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
