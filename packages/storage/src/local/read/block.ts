import type { Level, Target } from '../../contract.ts'
import type { Value } from '../block/attribute.ts'
import { hashWords } from '../block/hash.ts'
import { freeMemory } from '../block/memory.ts'
import type { BlockRows, Frame, OperationKey } from '../block/rows.ts'
import type { SectionCounts } from './aggregate/section-counts.ts'
import type { TraceExtents } from './trace-extents.ts'
import type { Zones } from '../block/zones.ts'

/**
 * A block as queries see it: bounds and filters to pass it by, columns and bytes to look into it. What reads files throws StorageError `corrupt` or
 * `io`, or {@link Vanished}; the filters do not: what cannot be read may match.
 */
export interface Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones
  /** The operations of its spans, each once, perhaps some more; undefined: not known. */
  readonly operations: readonly OperationKey[] | undefined
  /** The keys of all attributes at all levels, each once, perhaps some more; undefined: not known. */
  readonly keys?: readonly string[] | undefined
  /** How often each of these is there at a level, about; undefined: not known. */
  keyCounts?(level: Level): ReadonlyMap<string, number> | undefined
  /** The only trace that it has, where it is known that there is but one. Four words, as in the columns. */
  readonly only?: Uint32Array | undefined
  /** Of a block that goes on growing, what the same block is told by when it is asked for again. */
  readonly growsIn?: object
  /** In its range are spans that cannot be read any more. */
  readonly damaged: boolean
  /** False when no span of this service is in it. */
  mayHaveService(service: string): boolean
  /** By the hash of its id, see {@link traceHash}. */
  mayHaveTrace(hash: number): boolean
  /** By the hash of a key, or of a key and value, see `block/attribute.ts`; `level`: where it is looked for. */
  mayHaveAttribute(hash: number, level: Level): boolean

  /** All rows. A column may be read from disk when it is first touched: whoever needs few columns touches few. */
  rows(): BlockRows
  /** The rows of one trace and no others, in the order in which they came; undefined when there are none. `id`: four words, as in the columns. */
  traceRows(id: Uint32Array): BlockRows | undefined
  /** What it has of each of its traces, by their index in {@link rows}; where it is at hand without a look at the rows. */
  extents?(): TraceExtents
  /** The requests of its traces, as far as it tells them by itself, without a look at the rows; undefined: it does not have them. */
  requests?(): RequestRows | undefined
  /** What all of its spans come to, one that is there twice once; undefined where that is not known without counting them. */
  counts?(): SectionCounts | undefined
  /** The values of a target by rows of {@link rows}; undefined: the block has no such columns, and its bytes have to be read. */
  values(target: Target): ColumnValues | undefined
  /**
   * Some spans as one serialized `TracesData`: each byte for byte as it came, under its own resource and scope. `members`: row numbers
   * in `rows`, ascending; `rows`: what {@link rows} or {@link traceRows} of this block gave.
   */
  spanBytes(rows: BlockRows, members: Uint32Array): Uint8Array
  /** The requests of one frame; only of blocks whose rows have frames: there it is the quickest way to a span's bytes. */
  frame?(frame: Frame): Uint8Array
  /** The same for who looks at one frame after the other, and at each once. Not there: {@link frame} is as good. */
  takeFrame?(frame: Frame): TakenFrame
  /**
   * All rows, of which no more is known than where their bytes and those of their groups are, and their frames: to look through the bytes of all, which need no other columns. The
   * memory is the caller's, to be freed by {@link freePlaces}. Undefined, or not there: {@link rows} costs no more.
   */
  places?(): BlockRows | undefined
}

/** The requests of a frame. `isOwn`: nobody else has the memory, and who asked may free it. */
export interface TakenFrame {
  readonly bytes: Uint8Array
  readonly isOwn: boolean
}

/** Gives the memory of what {@link Block.places} gave back. */
export function freePlaces({ group }: BlockRows): void {
  freeMemory(group)
}

/** A row for the request of each trace of a block, in their order, with the header columns of its span, start, duration, status, operation and id. */
export interface RequestRows extends BlockRows {
  /** Whether the row means something: of a trace that has no spans in other blocks it is the request, then. */
  isKnown(trace: number): boolean
}

/** The values of a target in all rows of a block: one column or several (of several levels or types), and a row has its values of all of them. */
export interface ColumnValues {
  readonly columns: readonly ValueColumn[]
  /** Rows, ascending, whose values are not in the columns: their bytes have to be read. Default: none. */
  readonly unread?: Uint32Array
}

/** Distinct values, and which row has which. */
export interface ValueColumn {
  /** How many distinct values there are, numbered from 0. */
  readonly size: number
  /** A value as filters compare it. It is asked once for each, and not before somebody needs it. */
  value(entry: number): Value
  /** A row's entry + 1; 0: the row has none. */
  readonly codes: Uint8Array | Uint16Array | Uint32Array
  /** Where rows may have several: those of row r are `codes` from `offsets[r]` to `offsets[r + 1]`. */
  readonly offsets?: Uint32Array
}

/** The row of {@link ColumnValues} that is the first of `rows`; undefined where it is not known which of them `rows` are. */
export function firstColumnRow(block: Block, rows: BlockRows): number | undefined {
  return rows.from ?? (rows.count === block.spans ? 0 : undefined)
}

export function traceHash(id: Uint32Array): number {
  return hashWords(id[0]!, id[1]!, id[2]!, id[3]!)
}
