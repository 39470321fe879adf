/** What the threads of the local engine say to each other. */
import type {
  AggregateQuery,
  Aggregates,
  Bottleneck,
  BottleneckQuery,
  CompareQuery,
  Dependencies,
  Differences,
  ErrorGroups,
  ErrorGroupsQuery,
  Flame,
  FlameQuery,
  HeatMap,
  HeatMapQuery,
  Level,
  Operation,
  PartialAnswer,
  SearchEnd,
  SearchEvent,
  SearchQuery,
  StorageErrorCode,
  TailQuery,
} from '../../contract.ts'
import type { KeepingState, SealingState, StoreEvent, StorePart } from '../../events.ts'
import type { BlockRows } from '../block/rows.ts'
import type { KeepTask, KeptForm } from '../seal/keep-traces.ts'
import type { Arrivals, TailPosition } from '../read/arrivals.ts'
import type { EnginePart, Link } from '../runtime.ts'
import type { Damaged } from '../files/index-file.ts'

/** What a thread gets to know when it starts. Its settings are the first message. */
export interface PartStart {
  readonly part: EnginePart
}

export type ReaderPart = Extract<EnginePart, 'lookup_reader' | 'search_reader'>

/** Main -> any part, and its answer: whether it still comes to its messages. */
export interface Ping {
  readonly type: 'ping'
}
export interface Pong {
  readonly type: 'pong'
}

/** An error as it crosses a thread boundary; see `error.ts`. */
export interface ErrorMessage {
  readonly code: StorageErrorCode
  readonly message: string
}

/** Main -> writer. `ends[i]` is where batch `ids[i]` ends in the slab; batches lie end to end. */
export type ToWriter =
  | {
      readonly type: 'append'
      readonly slab: ArrayBuffer
      readonly ids: readonly number[]
      readonly ends: readonly number[]
    }
  /** A reader that wants to know all from now on: {@link Change} goes through the link. An earlier one of its name is forgotten. */
  | { readonly type: 'join'; readonly reader: ReaderPart; readonly link: Link }
  /** The sealer, where {@link ToSealer} and {@link FromSealer} go. An earlier one has ended. */
  | { readonly type: 'join_sealer'; readonly link: Link }
  /** Which traces are pinned, after this change. */
  | { readonly type: 'pins'; readonly ask: number; readonly change?: PinChange }
  /** Parts that an earlier writer told to fail, and nobody yet to work again. */
  | { readonly type: 'take_over'; readonly failing: readonly StorePart[] }
  | { readonly type: 'close' }
  | Ping

/** A trace is to be pinned, or not any more. */
export interface PinChange {
  readonly traceId: string
  readonly isPinned: boolean
}

/** Writer -> main. The slabs come back to be filled again. */
export type FromWriter =
  | { readonly type: 'opened'; readonly recovered: { readonly blocks: number; readonly tornBytes: number } }
  | { readonly type: 'failed'; readonly error: ErrorMessage }
  | { readonly type: 'durable'; readonly ids: readonly number[]; readonly slabs: readonly ArrayBuffer[] }
  | {
      readonly type: 'rejected'
      readonly ids: readonly number[]
      readonly slabs: readonly ArrayBuffer[]
      readonly error: ErrorMessage
    }
  | { readonly type: 'closed'; readonly error?: ErrorMessage }
  | { readonly type: 'event'; readonly event: StoreEvent }
  | { readonly type: 'sealing'; readonly state: SealingState }
  | { readonly type: 'keeping'; readonly state: KeepingState }
  /** To `pins`: all, oldest first, with when that was; durable. `isChanged`: it was not so before. With an error nothing was changed. */
  | {
      readonly type: 'pins'
      readonly ask: number
      readonly pins: readonly (readonly [traceId: string, pinnedMs: number])[]
      readonly isChanged: boolean
      readonly error?: ErrorMessage
    }
  /** The directory, or the log that is written, is not where it was: nothing that is stored now would be found again. */
  | { readonly type: 'lost'; readonly error: ErrorMessage }
  | Pong

