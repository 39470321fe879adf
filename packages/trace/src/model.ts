/**
 * One trace as a columnar model. A row is a span; rows are in the order in which a waterfall shows them: depth first,
 * children by start. All arrays have `size` entries and are transferable between threads. Names are indexes into string
 * tables; a span's details are decoded from its own bytes when somebody asks.
 */
export interface Trace {
  /** 32 hex digits. */
  readonly traceId: string
  readonly size: number
  /** First start of any span, nanoseconds since 1970. */
  readonly start: bigint
  /** Last end - first start, in nanoseconds. */
  readonly durationNs: number
  /** Offset of the span's start from the trace's start, nanoseconds, >= 0. */
  readonly startNs: Float64Array
  /** Nanoseconds; clamped to >= 0 (a negative one sets {@link SpanFlag.negativeDuration}). */
  readonly durationsNs: Float64Array
  /** Row of the parent, -1 for a root or an orphan. */
  readonly parent: Int32Array
  /** 0 for a root or orphan. */
  readonly depth: Uint16Array
  /** One past the last row of the span's subtree: its descendants are rows row+1 .. subtreeEnd-1. */
  readonly subtreeEnd: Uint32Array
  /** Number of direct children. */
  readonly childCount: Uint32Array
  /** Time of the span in which no child runs, nanoseconds. Children count only for the time inside their parent. */
  readonly selfNs: Float64Array
  /** Span ids, 8 bytes a row. */
  readonly spanId: Uint8Array
  readonly kind: Uint8Array
  /** 0 unset, 1 ok, 2 error. */
  readonly status: Uint8Array
  /** Bit set of {@link SpanFlag}. */
  readonly flags: Uint16Array
  readonly linkCount: Uint16Array
  readonly eventCount: Uint16Array
  /** Index into {@link services}. */
  readonly service: Uint16Array
  /** Index into {@link names}. */
  readonly name: Uint32Array
  readonly services: readonly string[]
  readonly names: readonly string[]
  /** The serialized `TracesData` that the rows were built from. */
  readonly bytes: Uint8Array
  /** Byte ranges into {@link bytes} of each row's Span message. */
  readonly spanStart: Uint32Array
  readonly spanEnd: Uint32Array
  /** Which ScopeSpans message each row is in, counted from 0. */
  readonly scope: Uint32Array
  /** Four offsets into {@link bytes} for each of these messages: its start and end, and those of the ResourceSpans message around it. */
  readonly scopes: Uint32Array
  /** Links between spans of this trace: pairs of rows (from the linking span to the linked one). */
  readonly innerLinks: Uint32Array
}

export const SpanFlag = {
  /** The parent id is set but that span is not in the trace. */
  orphan: 1,
  /** It runs on after its parent has ended, by more than 1 % of the trace's duration: asynchronous work. */
  async: 2,
  /** Its end was before its start; shown with no length. */
  negativeDuration: 4,
  /** A descendant has status error. */
  errorBelow: 8,
  /** It starts before its parent: clocks of two machines disagree, or the parent is not what called it. */
  startsBeforeParent: 16,
  /** Another span of the trace has the same span id. */
  duplicateId: 32,
  /** Its parent chain leads back to itself; it was cut there and is shown as a root. */
  cycle: 64,
  /** It was sent more than once, the same in its header and not in the rest; one of them is shown. */
  variants: 128,
  /** It was sent more than once; one of them is shown. */
  again: 256,
} as const

/**
 * A piece of the critical path: `row` was what the trace waited for from `startNs` to `endNs` (offsets from the trace's
 * start, by the clock of the root span). By the row's own clock it was `aheadNs` later: 0 where clocks agree.
 */
export interface CriticalSegment {
  readonly row: number
  readonly startNs: number
  readonly endNs: number
  readonly aheadNs: number
}

/** Something about the trace that a person should know, in words. */
export interface Problem {
  /**
   * A stable kebab-case code: `error`, `orphan`, `async-tail`, `clock-skew`, `duplicate-span-id`, `cycle`,
   * `negative-duration`, `no-root`, `several-roots`, `variants`.
   */
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  /** One sentence with names and figures: `ensemble answered 48 ms before its work was done`. */
  readonly text: string
  /** The rows it is about, at least one. */
  readonly rows: readonly number[]
}
