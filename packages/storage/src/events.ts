/**
 * What a store tells of itself without being asked: the one catalogue. Whoever opens a store hears each event as it happens and puts
 * it into a log; {@link createHealth} folds them into what status, metrics and page show, so that all of these say the same.
 */

/**
 * The parts of a store that can fail on their own. `disk`: what it is kept on; while it fails, spans are refused. `index`: the index of
 * new blocks, which are served from memory instead. `retention`: deleting what is beyond the limits. `segments`: reading some that were
 * written before; while it fails they are left out, and searches say that they are not complete. `sealer`: the thread that seals segments;
 * `sealing`: what it writes. While these fail, segments stay as they are. `keeping`: writing what is kept longer; while it fails, segments whose turn
 * comes are deleted as a whole. `server`: storing in the ClickHouse that the spans are kept in; while it fails, spans are refused. `connection`: that this one is there at all, for
 * spans and for queries.
 */
export type StorePart =
  | 'writer'
  | 'lookup_reader'
  | 'search_reader'
  | 'sealer'
  | 'disk'
  | 'index'
  | 'retention'
  | 'segments'
  | 'sealing'
  | 'keeping'
  | 'server'
  | 'connection'

/** What each event tells. Files are names in the data directory; times are nanoseconds since 1970 as decimal text. */
export interface StoreEventFields {
  /** The store can be used. */
  opened: {
    readonly directory: string
    readonly spans: number
    readonly segments: number
    readonly elapsedMs: number
    readonly readOnly: boolean
  }
  /**
   * What was not whole was made so: blocks indexed again from the log (after an interrupted write, or damage of the index), bytes of a record
   * cut off that was never acknowledged.
   */
  recovered: { readonly file: string; readonly blocks: number; readonly tornBytes: number }
  /**
   * Bytes that are not what was written. `perhaps`: the very last record, which may be torn and never acknowledged, or acknowledged
   * and damaged since; nothing can tell. `maxSpans`: at most so many spans are in it; undefined when not even that can be read.
   * `kept`: where in the data directory the bytes are kept for who wants to look into them; undefined: where they were.
   */
  damaged: {
    readonly file: string
    readonly offset: number
    readonly bytes: number
    readonly maxSpans: number | undefined
    readonly perhaps: boolean
    readonly kept: string | undefined
  }
  /**
   * Data was deleted, as the limits say or because somebody asked for it. `kept_size`, `kept_age`: what had been kept longer, beyond the limits of that.
   * `segments`: of which something was deleted, and `spans` how many.
   */
  dropped: {
    readonly reason: 'size' | 'age' | 'space' | 'request' | 'kept_size' | 'kept_age'
    readonly segments: number
    readonly spans: number
    readonly bytes: number
    readonly oldest: string | undefined
    readonly newest: string | undefined
  }
  /**
   * Of segments whose turn to be deleted had come these traces stay: those that are pinned, else those with errors, else the slow ones, else those that are
   * kept in a segment beside it (`continued`). `bytes`: what they take. All else of the segments is told by `dropped`.
   */
  kept: {
    readonly segments: number
    readonly spans: number
    readonly bytes: number
    readonly pinned: number
    readonly errors: number
    readonly slow: number
    readonly continued: number
  }
  /** The turn of a segment to be deleted came, and what is worth to be kept of it could not be: all of it was deleted. */
  not_kept: { readonly file: string; readonly spans: number; readonly reason: string }
  /** Closed segments were written anew, sorted and by columns; `bytes`: what they take now. Told at most once a minute. */
  sealed: {
    readonly segments: number
    readonly spans: number
    readonly bytesBefore: number
    readonly bytes: number
  }
  /** A segment cannot be sealed. It stays as it is, and is tried again when the store is opened the next time. */
  not_sealed: { readonly file: string; readonly reason: string }
  /** A list of operations leaves out some of this segment, which has more than are kept of one. Told once, when somebody asks for such a list. */
  crowded: { readonly file: string; readonly maxOperations: number; readonly service: string }
  /** The disk has less room left than the reserve, or none. */
  full: { readonly freeBytes: number; readonly reserveBytes: number }
  /** A part does not do its work; what needs it is refused, and can be sent again. */
  failing: { readonly part: StorePart; readonly reason: string }
  /** A part works again after `failing` or `full`. */
  recovered_again: { readonly part: StorePart; readonly afterMs: number; readonly failures: number }
  /** A part that ended or did not answer was replaced: the `restarts`-th time within `withinMs`, of `maxRestarts`. */
  restarted: {
    readonly part: StorePart
    readonly reason: string
    readonly restarts: number
    readonly maxRestarts: number
    readonly withinMs: number
  }
  /** A part failed more often than it is restarted: the store cannot be used any more. */
  gave_up: { readonly part: StorePart; readonly reason: string; readonly restarts: number; readonly withinMs: number }
}