/**
 * Writer -> reader: how the blocks of the store change, in order. A reader that joins is told all that there is in the same words,
 * and then `joined`.
 */
export type Change =
  | { readonly type: 'segment'; readonly id: number; readonly indexSize: number }
  /** Rows for the segment's open block. */
  | { readonly type: 'rows'; readonly id: number; readonly rows: BlockRows }
  /** The open block has become the block at `offset` of the index; `traces`: the hashes of its traces, each once. */
  | {
      readonly type: 'block'
      readonly id: number
      readonly offset: number
      readonly indexSize: number
      readonly traces: Uint32Array
    }
  /** The open block is complete, but its index could not be written: it is read from this stretch of the log. */
  | { readonly type: 'keep'; readonly id: number; readonly logStart: number; readonly logEnd: number }
  /**
   * A part of the segment cannot be read, and no index block says so: searches over this range of time (nanoseconds since 1970, decimal)
   * are not complete.
   */
  | {
      readonly type: 'lost'
      readonly id: number
      readonly damaged: Damaged
      readonly range: readonly [string, string]
      /** Why the file system does not give it out; it comes back when it does. Undefined: it is damaged for good. */
      readonly refusal?: string | undefined
    }
  /**
   * The segment has a sealed form, which is to be read from now on. Where the reader knows of its log, that stays until it says that it
   * has switched: {@link Switched}. `isDamaged`: what is missing in it is known, and told.
   */
  | { readonly type: 'sealed'; readonly id: number; readonly isDamaged: boolean }
  /**
   * The file of this sealed segment is about to be replaced by one with less in it. The reader is to keep open the one that is there and to read that, and
   * to say so: {@link Held}; until `sealed` is told of it once more, or `drop`.
   */
  | { readonly type: 'hold'; readonly id: number }
  | { readonly type: 'drop'; readonly id: number }
  /** All that was there when the reader joined has been told. */
  | { readonly type: 'joined' }

/** What the writer posts to a reader: first where rows lie for which it is not woken, see {@link RowRing}; then changes. */
export type Told = Change | { readonly type: 'ring'; readonly memory: SharedArrayBuffer }

/** Reader -> writer: it reads the sealed form of the segment, and has open what queries under way need of the log. */
export interface Switched {
  readonly type: 'switched'
  readonly id: number
}

/** Reader -> writer: it has the file of the segment open, and does not ask for it by its name. */
export interface Held {
  readonly type: 'held'
  readonly id: number
}

/** Main -> sealer. */
export type SealerCommand =
  /** The writer that it works for from now on; what it does for another one is given up. */
  { readonly type: 'join'; readonly link: Link } | Ping

/** Sealer -> main. */
export type SealerReply = { readonly type: 'joined' } | Pong

/** Writer -> sealer. One `seal` and one `keep` at a time, until it is answered. */
export type ToSealer =
  | ({ readonly type: 'keep' } & KeepTask)
  /** What was to be kept is not wanted any more; the answer may come from before. */
  | { readonly type: 'cancel_keep' }
  /** Write the sealed form of this log, of which `logSize` bytes count, beside it, durable, with at most `maxBytes` bytes. */
  | { readonly type: 'seal'; readonly id: number; readonly logSize: number; readonly maxBytes: number }
  /** It is not wanted any more; the answer may come from before. */
  | { readonly type: 'cancel' }
  /** The share of the time that it may work, 0 to 1. */
  | { readonly type: 'share'; readonly share: number }
  /** Make the names in the directory durable. */
  | { readonly type: 'sync' }

/** Sealer -> writer. */
export type FromSealer =
  | { readonly type: 'written'; readonly size: number; readonly spans: number }
  /** `cause`: the log, of which a part is damaged; the size that it would have; or the disk, which can be tried again. Nothing is left of it. */
  | { readonly type: 'refused'; readonly cause: 'log' | 'size' | 'disk'; readonly error: ErrorMessage }
  | { readonly type: 'synced'; readonly error?: ErrorMessage }
  | { readonly type: 'kept'; readonly kept: KeptForm }
  /** `cause`: the size that it would have, or the disk, which can be tried again. Nothing is left of it. */
  | { readonly type: 'not_kept'; readonly cause: 'size' | 'disk'; readonly error: ErrorMessage }

