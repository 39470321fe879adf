/*
 * The one definition of a trace. Lists, the trace page, reports and aggregates all have it from here, whatever they read it from.
 *
 * - **A span that was sent twice counts once.** Twins are spans that are the same in all of their header: span id, parent id, start, duration, kind,
 *   status, service and name. Where their other bytes differ, one of them is taken; it is the same one however they arrived.
 * - **The order** of spans is by start, the longer first, then by the rest of the header. It is a total order on what is distinct, so nothing
 *   below depends on how the spans arrived.
 * - **A parent** is the span with the parent's id. A server span that shares its id with a client span (Zipkin's way) is the child of the client
 *   span; of several spans with the id, the parent is the one of the child's own service, else the server span, else the earliest.
 * - **An orphan** has a parent id, and no span has that. A cycle of parents is cut at its earliest span, which becomes a root.
 * - **The request** is the earliest root; of a trace without roots the earliest orphan. **The tail** is what ran on after the request's end.
 * - **Times** are as they were sent, but for a negative duration, which counts as 0. **Self time** is a span's time in none of its children.
 */
import { SpanFlag } from './model.ts'
import { SpanIndex } from './span-index.ts'
import type { SpanTable } from './span-table.ts'

const SERVER = 2
const CLIENT = 3
const ERROR = 2
/** Spans that are gone through between two chances to pause. */
const STEP = 512
/** Nanoseconds up to which sums of two are exact. */
const EXACT = 2 ** 52

/**
 * A trace's spans put in order. A position is a place in the order; its columns are the table's, to be read before the table is
 * filled anew.
 */
export interface TraceShape {
  /** Distinct spans. */
  readonly size: number
  /** Position -> span of the table. */
  readonly order: Uint32Array
  /** Nanoseconds from {@link start}, by position. */
  readonly startNs: Float64Array
  /** Position of the parent; -1 for a root, an orphan, or where a cycle was cut. */
  readonly parent: Int32Array
  /** Of {@link SpanFlag}: orphan, negativeDuration, duplicateId, cycle, variants. */
  readonly flags: Uint16Array
  readonly selfNs: Float64Array
  /** First start, nanoseconds since 1970. */
  readonly start: bigint
  /** Last end - first start. Nanoseconds. */
  readonly durationNs: number
  /** The request's position; -1 of an empty table. */
  readonly root: number
  readonly requestDurationNs: number
  /** Last end - the request's end. Nanoseconds, 0 or more. */
  readonly tailNs: number
  /** Spans with status error, and spans whose parent is not in the trace. */
  readonly errors: number
  readonly orphans: number
  readonly index: SpanIndex
}

/**
 * Computes the shape step by step. Yields, every few hundred spans, about how many nanoseconds the work since then took, so that a caller can
 * pause; {@link shapeOf} does not.
 *
 * `compareTwins`: the order of spans that are the same in their header, by their bytes; 0 where these are the same too. Without it all are.
 */
export function* shaping(
  table: SpanTable,
  compareTwins: (a: number, b: number) => number = () => 0,
): Generator<number, TraceShape, void> {
  const { count, scratch } = table
  const start = yield* offsets(table)
  const order = yield* sorted(table, compareTwins)
  const size = yield* withoutTwins(table, order, compareTwins)
  const index = new SpanIndex(table, order, size)
  yield* index.fill()
  const { parent, flags, selfNs, startNs } = scratch
  yield* resolveParents(table, order, size, index)
  yield* cutCycles(parent, flags, new Int32Array(scratch.coveredNs.buffer, 0, size), size)
  // From here on times are by position.
  const byPosition = scratch.coveredNs
  for (let position = 0; position < size; position++) byPosition[position] = startNs[order[position]!]!
  startNs.set(byPosition.subarray(0, size))
  yield 5 * size
  yield* measure(table, order, size)
  return { size, order, startNs, parent, flags, selfNs, start, index, ...(yield* summed(table, order, size, count)) }
}

