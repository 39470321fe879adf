import type { Trace } from '@spoor/trace'
import type { CriticalRows } from '../loaded-trace.ts'

/** What the spans of one service and name did in the trace. Nanoseconds. */
export interface OperationFigures {
  readonly service: number
  readonly name: number
  readonly spans: number
  readonly errors: number
  /** Sum of durations, and of self times. */
  readonly totalNs: number
  readonly selfNs: number
  /** On the critical path: what the request waited for. All of them add up to its duration. */
  readonly waitNs: number
  readonly longestNs: number
  /** The longest. */
  readonly row: number
}

export function operationFigures(
  trace: Pick<Trace, 'size' | 'service' | 'name' | 'names' | 'status' | 'durationsNs' | 'selfNs'>,
  critical: CriticalRows,
): OperationFigures[] {
  const figures = new Map<number, { -readonly [K in keyof OperationFigures]: OperationFigures[K] }>()
  for (let row = 0; row < trace.size; row++) {
    const service = trace.service[row]!
    const name = trace.name[row]!
    const key = service * trace.names.length + name
    let figure = figures.get(key)
    if (!figure) {
      figure = { service, name, spans: 0, errors: 0, totalNs: 0, selfNs: 0, waitNs: 0, longestNs: -1, row }
      figures.set(key, figure)
    }
    const duration = trace.durationsNs[row]!
    figure.spans++
    figure.totalNs += duration
    figure.selfNs += trace.selfNs[row]!
    figure.waitNs += waitOf(critical, row)
    if (trace.status[row] === 2) figure.errors++
    if (duration > figure.longestNs) [figure.longestNs, figure.row] = [duration, row]
  }
  return [...figures.values()]
}

/** A row's time on the critical path. */
export function waitOf(critical: CriticalRows, row: number): number {
  let ns = 0
  for (let at = critical.offsets[row]!; at < critical.offsets[row + 1]!; at++) {
    ns += critical.endNs[at]! - critical.startNs[at]!
  }
  return ns
}
