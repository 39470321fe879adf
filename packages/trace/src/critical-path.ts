import { rootRow } from './children.ts'
import { CriticalPath } from './critical-segments.ts'
import type { Trace } from './model.ts'
import type { TraceShape } from './shape.ts'
import { CLOCK_GRAIN_NS } from './skew.ts'
import type { SpanTable } from './span-table.ts'

/** Of a child's duration, how much later than its parent it may have ended for the parent to have waited for it: instrumentations end a span a little after what it stands for. */
const LATE_SHARE = 0.05
const SERVER = 2
const CLIENT = 3

/**
 * What the answer waited for: the chain of work that, made shorter, makes the root span shorter. It is found by walking
 * back from the end of the root span: at each moment the span waited for whichever child ended last before that moment,
 * and during that child's time the same holds inside of it.
 *
 * ```
 *  time   0         1         2         3
 *         0123456789012345678901234567890123
 *  root   ██████████████████████████         from 26 back to 24 it worked itself
 *    a      ██████████                       still ran when b began: nobody waited for its end
 *    b          ██████████████████           root waited for it until 24
 *      c            ██████████               b waited for it until 20
 *    d                     ███████████████   outlives root: nobody waited for it
 *  path   rrrrrrbbbbccccccccccbbbbrr
 * ```
 *
 * Asynchronous work is on the path only as far as somebody waited for its end: a child that ends after its parent is
 * left out with all below it. One that is late by a twentieth of its duration at most, and by no more than clocks are apart, was waited for all the same:
 * instrumentations tell the end of a call a little after whoever made it has gone on. The other exception is a server span under its client span: the client waits for the answer
 * by definition. One that is not longer than the client span but sticks out of it has another clock: it counts as if it
 * lay in the middle, with all below it. A longer one worked on after the answer, and counts up to the client's end. A
 * trace's tail after the root's end is therefore never on the path.
 *
 * The segments are disjoint, in order of time, and cover the root span exactly: their sum is its duration, at most the
 * trace's. Without a root the path is that of the earliest orphan. Linear in the spans visited, without recursion.
 */
export function criticalPath(trace: Trace): CriticalPath {
  const { startNs, durationsNs, kind, subtreeEnd } = trace
  const childrenOf = (row: number): number[] => {
    const children: number[] = []
    for (let child = row + 1; child < subtreeEnd[row]!; child = subtreeEnd[child]!) children.push(child)
    return children
  }
  return pathOf({ startNs, durationsNs, kind, childrenOf }, rootRow(trace))
}

/** The same of a trace that is not built, but in order: a segment's row is a position of the shape. */
export function criticalPathOfShape(table: SpanTable, shape: TraceShape): CriticalPath {
  const { size, order, startNs, parent, root } = shape
  const durationsNs = Float64Array.from({ length: size }, (_, i) => Math.max(0, table.durationNs[order[i]!]!))
  const kind = Uint8Array.from({ length: size }, (_, i) => table.kind[order[i]!]!)
  const firstChild = new Int32Array(size).fill(-1)
  const next = new Int32Array(size).fill(-1)
  for (let i = 0; i < size; i++) {
    const above = parent[i]!
    if (above === -1) continue
    next[i] = firstChild[above]!
    firstChild[above] = i
  }
  const childrenOf = (position: number): number[] => {
    const children: number[] = []
    for (let child = firstChild[position]!; child !== -1; child = next[child]!) children.push(child)
    return children
  }
  return pathOf({ startNs, durationsNs, kind, childrenOf }, root)
}

/** Spans by row. Times are offsets from the trace's start, nanoseconds. */
interface Tree {
  readonly startNs: Float64Array
  readonly durationsNs: Float64Array
  readonly kind: Uint8Array
  /** In any order; the caller's own. */
  childrenOf(row: number): number[]
}

