import type { BlockRows } from '../block/rows.ts'
import type { Turn } from './turn.ts'

/**
 * What a block has of each of its traces: partials that add up over blocks. All by the trace's index in the block. Times are exact nanoseconds in two halves,
 * durations nanoseconds, negative ones 0; spans that were sent twice count twice.
 */
export interface TraceExtents {
  readonly traceCount: number
  /** Four words a trace. */
  readonly traceIds: Uint32Array
  readonly spans: Uint32Array
  readonly errors: Uint32Array
  /** First start. */
  readonly startHi: Uint32Array
  readonly startLo: Uint32Array
  /** Last end. It may lie after 2554. */
  readonly endHi: Float64Array
  readonly endLo: Uint32Array
  /** The longest of all spans. */
  readonly longestNs: Float64Array
  /** The request is not longer than the longest of these, over blocks; see {@link requestsOf}, than which it may be more where {@link isRequestLoose} is 1. */
  readonly requestNs: Float64Array
  readonly isRequestLoose: Uint32Array
  /** Of those that start first: the longest, and the longest that has no parent (-1: none of them), which is then the root. */
  readonly firstNs: Float64Array
  readonly rootNs: Float64Array
}

/**
 * Of each trace the most that its request can take, by the rows of one block. That is the earliest span without a parent, and some block has it: it takes as long as the longest of those. Where
 * a block has no such span, nor may any other: then it is one of all. (Of a client and a server span with one id the server is not the root, but then the client is, or has a parent as well.)
 */
export function requestsOf({ count, trace, traceCount, durationNs, parentId }: BlockRows): Float64Array {
  const ofRoots = new Float64Array(traceCount).fill(-1)
  const ofAll = new Float64Array(traceCount)
  for (let row = 0; row < count; row++) {
    const i = trace[row]!
    const duration = Math.max(0, durationNs[row]!)
    if (duration > ofAll[i]!) ofAll[i] = duration
    if (duration > ofRoots[i]! && (parentId[2 * row]! | parentId[2 * row + 1]!) === 0) ofRoots[i] = duration
  }
  putWhereNone(ofRoots, ofAll)
  return ofRoots
}

function putWhereNone(ofRoots: Float64Array, ofAll: Float64Array): void {
  for (let i = 0; i < ofRoots.length; i++) if (ofRoots[i]! < 0) ofRoots[i] = ofAll[i]!
}

/** From the rows of a block; undefined when the turn ended. */
export async function extentsOf(rows: BlockRows, turn: Turn): Promise<TraceExtents | undefined> {
  const { count, trace, startHi, startLo, durationNs, status, parentId } = rows
  const extents = createExtents(rows)
  const { requestNs, longestNs } = extents
  requestNs.fill(-1)
  for (let row = 0; row < count; row++) {
    if (turn.work(80) && (await turn.breathe())) return undefined
    const i = trace[row]!
    const duration = Math.max(0, durationNs[row]!)
    const durationHi = Math.floor(duration / 2 ** 32)
    const low = startLo[row]! + (duration - durationHi * 2 ** 32)
    const carry = low >= 2 ** 32 ? 1 : 0
    const isRoot = parentId[2 * row] === 0 && parentId[2 * row + 1] === 0
    const first = extents.spans[i]!++ === 0
    if (status[row] === 2) extents.errors[i]!++
    addEnd(extents, i, first, startHi[row]! + durationHi + carry, low - carry * 2 ** 32)
    addStart(extents, i, first, startHi[row]!, startLo[row]!, duration, isRoot ? duration : -1)
    if (duration > longestNs[i]!) longestNs[i] = duration
    if (isRoot && duration > requestNs[i]!) requestNs[i] = duration
  }
  putWhereNone(requestNs, longestNs)
  return extents
}

/** Of traces of which nothing is known yet. */
export function createExtents({ traceCount, traceIds }: Pick<BlockRows, 'traceCount' | 'traceIds'>): TraceExtents {
  return {
    traceCount,
    traceIds,
    spans: new Uint32Array(traceCount),
    errors: new Uint32Array(traceCount),
    startHi: new Uint32Array(traceCount),
    startLo: new Uint32Array(traceCount),
    endHi: new Float64Array(traceCount),
    endLo: new Uint32Array(traceCount),
    longestNs: new Float64Array(traceCount),
    requestNs: new Float64Array(traceCount),
    isRequestLoose: new Uint32Array(traceCount),
    firstNs: new Float64Array(traceCount),
    rootNs: new Float64Array(traceCount),
  }
}

type Starts = Pick<TraceExtents, 'startHi' | 'startLo' | 'firstNs' | 'rootNs'>

/** Adds a start of the same trace, and what starts there. `isFirst`: nothing is known of the trace yet. */
export function addStart(
  to: Starts,
  i: number,
  isFirst: boolean,
  hi: number,
  lo: number,
  firstNs: number,
  rootNs: number,
): void {
  const later = isFirst ? -1 : hi - to.startHi[i]! || lo - to.startLo[i]!
  if (later > 0) return
  if (later < 0) {
    to.startHi[i] = hi
    to.startLo[i] = lo
  }
  to.firstNs[i] = later < 0 ? firstNs : Math.max(to.firstNs[i]!, firstNs)
  to.rootNs[i] = later < 0 ? rootNs : Math.max(to.rootNs[i]!, rootNs)
}

type Ends = Pick<TraceExtents, 'endHi' | 'endLo'>

export function addEnd(to: Ends, i: number, isFirst: boolean, hi: number, lo: number): void {
  if (!isFirst && (hi - to.endHi[i]! || lo - to.endLo[i]!) <= 0) return
  to.endHi[i] = hi
  to.endLo[i] = lo
}
