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
 * - **The request** is the earliest root; without one the earliest that a cycle was cut at, or else the earliest orphan. **The tail** is what ran on after the request's end.
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
  /** Span of the table -> position: its own, or that of the twin that was taken. */
  readonly positionOf: Uint32Array
  /** Nanoseconds from {@link start}, by position. */
  readonly startNs: Float64Array
  /** Position of the parent; -1 for a root, an orphan, or where a cycle was cut. */
  readonly parent: Int32Array
  /** Of {@link SpanFlag}: orphan, negativeDuration, duplicateId, cycle, variants, again. */
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
  yield* index.fill((position) => (table.scratch.flags[position]! |= SpanFlag.duplicateId))
  const { parent, flags, selfNs, startNs, positionOf } = scratch
  yield* resolveParents(table, order, size, index)
  yield* cutCycles(parent, flags, new Int32Array(scratch.coveredNs.buffer, 0, size), size)
  // From here on times are by position.
  const byPosition = scratch.coveredNs
  for (let position = 0; position < size; position++) byPosition[position] = startNs[order[position]!]!
  startNs.set(byPosition.subarray(0, size))
  yield 5 * size
  yield* measure(table, order, size)
  return {
    size,
    order,
    positionOf,
    startNs,
    parent,
    flags,
    selfNs,
    start,
    index,
    ...(yield* summed(table, order, size, count)),
  }
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

type Comparison = (a: number, b: number) => number

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

/** Spans that are sorted by being put in their place among those before them. */
const FEW = 16
/** Spans from which it pays to spread them by time first. */
const MANY = 1_024

/** First spread over stretches of time, of which each has a few spans where these are spread evenly, then sorted stretch by stretch. */
function* sorted(table: SpanTable, compareTwins: Comparison): Generator<number, Uint32Array, void> {
  const { count, scratch } = table
  const { order, spare, startNs } = scratch
  const compare: Comparison = (a, b) => compareHeaders(table, a, b) || compareTwins(a, b)
  let isSorted = true
  let last = 0
  for (let i = 0; i < count; i++) {
    spare[i] = i
    last = Math.max(last, startNs[i]!)
    if (isSorted && i > 0 && compare(i - 1, i) > 0) isSorted = false
    if (i % STEP === STEP - 1) yield 10 * STEP
  }
  if (isSorted) return spare
  if (count < MANY) {
    yield* sortRange(spare, order, 0, count, compare)
    return spare
  }
  const stretches = count >>> 2
  const ends = scratch.slots.fill(0, 0, stretches)
  const perNs = last > 0 ? (stretches - 1) / last : 0
  for (let i = 0; i < count; i++) {
    ends[Math.floor(startNs[i]! * perNs)]!++
    if (i % STEP === STEP - 1) yield 10 * STEP
  }
  for (let stretch = 1; stretch < stretches; stretch++) {
    ends[stretch]! += ends[stretch - 1]!
    if (stretch % STEP === 0) yield STEP
  }
  for (let i = count - 1; i >= 0; i--) {
    order[--ends[Math.floor(startNs[i]! * perNs)]!] = i
    if (i % STEP === 0) yield 20 * STEP
  }
  // What was an end is a beginning now.
  for (let stretch = 0; stretch < stretches; stretch++) {
    const low = ends[stretch]!
    const high = stretch + 1 < stretches ? ends[stretch + 1]! : count
    if (high - low > FEW) yield* sortRange(order, spare, low, high, compare)
    else sortFew(order, low, high, compare)
    if (stretch % (STEP >>> 2) === 0) yield 40 * STEP
  }
  return order
}

function sortFew(order: Uint32Array, low: number, high: number, compare: Comparison): void {
  for (let i = low + 1; i < high; i++) {
    const span = order[i]!
    let at = i
    for (; at > low && compare(order[at - 1]!, span) > 0; at--) order[at] = order[at - 1]!
    order[at] = span
  }
}

/** Merge sort from the bottom up: unlike the array's own it can be paused. `spare`: as long as `order`. */
function* sortRange(
  order: Uint32Array,
  spare: Uint32Array,
  first: number,
  end: number,
  compare: Comparison,
): Generator<number, void, void> {
  let [from, to] = [order, spare]
  let steps = 0
  for (let width = 1; width < end - first; width *= 2) {
    for (let low = first; low < end; low += 2 * width) {
      const middle = Math.min(low + width, end)
      const high = Math.min(low + 2 * width, end)
      let left = low
      let right = middle
      for (let k = low; k < high; k++) {
        if (left === middle) to[k] = from[right++]!
        else if (right === high) to[k] = from[left++]!
        else {
          const takesRight = compare(from[left]!, from[right]!) > 0
          to[k] = takesRight ? from[right++]! : from[left++]!
        }
        if (++steps % STEP === 0) yield 30 * STEP
      }
    }
    ;[from, to] = [to, from]
  }
  if (from !== order) order.set(from.subarray(first, end), first)
}

/** Leaves of twins the first in the order, flagged where others had other bytes. Returns how many spans are left. */
function* withoutTwins(
  table: SpanTable,
  order: Uint32Array,
  compareTwins: (a: number, b: number) => number,
): Generator<number, number, void> {
  const { flags, positionOf } = table.scratch
  let size = 0
  for (let i = 0; i < table.count; i++) {
    const span = order[i]!
    const before = order[size - 1]
    if (before === undefined || compareHeaders(table, before, span) !== 0) {
      flags[size] = table.durationNs[span]! < 0 ? SpanFlag.negativeDuration : 0
      order[size++] = span
    } else flags[size - 1]! |= compareTwins(before, span) === 0 ? SpanFlag.again : SpanFlag.again | SpanFlag.variants
    positionOf[span] = size - 1
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
    if (position % STEP === 0) {
      index.touch(parentId, position, Math.min(position + STEP, size))
      yield 60 * STEP
    }
    const span = order[position]!
    parents[position] = -1
    if (flags[position]! & SpanFlag.duplicateId && kind[span] === SERVER) {
      const first = index.first(spanId[2 * span]!, spanId[2 * span + 1]!)
      const client = index.find(first, (other) => kindAt(other) === CLIENT)
      if (client !== -1) {
        parents[position] = client
        continue
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
  let [root, cut, orphan] = [-1, -1, -1]
  let [errors, orphans, lastEnd] = [0, 0, 0]
  for (let position = 0; position < size; position++) {
    const span = order[position]!
    lastEnd = Math.max(lastEnd, startNs[position]! + lengthOf(table, span))
    if (table.status[span] === ERROR) errors++
    if (flags[position]! & SpanFlag.orphan) {
      orphans++
      if (orphan === -1) orphan = position
    } else if (parent[position] === -1) {
      if (flags[position]! & SpanFlag.cycle) cut = cut === -1 ? position : cut
      else if (root === -1) root = position
    }
    if (position % STEP === STEP - 1) yield 10 * STEP
  }
  if (root === -1) root = cut === -1 ? orphan : cut
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