export type StoreEventCode = keyof StoreEventFields
export type StoreEvent = { [C in StoreEventCode]: { readonly code: C } & StoreEventFields[C] }[StoreEventCode]
export type StoreEventSeverity = 'info' | 'warn' | 'error'

/** How much each event matters, and the counter (with the labels that are fields of the event) that it adds to. */
export const STORE_EVENTS: Readonly<
  Record<StoreEventCode, { readonly severity: StoreEventSeverity; readonly metric: string; readonly label?: string }>
> = {
  opened: { severity: 'info', metric: 'spoor_store_opened' },
  recovered: { severity: 'warn', metric: 'spoor_store_recovered' },
  damaged: { severity: 'error', metric: 'spoor_store_damaged' },
  dropped: { severity: 'info', metric: 'spoor_store_dropped', label: 'reason' },
  kept: { severity: 'info', metric: 'spoor_store_kept' },
  not_kept: { severity: 'warn', metric: 'spoor_store_not_kept' },
  sealed: { severity: 'info', metric: 'spoor_store_sealed' },
  not_sealed: { severity: 'warn', metric: 'spoor_store_not_sealed' },
  crowded: { severity: 'warn', metric: 'spoor_store_crowded' },
  full: { severity: 'error', metric: 'spoor_store_full' },
  failing: { severity: 'error', metric: 'spoor_store_failing', label: 'part' },
  recovered_again: { severity: 'info', metric: 'spoor_store_recovered_again', label: 'part' },
  restarted: { severity: 'warn', metric: 'spoor_store_restarted', label: 'part' },
  gave_up: { severity: 'error', metric: 'spoor_store_gave_up', label: 'part' },
}

const PARTS: Readonly<Record<StorePart, string>> = {
  writer: 'the writer',
  lookup_reader: 'the reader of traces by id',
  search_reader: 'the reader of searches',
  sealer: 'the sealer',
  disk: 'the disk',
  index: 'writing the index',
  retention: 'deleting old data',
  segments: 'reading older segments',
  sealing: 'sealing segments',
  keeping: 'writing what is kept longer',
  server: 'the ClickHouse server',
  connection: 'the way to the ClickHouse server',
}

/** The event in words: the thing, the place and, where there is one, the way out. */
export function describeStoreEvent(event: StoreEvent): string {
  return (WORDS[event.code] as (fields: StoreEvent) => string)(event)
}

