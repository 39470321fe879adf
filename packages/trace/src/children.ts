import { SpanFlag, type Trace } from './model.ts'

/** Rows of a span's direct children, in the order of their starts. */
export function* childrenOf(trace: Trace, row: number): Generator<number> {
  for (let child = row + 1; child < trace.subtreeEnd[row]!; child = trace.subtreeEnd[child]!) yield child
}

/** Rows without a parent in the trace: roots, orphans and cut cycles. */
export function* topRows(trace: Trace): Generator<number> {
  for (let row = 0; row < trace.size; row = trace.subtreeEnd[row]!) yield row
}

/** End of a span as an offset from the trace's start, nanoseconds. */
export function endOf(trace: Trace, row: number): number {
  return trace.startNs[row]! + trace.durationsNs[row]!
}

/**
 * The span that stands for the trace: its earliest root; the earliest orphan when there is no root; -1 for an empty
 * trace. A store's summary has the same rule.
 */
export function rootRow(trace: Trace): number {
  let earliest = -1
  for (const row of topRows(trace)) {
    if (!(trace.flags[row]! & SpanFlag.orphan)) return row
    if (earliest === -1) earliest = row
  }
  return earliest
}