/** Main -> reader. */
export type ToReader =
  /** Where the writer tells its changes: the first message, and again for each new writer. What was known is forgotten. */
  | { readonly type: 'join'; readonly link: Link }
  /** `deadlineMs`: on the clock of all threads; `maxBytes`: see `CallOptions`. */
  | {
      readonly type: 'call'
      readonly id: number
      readonly call: Call
      readonly deadlineMs: number
      readonly maxBytes?: number | undefined
    }
  /** The caller is not interested any more. */
  | { readonly type: 'cancel'; readonly id: number }
  /** Nobody reads on in the trace that this call of `openTrace` opened. */
  | { readonly type: 'closeTrace'; readonly stream: number }
  | Ping

export type Call =
  | { readonly method: 'search'; readonly query: SearchQuery }
  | { readonly method: 'openTrace'; readonly traceId: string }
  | { readonly method: 'nextTrace'; readonly stream: number }
  | { readonly method: 'services' }
  | { readonly method: 'operations'; readonly service: string | undefined; readonly kind: number | undefined }
  | { readonly method: 'attributeKeys'; readonly limit: number; readonly level: Level }
  | { readonly method: 'attributeValues'; readonly key: string; readonly limit: number }
  | { readonly method: 'dependencies'; readonly from: bigint; readonly to: bigint; readonly links: boolean }
  | AboutMany<'aggregate', AggregateQuery>
  | AboutMany<'heatMap', HeatMapQuery>
  | AboutMany<'errorGroups', ErrorGroupsQuery>
  | AboutMany<'bottleneck', BottleneckQuery>
  | AboutMany<'flame', FlameQuery>
  | AboutMany<'compare', CompareQuery>
  | { readonly method: 'arrivals'; readonly query: TailQuery; readonly position: TailPosition | undefined }
  | { readonly method: 'stats' }

/** `tells`: whether somebody hears of the answer as it grows. */
interface AboutMany<Method extends keyof Results, Query> {
  readonly method: Method
  readonly query: Query
  readonly tells: boolean
}

/** What a call hears of before its result. */
export type Found<C extends Call> = C extends { readonly tells: boolean }
  ? PartialAnswer<Results[C['method']]>
  : SearchEvent

export interface Results {
  search: SearchEnd
  /** A number for `nextTrace`. */
  openTrace: number
  nextTrace: { readonly chunks: readonly Uint8Array[]; readonly done: boolean }
  services: string[]
  operations: Operation[]
  attributeKeys: string[]
  attributeValues: string[]
  dependencies: Dependencies
  aggregate: Aggregates
  heatMap: HeatMap
  errorGroups: ErrorGroups
  bottleneck: Bottleneck
  flame: Flame
  compare: Differences
  arrivals: Arrivals
  stats: ReaderStats
}

/** Methods whose answer says whether it is complete. */
export type SaysComplete = {
  [M in keyof Results]: Results[M] extends { readonly complete: boolean } ? M : never
}[keyof Results]

export interface ReaderStats {
  readonly spans: number
  readonly blocks: number
  readonly segments: number
  readonly oldest: bigint | undefined
  readonly newest: bigint | undefined
  /** Of all files in the directory. */
  readonly diskBytes: number
}

/** Reader -> main. */
export type FromReader =
  /** It knows all that the writer had when it joined, and answers. */
  | { readonly type: 'joined' }
  /** What a call has found so far, before its result. */
  | { readonly type: 'found'; readonly id: number; readonly event: SearchEvent | PartialAnswer<unknown> }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: ErrorMessage }
  | { readonly type: 'event'; readonly event: StoreEvent }
  | Pong