const WORDS: { readonly [C in StoreEventCode]: (fields: StoreEventFields[C]) => string } = {
  opened: ({ directory, readOnly, spans, segments }) =>
    `${directory} is open${readOnly ? ' (read only)' : ''}: ${count(spans, 'span')} in ${count(segments, 'segment')}`,
  recovered: ({ file, blocks, tornBytes }) =>
    `${file} was not whole: ${count(blocks, 'block')} indexed again from the log, ${count(tornBytes, 'byte')} of a record cut off that was never acknowledged`,
  damaged({ file, offset, bytes, maxSpans, perhaps, kept }) {
    const spans = maxSpans === undefined ? 'an unknown number of spans' : `at most ${count(maxSpans, 'span')}`
    const where = kept === undefined ? 'the bytes stay where they are' : `the bytes are kept in ${kept}`
    return perhaps
      ? `${file}: the last record, ${count(bytes, 'byte')} at ${offset}, is damaged or was never finished; perhaps acknowledged, ${spans}; ${where}`
      : `${file}: ${count(bytes, 'byte')} at ${offset} are damaged, ${spans} cannot be read; ${where}; "spoor verify" tells more`
  },
  dropped: ({ reason, segments, spans, bytes }) =>
    `${count(spans, 'span')} (${count(segments, 'segment')}, ${count(bytes, 'byte')}) were deleted: ${DROP_REASONS[reason]}`,
  kept: ({ segments, spans, bytes, pinned, errors, slow, continued }) =>
    `${count(spans, 'span')} (${count(bytes, 'byte')}) of ${count(segments, 'segment')} are kept longer: ${count(pinned, 'trace')} that ${pinned === 1 ? 'is' : 'are'} pinned, ${errors} with errors, ${slow} slow, ${continued} kept in a segment beside`,
  not_kept: ({ file, spans, reason }) =>
    `of ${file}, whose ${count(spans, 'span')} were deleted, nothing could be kept longer: ${reason}`,
  sealed: ({ segments, spans, bytesBefore, bytes }) =>
    `${count(spans, 'span')} (${count(segments, 'segment')}) were sealed: ${count(bytesBefore, 'byte')} became ${count(bytes, 'byte')}`,
  not_sealed: ({ file, reason }) => `${file} is not sealed and stays as it is: ${reason}`,
  crowded: ({ file, maxOperations, service }) =>
    `${file} has more than ${count(maxOperations, 'operation')}, most of them of ${service}: lists of operations leave some out, searches find their spans. Put what differs from request to request into attributes, not into names of spans`,
  full: ({ freeBytes, reserveBytes }) =>
    freeBytes > 0
      ? `only ${count(freeBytes, 'byte')} are free on the disk, less than the reserve of ${reserveBytes}; free some space or lower the limit of the store`
      : 'the disk is full; free some space or lower the limit of the store',
  failing: ({ part, reason }) => `${PARTS[part]} fails: ${reason}`,
  recovered_again: ({ part, afterMs, failures }) =>
    `${PARTS[part]} works again after ${(afterMs / 1000).toFixed(1)} s and ${count(failures, 'failure')}`,
  restarted: ({ part, reason, restarts, maxRestarts, withinMs }) =>
    `${PARTS[part]} was restarted (${restarts} of ${maxRestarts} within ${withinMs / 1000} s): ${reason}`,
  gave_up: ({ part, reason, restarts, withinMs }) =>
    `${PARTS[part]} failed ${restarts} times within ${withinMs / 1000} s and is not restarted again: ${reason}`,
}

const DROP_REASONS: Readonly<Record<StoreEventFields['dropped']['reason'], string>> = {
  size: 'the oldest beyond the limit of size',
  age: 'older than the limit of age',
  space: 'the oldest, as the disk has no room',
  request: 'as was asked for',
  kept_size: 'the oldest of what had been kept longer, beyond its share of the disk',
  kept_age: 'had been kept longer, and are older than the limit of that',
}

function count(number: number, unit: string): string {
  return `${number.toLocaleString('en')} ${unit}${number === 1 ? '' : 's'}`
}

/** How far the sealing of segments has got. */
export interface SealingState {
  /** Sealed segments that are stored, and the bytes that they take less than they took before. */
  readonly segments: number
  readonly savedBytes: number
  /** Closed segments that are to be sealed, and their bytes. */
  readonly waitingSegments: number
  readonly waitingBytes: number
}

