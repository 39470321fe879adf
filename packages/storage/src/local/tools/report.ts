import type { FormatState } from '../files/format.ts'

/** Bytes of a log, or of a sealed segment, that are not what was written. */
export interface DamagedRange {
  readonly offset: number
  readonly bytes: number
  /** Spans in it, at most; undefined when nothing can tell. */
  readonly maxSpans: number | undefined
  /** The last record: perhaps acknowledged, perhaps never finished. */
  readonly perhaps: boolean
  /** The bytes are not there any more: the log was cut at `offset`, or is gone. */
  readonly gone: boolean
}

/**
 * Of a log, or of the file of a sealed segment, whose sections stand for records.
 *
 * - `ok`: every record is whole. `damaged`: some are not; the rest is served.
 * - `unreadable`: the file system does not give it out; see `reason`.
 * - `missing`: gone; its number, or its index, says that it was there.
 * - `unwritten`: not even its header came to be. `foreign`: nothing in it is Spoor's. `newer`: a later version wrote it.
 */
export type LogCondition = 'ok' | 'damaged' | 'unreadable' | 'missing' | 'unwritten' | 'foreign' | 'newer'

/**
 * - `ok`: says of all of the log what is there. `behind`: of less, which is how it is in an open segment, or after a kill.
 * - `missing`: not there. `outdated`: says of spans that can no longer be read. `damaged`: does not agree with the log.
 * - `unused`: the log cannot be read.
 *
 * Of a sealed segment, what finds the sections in it: `ok`, or `damaged`, and then it is made from these.
 */
export type IndexCondition = 'ok' | 'behind' | 'missing' | 'outdated' | 'damaged' | 'unused'

export interface SegmentReport {
  readonly id: number
  /** Name of the log, or of the sealed segment, in the data directory. */
  readonly file: string
  readonly log: LogCondition
  readonly index: IndexCondition
  /** Of the file; undefined where it cannot be told. */
  readonly format: number | undefined
  /** Of the file. */
  readonly bytes: number
  readonly records: number
  /** Spans that can be read. */
  readonly spans: number
  readonly damaged: readonly DamagedRange[]
  /** At the end: what was never acknowledged. */
  readonly tornBytes: number
  /** What the file system, or the version, says against reading it. */
  readonly reason: string | undefined
}

/** What {@link verifyStore} found. */
export interface StoreReport {
  readonly directory: string
  /** Nothing is damaged, missing or newer. A torn tail and an index that is behind are no damage. */
  readonly ok: boolean
  readonly format: FormatState | 'newer'
  /** By id, ascending. */
  readonly segments: readonly SegmentReport[]
  /** Files that are none of Spoor's. */
  readonly foreign: readonly string[]
  /** Pieces that were put aside in `damaged/`, and their bytes. */
  readonly kept: { readonly files: number; readonly bytes: number }
  /** A deletion or repair was interrupted; it goes on, or is undone, at the next open. */
  readonly interrupted: boolean
  /** Spans that can be read. */
  readonly spans: number
  /** Spans that cannot, at most; undefined when of some piece nothing can tell. */
  readonly maxLostSpans: number | undefined
}