function pathOf(tree: Tree, root: number): CriticalPath {
  const path = new CriticalPath()
  if (root === -1) return path
  const stack = [visit(tree, root, tree.startNs[root]!, endOf(tree, root), 0)]
  while (stack.length > 0) {
    const frame = stack.at(-1)!
    const child = nextAwaited(tree, frame)
    const childEnd = child === -1 ? frame.start : endBefore(tree, child, frame)
    const { row, aheadNs, now } = frame
    if (now > childEnd) path.add(row, childEnd - aheadNs, now - aheadNs, aheadNs)
    if (child === -1) {
      stack.pop()
      continue
    }
    const ahead = aheadOf(tree, child, row)
    const childStart = Math.max(tree.startNs[child]! - ahead, frame.start)
    frame.now = childStart
    frame.lateNs = 0
    stack.push(visit(tree, child, childStart + ahead, childEnd + ahead, aheadNs + ahead))
  }
  return path.reverse()
}

/**
 * A span whose time from `now` back to `start`, by its own clock, is still to be told. `children` from `next` on may
 * have been waited for, the last to end first.
 */
interface Frame {
  readonly row: number
  readonly start: number
  readonly children: readonly number[]
  /** By how much its clock is ahead of the root's. */
  readonly aheadNs: number
  now: number
  /** By how much the span ended later than `now`, as long as that is the end that was waited for: what it waited for itself may be as late. */
  lateNs: number
  next: number
}

function visit(tree: Tree, row: number, start: number, now: number, aheadNs: number): Frame {
  const children = tree.childrenOf(row).filter((child) => awaitedEnd(tree, child, row) > start)
  if (children.length > 1) children.sort((a, b) => awaitedEnd(tree, b, row) - awaitedEnd(tree, a, row) || b - a)
  const lateNs = endOf(tree, row) - now
  return { row, start, children, aheadNs, now, lateNs: lateNs <= CLOCK_GRAIN_NS ? lateNs : 0, next: 0 }
}

/**
 * The child that ended last at or before the frame's `now`, or -1. Those that end later ran beside what was waited for.
 */
function nextAwaited(tree: Tree, frame: Frame): number {
  while (frame.next < frame.children.length) {
    const child = frame.children[frame.next++]!
    const end = endBefore(tree, child, frame)
    const start = tree.startNs[child]! - aheadOf(tree, child, frame.row)
    if (end <= frame.now && end > Math.max(start, frame.start)) return child
  }
  return -1
}

/** Until when a frame's span waited for a child. */
function endBefore(tree: Tree, child: number, { row, now, lateNs }: Frame): number {
  const end = awaitedEnd(tree, child, row)
  return end > now && end <= now + lateNs ? now : end
}

/** Until when a parent waited for a child, by the parent's clock; -Infinity when it did not. */
function awaitedEnd(tree: Tree, child: number, parent: number): number {
  const end = endOf(tree, child) - aheadOf(tree, child, parent)
  const parentEnd = endOf(tree, parent)
  if (end <= parentEnd) return end
  const isOnTime = end - parentEnd <= Math.min(CLOCK_GRAIN_NS, LATE_SHARE * tree.durationsNs[child]!)
  return isOnTime || isAnswer(tree, child, parent) ? parentEnd : -Infinity
}

/** By how much a child's clock is ahead of its parent's: told where an answer would have come before its question, or after its receipt. */
function aheadOf(tree: Tree, child: number, parent: number): number {
  const { startNs, durationsNs } = tree
  const room = durationsNs[parent]! - durationsNs[child]!
  const late = startNs[child]! - startNs[parent]!
  if (room < 0 || (late >= 0 && late <= room) || !isAnswer(tree, child, parent)) return 0
  return late - Math.floor(room / 2)
}

function isAnswer({ kind }: Tree, child: number, parent: number): boolean {
  return kind[child] === SERVER && kind[parent] === CLIENT
}

function endOf({ startNs, durationsNs }: Tree, row: number): number {
  return startNs[row]! + durationsNs[row]!
}
