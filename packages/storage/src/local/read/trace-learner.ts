import type { Segment } from './catalog-segment.ts'
import { SegmentTraces } from './segment-traces.ts'
import { StoredBlock } from './stored-block.ts'

/** The segment whose blocks are being read. */
interface Learning {
  readonly segment: Segment
  readonly traces: SegmentTraces
  /** The next of its blocks. */
  at: number
}

/**
 * Learns which traces are in the closed segments that are not sealed and of whose blocks the writer has not told, as they were there before this reader: block
 * by block, from the columns of their index. The newest first, as sealing begins with the oldest.
 */
export class TraceLearner {
  readonly #segments: ReadonlyMap<number, Segment>
  readonly #keep: (segment: Segment, traces: SegmentTraces) => void
  readonly #room: () => number
  /** Nothing more is to be learned of them. */
  readonly #done = new WeakSet<Segment>()
  #learning: Learning | undefined

  /**
   * `segments`: in order; the last one may be open.
   * `keep`: takes what was learned of one, whose blocks are all told of.
   * `room`: bytes that there may be for one more.
   */
  constructor(
    segments: ReadonlyMap<number, Segment>,
    keep: (segment: Segment, traces: SegmentTraces) => void,
    room: () => number,
  ) {
    this.#segments = segments
    this.#keep = keep
    this.#room = room
  }

  /** Reads the next block: a millisecond or two. False: there is none, for now. */
  step(): boolean {
    const learning = (this.#learning ??= this.#begin())
    if (!learning) return false
    const { segment, traces } = learning
    const hashes = this.#hashesOf(segment, learning.at++)
    if (hashes) traces.add(hashes)
    if (!hashes || learning.at === segment.blocks.length) {
      this.#learning = undefined
      this.#done.add(segment)
      if (hashes) this.#keep(segment, traces)
    }
    return true
  }

  /** Undefined: that cannot be known, and so nothing of the segment, whose blocks are asked as before. */
  #hashesOf(segment: Segment, at: number): Uint32Array | undefined {
    const block = segment.blocks[at]
    if (this.#segments.get(segment.id) !== segment || !isKnown(segment) || !(block instanceof StoredBlock))
      return undefined
    try {
      return block.readTraces()
    } catch {
      return undefined
    }
  }

  #begin(): Learning | undefined {
    const closed = [...this.#segments.values()].slice(0, -1)
    const segment = closed.findLast((each) => !this.#done.has(each) && isKnown(each) && this.#isWorthIt(each))
    return segment && { segment, traces: new SegmentTraces(), at: 0 }
  }

  #isWorthIt(segment: Segment): boolean {
    const { blocks } = segment
    const counts = blocks.map((block) => (block instanceof StoredBlock ? block.traceCount : Infinity))
    const traces = counts.reduce((sum, count) => sum + count, 0)
    if (SegmentTraces.mayKeep(traces, this.#room())) return true
    // Where there is no room now, there may be some when others are sealed.
    if (traces > 0 && Number.isFinite(traces) && SegmentTraces.mayKeep(traces, Infinity)) return false
    this.#done.add(segment)
    return false
  }
}

/** All of its blocks are there, and of none is told which traces it has. */
function isKnown({ hasLog, isLoaded, unreadable, missing, dropped, blocks, traces }: Segment): boolean {
  return hasLog && isLoaded && !unreadable && !missing && !dropped && blocks.length > 0 && traces.bytes === 0
}
