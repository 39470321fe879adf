import { childrenOf, endOf, rootRow } from './children.ts'
import type { CriticalSegment, Trace } from './model.ts'

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
 * left out with all below it. The one exception is a server span under its client span: the client waits for the answer
 * by definition, so a later end is a clock that differs or work after the answer, and the server span counts up to the
 * client's end. A trace's tail after the root's end is therefore never on the path.
 *
 * The segments are disjoint, in order of time, and cover the root span exactly: their sum is its duration, at most the
 * trace's. Without a root the path is that of the earliest orphan. Linear in the spans visited, without recursion.
 */
export function criticalPath(trace: Trace): CriticalSegment[] {
  const root = rootRow(trace)
  if (root === -1) return []
  const segments: CriticalSegment[] = []
  const stack = [visit(trace, root, trace.startNs[root]!, endOf(trace, root))]
  while (stack.length > 0) {
    const frame = stack.at(-1)!
    const child = nextAwaited(trace, frame)
    const childEnd = child === -1 ? frame.start : awaitedEnd(trace, child, frame.row)
    if (frame.now > childEnd) segments.push({ row: frame.row, startNs: childEnd, endNs: frame.now })
    if (child === -1) {
      stack.pop()
      continue
    }
    const childStart = Math.max(trace.startNs[child]!, frame.start)
    frame.now = childStart
    stack.push(visit(trace, child, childStart, childEnd))
  }
  return segments.reverse()
}

/**
 * A span whose time from `now` back to `start` is still to be told. `children` from `next` on may have been waited for,
 * the last to end first.
 */
interface Frame {
  readonly row: number
  readonly start: number
  readonly children: readonly number[]
  now: number
  next: number
}

function visit(trace: Trace, row: number, start: number, now: number): Frame {
  const children = [...childrenOf(trace, row)].filter((child) => awaitedEnd(trace, child, row) > start)
  children.sort((a, b) => awaitedEnd(trace, b, row) - awaitedEnd(trace, a, row) || b - a)
  return { row, start, children, now, next: 0 }
}

/**
 * The child that ended last at or before the frame's `now`, or -1. Those that end later ran beside what was waited for.
 */
function nextAwaited(trace: Trace, frame: Frame): number {
  while (frame.next < frame.children.length) {
    const child = frame.children[frame.next++]!
    const end = awaitedEnd(trace, child, frame.row)
    if (end <= frame.now && end > Math.max(trace.startNs[child]!, frame.start)) return child
  }
  return -1
}

/** Until when a parent waited for a child; -Infinity when it did not. */
function awaitedEnd(trace: Trace, child: number, parent: number): number {
  const end = endOf(trace, child)
  const parentEnd = endOf(trace, parent)
  if (end <= parentEnd) return end
  return trace.kind[child] === SERVER && trace.kind[parent] === CLIENT ? parentEnd : -Infinity
}
