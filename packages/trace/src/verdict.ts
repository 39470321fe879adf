import { endOf, rootRow } from './children.ts'
import type { CriticalPath } from './critical-segments.ts'
import { SpanFlag, type Trace } from './model.ts'
import { errorMessage } from './problems.ts'

const ERROR = 2

/** Operations that are told of at most, and what an operation after the first must have of the request to be. */
const MAX_SHARES = 3
const LEAST_SHARE = 0.05

/** The share of a request's time beyond which what ran on after it is told: most servers do a little after their answer. */
const TOLD_TAIL = 0.01

/**
 * The cause in short: what the request waited for, where it failed, and what ran on after it. Durations and offsets from the trace's start
 * are nanoseconds.
 */
export interface Verdict {
  /** The request's span; -1 of an empty trace: then all else is empty. */
  readonly root: number
  readonly requestNs: number
  /** The time of the request: of its span, and of what it waited for where a clock differs by less than the request took. */
  readonly window: { readonly fromNs: number; readonly toNs: number }
  /** The operations that had most of the critical path, at most three, the largest first. */
  readonly shares: readonly VerdictShare[]
  /** The first error that failed the request; where it did not fail, the first of the nearest to it. Undefined: nothing failed. */
  readonly error: VerdictError | undefined
  /** What ended after the window; undefined when that is nothing to speak of. */
  readonly tail: VerdictTail | undefined
  /** The rows from the root to the culprit: the origin of the error that failed the request, else the span that it waited for longest. */
  readonly path: readonly number[]
}

export interface VerdictShare {
  /** The span that has most of it. */
  readonly row: number
  /** On the critical path, of all spans of that service and name; of the request's duration it is `share`. */
  readonly ns: number
  readonly share: number
  /** Spans of it on the critical path, and those of them that failed. */
  readonly spans: number
  readonly failed: number
}

export interface VerdictError {
  /** Nothing below it failed. */
  readonly row: number
  /** '' where nothing was recorded. */
  readonly message: string
  /** Whether all spans from the request's down to it failed. */
  readonly failedRequest: boolean
  /** Other spans that failed by themselves. */
  readonly others: number
}

export interface VerdictTail {
  /** From the window's end to the trace's. */
  readonly ns: number
  /** Spans that end in it. */
  readonly spans: number
  /** The one that ends last. */
  readonly row: number
}

/** Computes the verdict from a trace and its critical path. Linear in the spans; pure. */
export function verdictOf(trace: Trace, path: CriticalPath): Verdict {
  const root = rootRow(trace)
  if (root === -1) {
    return {
      root,
      requestNs: 0,
      window: { fromNs: 0, toNs: 0 },
      shares: [],
      error: undefined,
      tail: undefined,
      path: [],
    }
  }
  const requestNs = trace.durationsNs[root]!
  const window = windowOf(trace, root, path)
  const shares = sharesOf(trace, path, requestNs)
  const error = errorOf(trace, root)
  const culprit = error?.failedRequest ? error.row : (shares[0]?.row ?? root)
  return {
    root,
    requestNs,
    window,
    shares,
    error,
    tail: tailOf(trace, window.toNs, requestNs),
    path: pathTo(trace, culprit),
  }
}

function windowOf(trace: Trace, root: number, path: CriticalPath): Verdict['window'] {
  let fromNs = trace.startNs[root]!
  let toNs = endOf(trace, root)
  const reachNs = trace.durationsNs[root]!
  for (let at = 0; at < path.length; at++) {
    const aheadNs = path.aheadNs[at]!
    if (Math.abs(aheadNs) > reachNs) continue
    fromNs = Math.min(fromNs, path.startNs[at]! + aheadNs)
    toNs = Math.max(toNs, path.endNs[at]! + aheadNs)
  }
  return { fromNs, toNs }
}

function sharesOf(trace: Trace, path: CriticalPath, requestNs: number): VerdictShare[] {
  const nsOfRow = new Float64Array(trace.size)
  // In the order in which they come on the path.
  const rows: number[] = []
  for (let at = 0; at < path.length; at++) {
    const row = path.row[at]!
    if (nsOfRow[row] === 0) rows.push(row)
    nsOfRow[row]! += path.endNs[at]! - path.startNs[at]!
  }
  const operations = new Map<number, { row: number; most: number; ns: number; spans: number; failed: number }>()
  for (const row of rows) {
    const ns = nsOfRow[row]!
    const key = trace.service[row]! * trace.names.length + trace.name[row]!
    let operation = operations.get(key)
    if (!operation) operations.set(key, (operation = { row, most: ns, ns: 0, spans: 0, failed: 0 }))
    operation.ns += ns
    operation.spans++
    if (trace.status[row] === ERROR) operation.failed++
    if (ns > operation.most) [operation.row, operation.most] = [row, ns]
  }
  return [...operations.values()]
    .sort((a, b) => b.ns - a.ns || a.row - b.row)
    .slice(0, MAX_SHARES)
    .filter(({ ns }, index) => index === 0 || ns >= requestNs * LEAST_SHARE)
    .map(({ row, ns, spans, failed }) => ({ row, ns, share: requestNs > 0 ? ns / requestNs : 0, spans, failed }))
}

function errorOf(trace: Trace, root: number): VerdictError | undefined {
  const { size, status, parent, depth, flags, startNs } = trace
  /** How high the failure of a span went without a break: the row of the highest span that failed of it. */
  const top = new Int32Array(size).fill(-1)
  let origin = -1
  let others = -1
  for (let row = 0; row < size; row++) {
    if (status[row] !== ERROR) continue
    const above = parent[row]!
    top[row] = above !== -1 && top[above] !== -1 ? top[above]! : row
    if (flags[row]! & SpanFlag.errorBelow) continue
    others++
    if (origin === -1 || isBefore(row, origin)) origin = row
  }
  if (origin === -1) return undefined
  return { row: origin, message: errorMessage(trace, origin), failedRequest: top[origin] === root, others }

  function isBefore(row: number, other: number): boolean {
    const [a, b] = [top[row]!, top[other]!]
    const byRoot = Number(b === root) - Number(a === root)
    return (byRoot || depth[a]! - depth[b]! || startNs[row]! - startNs[other]!) < 0
  }
}

function tailOf(trace: Trace, toNs: number, requestNs: number): VerdictTail | undefined {
  const ns = trace.durationNs - toNs
  if (ns <= requestNs * TOLD_TAIL) return undefined
  let spans = 0
  let last = 0
  for (let row = 0; row < trace.size; row++) {
    if (endOf(trace, row) > toNs) spans++
    if (endOf(trace, row) > endOf(trace, last)) last = row
  }
  return { ns, spans, row: last }
}

function pathTo(trace: Trace, row: number): number[] {
  const rows: number[] = []
  for (let at = row; at !== -1; at = trace.parent[at]!) rows.push(at)
  return rows.reverse()
}
