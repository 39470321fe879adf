import type { BlockRows } from '../block/rows.ts'
import type { Turn } from './turn.ts'

/** The start of a trace's root where none of its spans in the block is without a parent. */
export const NO_ROOT = 0xffff_ffff

/**
 * What a block has of each of its traces: partials that add up over blocks. All by the trace's index in the block. Times are exact nanoseconds in two halves;
 * spans that were sent twice count twice.
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
  /** Last end. It may lie before 1970 and after 2554. */
  readonly endHi: Float64Array
  readonly endLo: Uint32Array
  /** Start of the earliest span without a parent; both halves {@link NO_ROOT} when there is none. */
  readonly rootHi: Uint32Array
  readonly rootLo: Uint32Array
  /** The longest and the shortest duration of those with that start, in nanoseconds; without a root, the longest of all spans, and 0. */
  readonly rootMaxNs: Float64Array
  readonly rootMinNs: Float64Array
}

/** From the rows of a block; undefined when the turn ended. */
export async function extentsOf(rows: BlockRows, turn: Turn): Promise<TraceExtents | undefined> {
  const { count, trace, startHi, startLo, durationNs, status, parentId } = rows
  const extents = createExtents(rows)
  for (let row = 0; row < count; row++) {
    if (turn.work(80) && (await turn.breathe())) return undefined
    const i = trace[row]!
    // A clock that was set back counts as no time, as in the definition of a trace.
    const [hi, lo, duration] = [startHi[row]!, startLo[row]!, Math.max(0, durationNs[row]!)]
    const first = extents.spans[i]!++ === 0
    if (status[row] === 2) extents.errors[i]!++
    if (first || hi < extents.startHi[i]! || (hi === extents.startHi[i] && lo < extents.startLo[i]!)) {
      extents.startHi[i] = hi
      extents.startLo[i] = lo
    }
    const durationHi = Math.floor(duration / 2 ** 32)
    const low = lo + (duration - durationHi * 2 ** 32)
    const carry = low >= 2 ** 32 ? 1 : 0
    const endHi = hi + durationHi + carry
    const endLo = low - carry * 2 ** 32
    if (first || endHi > extents.endHi[i]! || (endHi === extents.endHi[i] && endLo > extents.endLo[i]!)) {
      extents.endHi[i] = endHi
      extents.endLo[i] = endLo
    }
    if (parentId[2 * row] === 0 && parentId[2 * row + 1] === 0) addRoot(extents, i, hi, lo, duration, duration)
    else if (extents.rootHi[i] === NO_ROOT && duration > extents.rootMaxNs[i]!) extents.rootMaxNs[i] = duration
  }
  return extents
}

function createExtents({ traceCount, traceIds }: BlockRows): TraceExtents {
  return {
    traceCount,
    traceIds,
    spans: new Uint32Array(traceCount),
    errors: new Uint32Array(traceCount),
    startHi: new Uint32Array(traceCount),
    startLo: new Uint32Array(traceCount),
    endHi: new Float64Array(traceCount),
    endLo: new Uint32Array(traceCount),
    rootHi: new Uint32Array(traceCount).fill(NO_ROOT),
    rootLo: new Uint32Array(traceCount).fill(NO_ROOT),
    rootMaxNs: new Float64Array(traceCount),
    rootMinNs: new Float64Array(traceCount),
  }
}

type Roots = Pick<TraceExtents, 'rootHi' | 'rootLo' | 'rootMaxNs' | 'rootMinNs'>

/** Adds what is known of roots, of the same trace elsewhere: the earliest is it. */
export function addRoot(to: Roots, i: number, hi: number, lo: number, maxNs: number, minNs: number): void {
  const sooner = hi - to.rootHi[i]! || lo - to.rootLo[i]!
  if (sooner > 0) return
  if (sooner < 0) {
    to.rootHi[i] = hi
    to.rootLo[i] = lo
    to.rootMaxNs[i] = maxNs
    to.rootMinNs[i] = minNs
  } else {
    to.rootMaxNs[i] = Math.max(to.rootMaxNs[i]!, maxNs)
    to.rootMinNs[i] = Math.min(to.rootMinNs[i]!, minNs)
  }
}
