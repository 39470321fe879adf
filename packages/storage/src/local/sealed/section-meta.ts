import type { OperationKey } from '../block/rows.ts'
import type { Piece } from './text-pages.ts'

/*
 * A section of a sealed segment: up to {@link MAX_SECTION_SPANS} spans, sorted by trace id and, within a trace, by start. What is small and asked first is
 * its meta, which goes into the segment's directory; all else are streams, each found by its place in the section's bytes and checked by its CRC.
 */

/** Spans of one section, at most: what its columns and dictionaries are made for. */
export const MAX_SECTION_SPANS = 1 << 16
/** Raw bytes of the requests of one section, unless a single one is larger. */
export const MAX_SECTION_BYTES = 1 << 25

/** What is known of a section without reading it. JSON. */
export interface SectionMeta {
  readonly spans: number
  readonly traces: number
  /** Bytes of its spans as they came. */
  readonly rawBytes: number
  /** Bytes of the section. */
  readonly length: number
  /** Decimal nanoseconds since 1970: earliest and latest start of a span. */
  readonly minStart: string
  readonly maxStart: string
  /** Nanoseconds. */
  readonly minDurationNs: number
  readonly maxDurationNs: number
  /** Bit k: there are spans of kind k; bit 6: of another number. */
  readonly kinds: number
  /** Bit s: there are spans of status s; bit 3: of another number. */
  readonly statuses: number
  readonly operations: readonly OperationKey[]
  readonly head: PackedPiece
  /** The filter of its trace ids, as its head has it, which need not be read for that; undefined where an earlier version wrote the section. */
  readonly traceFilter?: Piece
  /** What its spans come to, see `read/aggregate/section-counts.ts`; undefined where an earlier version wrote the section, or it is small. */
  readonly counts?: PackedPiece
}

/** A piece that is compressed. */
export interface PackedPiece extends Piece {
  /** Bytes when it is inflated. */
  readonly raw: number
}