/** The same at once. */
export function shapeOf(table: SpanTable, compareTwins?: (a: number, b: number) => number): TraceShape {
  const steps = shaping(table, compareTwins)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** How long a span counts: not less than nothing. */
function lengthOf(table: SpanTable, span: number): number {
  return Math.max(0, table.durationNs[span]!)
}

/** Fills in each span's offset from the earliest start, which it returns. */
function* offsets({ count, startHi, startLo, scratch: { startNs } }: SpanTable): Generator<number, bigint, void> {
  let hi = count > 0 ? startHi[0]! : 0
  let lo = count > 0 ? startLo[0]! : 0
  for (let i = 1; i < count; i++) {
    if (startHi[i]! < hi || (startHi[i] === hi && startLo[i]! < lo)) [hi, lo] = [startHi[i]!, startLo[i]!]
    if (i % STEP === 0) yield 3 * STEP
  }
  for (let i = 0; i < count; i++) {
    startNs[i] = (startHi[i]! - hi) * 2 ** 32 + (startLo[i]! - lo)
    if (i % STEP === STEP - 1) yield 3 * STEP
  }
  return (BigInt(hi) << 32n) | BigInt(lo)
}

/** Negative, 0 or positive as the header of one span comes before, is the same as, or comes after another's. */
function compareHeaders(table: SpanTable, a: number, b: number): number {
  const { spanId, parentId, durationNs, kind, status, service, name, services, names, scratch } = table
  return (
    scratch.startNs[a]! - scratch.startNs[b]! ||
    durationNs[b]! - durationNs[a]! ||
    spanId[2 * a]! - spanId[2 * b]! ||
    spanId[2 * a + 1]! - spanId[2 * b + 1]! ||
    parentId[2 * a]! - parentId[2 * b]! ||
    parentId[2 * a + 1]! - parentId[2 * b + 1]! ||
    kind[a]! - kind[b]! ||
    status[a]! - status[b]! ||
    compareTexts(services, service[a]!, service[b]!) ||
    compareTexts(names, name[a]!, name[b]!)
  )
}

/** By code units, which is not the order of numbers: those are given as the texts come. */
function compareTexts(texts: readonly string[], a: number, b: number): number {
  return a === b ? 0 : texts[a]! < texts[b]! ? -1 : 1
}

/** Merge sort from the bottom up: unlike the array's own it can be paused. */
function* sorted(
  table: SpanTable,
  compareTwins: (a: number, b: number) => number,
): Generator<number, Uint32Array, void> {
  const { count, scratch } = table
  let from = scratch.order
  let to = scratch.spare
  let isSorted = true
  for (let i = 0; i < count; i++) {
    from[i] = i
    if (isSorted && i > 0 && (compareHeaders(table, i - 1, i) || compareTwins(i - 1, i)) > 0) isSorted = false
    if (i % STEP === STEP - 1) yield 10 * STEP
  }
  if (isSorted) return from
  let steps = 0
  for (let width = 1; width < count; width *= 2) {
    for (let low = 0; low < count; low += 2 * width) {
      const middle = Math.min(low + width, count)
      const high = Math.min(low + 2 * width, count)
      let left = low
      let right = middle
      for (let k = low; k < high; k++) {
        if (left === middle) to[k] = from[right++]!
        else if (right === high) to[k] = from[left++]!
        else {
          const [a, b] = [from[left]!, from[right]!]
          const takesRight = (compareHeaders(table, a, b) || compareTwins(a, b)) > 0
          to[k] = takesRight ? b : a
          if (takesRight) right++
          else left++
        }
        if (++steps % STEP === 0) yield 30 * STEP
      }
    }
    ;[from, to] = [to, from]
  }
  return from
}

/** Leaves of twins the first in the order, flagged where others had other bytes. Returns how many spans are left. */
function* withoutTwins(
  table: SpanTable,
  order: Uint32Array,
  compareTwins: (a: number, b: number) => number,
): Generator<number, number, void> {
  const { flags } = table.scratch
  let size = 0
  for (let i = 0; i < table.count; i++) {
    const span = order[i]!
    const before = order[size - 1]
    if (before === undefined || compareHeaders(table, before, span) !== 0) {
      flags[size] = table.durationNs[span]! < 0 ? SpanFlag.negativeDuration : 0
      order[size++] = span
    } else if (compareTwins(before, span) !== 0) flags[size - 1]! |= SpanFlag.variants
    if (i % STEP === STEP - 1) yield 10 * STEP
  }
  return size
}

function* resolveParents(
  table: SpanTable,
  order: Uint32Array,
  size: number,
  index: SpanIndex,
): Generator<number, void, void> {
  const { spanId, parentId, kind, service, scratch } = table
  const { parent: parents, flags } = scratch
  const kindAt = (position: number): number => kind[order[position]!]!
  for (let position = 0; position < size; position++) {
    if (position % STEP === STEP - 1) yield 60 * STEP
    const span = order[position]!
    parents[position] = -1
    if (spanId[2 * span] !== 0 || spanId[2 * span + 1] !== 0) {
      const first = index.first(spanId[2 * span]!, spanId[2 * span + 1]!)
      if (first !== position || index.next(first) !== -1) {
        flags[position]! |= SpanFlag.duplicateId
        const client = kind[span] === SERVER ? index.find(first, (other) => kindAt(other) === CLIENT) : -1
        if (client !== -1) {
          parents[position] = client
          continue
        }
      }
    }
    if (parentId[2 * span] === 0 && parentId[2 * span + 1] === 0) continue
    const first = index.first(parentId[2 * span]!, parentId[2 * span + 1]!)
    let parent = first
    if (first === position || (first !== -1 && index.next(first) !== -1)) {
      const others = (accept: (other: number) => boolean): number =>
        index.find(first, (other) => other !== position && accept(other))
      parent = others((other) => service[order[other]!] === service[span])
      if (parent === -1) parent = others((other) => kindAt(other) === SERVER)
      if (parent === -1) parent = others(() => true)
    }
    parents[position] = parent
    if (parent === -1) flags[position]! |= first === position ? SpanFlag.cycle : SpanFlag.orphan
  }
}

/**
 * Makes the earliest span of each cycle of parents a root. Each span has one parent, so cycles are disjoint and one
 * pass finds them all. `visitedIn` is worked in.
 */
function* cutCycles(
  parents: Int32Array,
  flags: Uint16Array,
  visitedIn: Int32Array,
  size: number,
): Generator<number, void, void> {
  let steps = 0
  visitedIn.fill(-1, 0, size)
  for (let start = 0; start < size; start++) {
    let at = start
    while (at !== -1 && visitedIn[at] === -1) {
      visitedIn[at] = start
      at = parents[at]!
      if (++steps % STEP === 0) yield 5 * STEP
    }
    if (at === -1 || visitedIn[at] !== start) continue
    let earliest = at
    for (let other = parents[at]!; other !== at; other = parents[other]!) earliest = Math.min(earliest, other)
    parents[earliest] = -1
    flags[earliest]! |= SpanFlag.cycle
  }
}

/** Self times: children come in the order of their starts, so the union of their intervals is swept with one mark a parent. */
function* measure(table: SpanTable, order: Uint32Array, size: number): Generator<number, void, void> {
  const { startNs, parent, selfNs, coveredNs } = table.scratch
  for (let position = 0; position < size; position++) {
    selfNs[position] = lengthOf(table, order[position]!)
    coveredNs[position] = startNs[position]!
    if (position % STEP === STEP - 1) yield 5 * STEP
  }
  for (let position = 0; position < size; position++) {
    if (position % STEP === STEP - 1) yield 20 * STEP
    const above = parent[position]!
    if (above === -1) continue
    const from = Math.max(startNs[position]!, coveredNs[above]!)
    const to = Math.min(
      startNs[position]! + lengthOf(table, order[position]!),
      startNs[above]! + lengthOf(table, order[above]!),
    )
    if (to > from) {
      selfNs[above] = Math.max(0, selfNs[above]! - (to - from))
      coveredNs[above] = to
    }
  }
}

type Sums = Pick<TraceShape, 'durationNs' | 'root' | 'requestDurationNs' | 'tailNs' | 'errors' | 'orphans'>

function* summed(table: SpanTable, order: Uint32Array, size: number, count: number): Generator<number, Sums, void> {
  const { startNs, flags, parent } = table.scratch
  let [root, orphan] = [-1, -1]
  let [errors, orphans, lastEnd] = [0, 0, 0]
  for (let position = 0; position < size; position++) {
    const span = order[position]!
    lastEnd = Math.max(lastEnd, startNs[position]! + lengthOf(table, span))
    if (table.status[span] === ERROR) errors++
    if (flags[position]! & SpanFlag.orphan) {
      orphans++
      if (orphan === -1) orphan = position
    } else if (root === -1 && parent[position] === -1) root = position
    if (position % STEP === STEP - 1) yield 10 * STEP
  }
  if (root === -1) root = orphan
  if (lastEnd > EXACT) lastEnd = yield* exactEnd(table, count)
  const requestDurationNs = root === -1 ? 0 : lengthOf(table, order[root]!)
  const tailNs = root === -1 ? 0 : Math.max(0, lastEnd - startNs[root]! - requestDurationNs)
  return { durationNs: lastEnd, root, requestDurationNs, tailNs, errors, orphans }
}

/** The last end where starts and durations are out of all proportion: what is added as floats is then off. */
function* exactEnd(table: SpanTable, count: number): Generator<number, number, void> {
  const { startHi, startLo } = table
  const startOf = (span: number): bigint => (BigInt(startHi[span]!) << 32n) | BigInt(startLo[span]!)
  let first = startOf(0)
  let last = 0n
  for (let span = 0; span < count; span++) {
    const start = startOf(span)
    const end = start + BigInt(lengthOf(table, span))
    if (start < first) first = start
    if (end > last) last = end
    if (span % STEP === STEP - 1) yield 200 * STEP
  }
  return Number(last - first)
}
