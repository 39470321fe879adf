import {
  buildTrace,
  clocksOf,
  type CriticalPath,
  criticalPath,
  type Problem,
  problems,
  resourceStartOf,
  type Trace,
  type Verdict,
  verdictOf,
} from '@spoor/trace'
import { shown } from '../format/outside.ts'
import type { CriticalRows, PreparedTrace } from './loaded-trace.ts'

/**
 * Builds all that the page needs of a trace from its serialized `TracesData`; with `isAligned` its spans stand where they were by the clock of the request.
 * Runs in a worker. Throws what `buildTrace` throws.
 */
export function prepareTrace(bytes: Uint8Array, id: string, isAligned = false): PreparedTrace {
  const byteLength = bytes.length
  const sent = legible(buildTrace(bytes, id))
  const { apart, aheadOf } = clocksOf(sent)
  const moves = isAligned && apart.length > 0
  const trace = moves ? legible(buildTrace(bytes, id, aheadOf)) : sent
  const path = criticalPath(trace)
  return {
    trace,
    critical: criticalRows(trace, path),
    verdict: legibleVerdict(verdictOf(trace, path)),
    problems: (moves ? [...clockProblems(sent, trace), ...problems(trace)] : problems(sent)).map((problem) => ({
      ...problem,
      text: shown(problem.text, 3_000),
    })),
    clocksApart: apart,
    aheadNs: moves ? Float64Array.from(trace.scope, (_, row) => aheadOf(resourceStartOf(trace, row))) : undefined,
    byteLength,
  }
}

/** With names that can stand in a row and in a sentence. Those that are the same then are still two: each has its index. */
function legible(trace: Trace): Trace {
  return {
    ...trace,
    names: trace.names.map((name) => shown(name)),
    services: trace.services.map((service) => shown(service)),
  }
}

function legibleVerdict(verdict: Verdict): Verdict {
  const { error } = verdict
  return { ...verdict, error: error && { ...error, message: shown(error.message) } }
}

/** What is told of the clocks by the times that were sent, with the rows that these spans have in the aligned trace. */
function clockProblems(sent: Trace, aligned: Trace): Problem[] {
  const found = problems(sent).filter(({ code }) => code === 'clock-skew')
  const rows = new Map(found.flatMap((problem) => problem.rows.map((row) => [sent.spanStart[row], -1])))
  for (const [row, start] of aligned.spanStart.entries()) if (rows.has(start)) rows.set(start, row)
  return found.map((problem) => ({ ...problem, rows: problem.rows.map((row) => rows.get(sent.spanStart[row])!) }))
}

/** Sorts the segments by row, each at the times of its row's own clock. In a row they stay in order of time: all of them are by one clock. */
export function criticalRows(trace: Pick<Trace, 'size'>, path: CriticalPath): CriticalRows {
  const offsets = new Uint32Array(trace.size + 1)
  for (let at = 0; at < path.length; at++) offsets[path.row[at]! + 1]!++
  for (let row = 0; row < trace.size; row++) offsets[row + 1]! += offsets[row]!
  const next = offsets.slice()
  const startNs = new Float64Array(path.length)
  const endNs = new Float64Array(path.length)
  for (let at = 0; at < path.length; at++) {
    const place = next[path.row[at]!]!++
    startNs[place] = path.startNs[at]! + path.aheadNs[at]!
    endNs[place] = path.endNs[at]! + path.aheadNs[at]!
  }
  return { offsets, startNs, endNs }
}