/** What is kept longer than the limits say. */
export interface KeepingState {
  /** Segments of which something is kept, how many spans and bytes that is, and the most that it may be. */
  readonly segments: number
  readonly spans: number
  readonly bytes: number
  readonly maxBytes: number
  /** Segments of which it is written already what will be kept, as their turn comes soon. */
  readonly readySegments: number
}

/** How a store is, as far as its events tell. Asking waits for no part of it. */
export interface StoreHealth {
  /** False while spans are refused; `reasons` says why. */
  readonly writable: boolean
  /** False while queries are refused. */
  readonly readable: boolean
  /** What is wrong right now, in words; empty when nothing is. */
  readonly reasons: readonly string[]
  /** Since the store was opened. */
  readonly totals: {
    readonly damagedPieces: number
    readonly damagedBytes: number
    /** At most; pieces of which nothing can be read are not in it. */
    readonly damagedSpans: number
    readonly droppedSpans: Readonly<Record<StoreEventFields['dropped']['reason'], number>>
    /** Each time that its segment's turn came. */
    readonly keptSpans: number
    readonly events: Readonly<Record<StoreEventCode, number>>
  }
  /** Undefined where nothing is sealed, or nothing is known of it yet. */
  readonly sealing?: SealingState
  /** Undefined where nothing is kept longer, or nothing is known of it yet. */
  readonly keeping?: KeepingState
  /** The latest events, oldest first, at most 100. */
  readonly recent: readonly { readonly atMs: number; readonly event: StoreEvent }[]
}

const RECENT_EVENTS = 100
const NEEDED_TO_WRITE: readonly StorePart[] = ['writer', 'disk', 'server', 'connection']
const NEEDED_TO_READ: readonly StorePart[] = ['lookup_reader', 'search_reader', 'connection']

export interface HealthFold {
  /** `atMs`: milliseconds since 1970. */
  add(event: StoreEvent, atMs: number): void
  health(): StoreHealth
}

/** Folds events into what is true now: `failing` and `full` hold until `recovered_again` of the part, `gave_up` for good. */
export function createHealth(): HealthFold {
  const failing = new Map<StorePart, string>()
  const recent: { atMs: number; event: StoreEvent }[] = []
  const events = Object.fromEntries(Object.keys(STORE_EVENTS).map((code) => [code, 0])) as Record<
    StoreEventCode,
    number
  >
  const droppedSpans = { size: 0, age: 0, space: 0, request: 0, kept_size: 0, kept_age: 0 }
  let keptSpans = 0
  const damaged = { pieces: 0, bytes: 0, spans: 0 }
  let givenUp: string | undefined
  return {
    add(event, atMs) {
      events[event.code]++
      if (recent.push({ atMs, event }) > RECENT_EVENTS) recent.shift()
      switch (event.code) {
        case 'failing':
          failing.set(event.part, describeStoreEvent(event))
          break
        case 'full':
          failing.set('disk', describeStoreEvent(event))
          break
        case 'recovered_again':
          failing.delete(event.part)
          break
        case 'gave_up':
          givenUp = describeStoreEvent(event)
          break
        case 'dropped':
          droppedSpans[event.reason] += event.spans
          break
        case 'kept':
          keptSpans += event.spans
          break
        case 'damaged':
          damaged.pieces++
          damaged.bytes += event.bytes
          damaged.spans += event.maxSpans ?? 0
          break
        default:
      }
    },
    health() {
      const reasons = [...(givenUp === undefined ? [] : [givenUp]), ...failing.values()]
      return {
        writable: givenUp === undefined && !NEEDED_TO_WRITE.some((part) => failing.has(part)),
        readable: givenUp === undefined && !NEEDED_TO_READ.some((part) => failing.has(part)),
        reasons,
        totals: {
          damagedPieces: damaged.pieces,
          damagedBytes: damaged.bytes,
          damagedSpans: damaged.spans,
          droppedSpans: { ...droppedSpans },
          keptSpans,
          events: { ...events },
        },
        recent: [...recent],
      }
    },
  }
}
