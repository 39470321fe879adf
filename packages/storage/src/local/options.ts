import type { StoreEvent } from '../events.ts'

/**
 * What is kept for longer of a segment that the limits of age and size would delete. A trace is kept for one of these reasons, and then all spans of
 * it that are in the segment.
 */
export interface KeepOptions {
  /** Traces with a span of status error. Default false. */
  readonly errors?: boolean
  /**
   * Traces whose request took longer than this percentile of the requests of its operation (service and name), in their segment: greater than 0
   * and less than 100. Default: none is kept for being slow.
   */
  readonly slowerThan?: number
  /** Traces that are pinned. Default false: then none can be. */
  readonly pinned?: boolean
  /** For how long, counted as {@link LocalStoreOptions.maxAgeMs} is, which has to be less where there is such a limit. Milliseconds, default Infinity. */
  readonly maxAgeMs?: number
  /** Of {@link LocalStoreOptions.maxBytes}, at most; beyond it the oldest of what is kept goes. Greater than 0, at most 0.5; default 0.2. */
  readonly share?: number
}

/** How the local engine is opened. All sizes are bytes, all times milliseconds. */
export interface LocalStoreOptions {
  /** The data directory. It is made when missing; one process owns it at a time. */
  readonly directory: string
  /**
   * Opens what is there without a lock and without changing a byte: a copy, a backup, a directory on a read-only mount. `append` rejects
   * with `read_only`. Default false.
   */
  readonly readOnly?: boolean
  /**
   * The most that is kept: logs, indexes, and what was damaged and is kept aside. Default 10 GiB; Infinity keeps all. The oldest
   * segments go first. It can be passed by one group commit with its index. In a store of 64 MiB or more, or one that
   * is filled to its limit (of 2 MiB or more), never more than 5 % goes at once.
   */
  readonly maxBytes?: number
  /**
   * Segments whose last span came in longer ago than this are deleted. 1 second or more, default Infinity. The grain is a 25th of
   * it: a span is kept for 1.04 times this, and for longer while the clock jumps or nothing comes in.
   */
  readonly maxAgeMs?: number
  /**
   * Free space of the file system that the store leaves. Where there is less, the oldest segments go first; at an eighth of it appends
   * are refused. 0: until the disk is full. Default 5 % of the file system, at most 256 MiB.
   */
  readonly reserveBytes?: number
  /**
   * A segment (log and index) is closed and the next one begun before it gets larger than this; at most 1 GiB. Default 256 MiB. It
   * is always also at most 4 % of the store (of 64 MiB while that is smaller, or of `maxBytes` where that is less), or 64 KiB where
   * that is more.
   */
  readonly segmentBytes?: number
  /** ... or when it is this old; 1 second or more. Default a 25th of `maxAgeMs`: without a limit of age, segments have none. */
  readonly segmentAgeMs?: number
  /**
   * Closed segments are written anew in the background, sorted by trace and by columns, in a thread of its own that gives way to all
   * others. It takes less than half of the bytes. False: they stay as they were written; what is sealed is read all the same. Default true.
   */
  readonly seal?: boolean
  /**
   * What is kept for longer than the limits say. It is written anew beforehand, beside its segment, for which a twelfth of `maxBytes` is left free. Needs
   * `seal`. Default: nothing is.
   */
  readonly keep?: KeepOptions
  /** Appended bytes that wait to be durable; `append` waits for room beyond it. Default 24 MiB. */
  readonly maxPendingBytes?: number
  /** Decoded index blocks that the readers keep in memory, a quarter of it for lookups by id, the rest for searches. Default 24 MiB. */
  readonly cacheBytes?: number
  /** Spans after which a block is closed and its index written. Default 8,192. */
  readonly blockSpans?: number
  /** ... or raw bytes; less where segments are smaller than that. Default 4 MiB. */
  readonly blockBytes?: number
  /** Raw bytes of one zstd frame, about: what has to be inflated to read a single span. Default 256 KiB. */
  readonly frameBytes?: number
  /** Hears each event as it happens. What it throws ends nothing. Default: nobody. */
  readonly onEvent?: (event: StoreEvent) => void
  /** Gives up opening, which then rejects with `cancelled`; without effect once the store is open. Default: none. */
  readonly signal?: AbortSignal
}

/** See {@link KeepOptions}. */
export type KeepSettings = Required<Omit<KeepOptions, 'slowerThan'>> & { readonly slowerThan: number | undefined }

/** What goes to the threads. */
export type LocalStoreSettings = Required<Omit<LocalStoreOptions, 'onEvent' | 'signal' | 'reserveBytes' | 'keep'>> & {
  /** Undefined: as the file system's size says. */
  readonly reserveBytes: number | undefined
  /** Undefined: nothing is kept longer. */
  readonly keep: KeepSettings | undefined
}

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const SECOND = 1000
/** More would leave less than half to what has just come. */
const MAX_KEEP_SHARE = 0.5
/** Spans of a block that recovery makes again from the log. */
export const BLOCK_SPANS = 8192

interface Range {
  readonly min: number
  readonly max: number
  readonly words: string
}

const SIZE: Range = { min: 1, max: Number.MAX_SAFE_INTEGER, words: 'a number of bytes, 1 or more' }
const TIME: Range = { min: SECOND, max: Infinity, words: 'milliseconds, 1000 or more, or Infinity' }
const RANGES: Readonly<Record<Exclude<keyof LocalStoreSettings, 'directory' | 'readOnly' | 'seal' | 'keep'>, Range>> = {
  maxBytes: { ...SIZE, max: Infinity, words: 'a number of bytes, 1 or more, or Infinity' },
  maxAgeMs: TIME,
  reserveBytes: { ...SIZE, min: 0, words: 'a number of bytes, 0 or more' },
  segmentBytes: { min: 1, max: GIB, words: 'a number of bytes from 1 to 1073741824 (1 GiB)' },
  segmentAgeMs: TIME,
  maxPendingBytes: SIZE,
  cacheBytes: SIZE,
  blockSpans: { ...SIZE, words: 'a number of spans, 1 or more' },
  blockBytes: SIZE,
  frameBytes: SIZE,
}

/** With the defaults for what is not given. Throws RangeError that names the option, its value and what it may be. */
export function settingsOf(options: LocalStoreOptions): LocalStoreSettings {
  if (typeof options.directory !== 'string' || options.directory === '')
    throw new RangeError(`openLocalStore: directory is ${show(options.directory)}; it must be a path`)
  const maxAgeMs = options.maxAgeMs ?? Infinity
  const settings: LocalStoreSettings = {
    directory: options.directory,
    readOnly: options.readOnly ?? false,
    maxBytes: options.maxBytes ?? 10 * GIB,
    maxAgeMs,
    reserveBytes: options.reserveBytes,
    segmentBytes: options.segmentBytes ?? 256 * MIB,
    seal: options.seal ?? true,
    segmentAgeMs: options.segmentAgeMs ?? Math.max(SECOND, maxAgeMs / 25),
    maxPendingBytes: options.maxPendingBytes ?? 24 * MIB,
    cacheBytes: options.cacheBytes ?? 24 * MIB,
    blockSpans: options.blockSpans ?? BLOCK_SPANS,
    blockBytes: options.blockBytes ?? 4 * MIB,
    // Frames of 256 KiB cost 1 % more disk than one frame a block, and a fifteenth of the time to read a trace.
    frameBytes: options.frameBytes ?? 256 * KIB,
    keep: options.keep && keepSettingsOf(options.keep, options),
  }
  for (const [name, { min, max, words }] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES]
    if (value === undefined) continue
    if (typeof value !== 'number' || !(value >= min && value <= max))
      throw new RangeError(`openLocalStore: ${name} is ${show(value)}; it must be ${words}`)
  }
  return settings
}

function keepSettingsOf(
  { errors = false, slowerThan, pinned = false, maxAgeMs = Infinity, share = 0.2 }: KeepOptions,
  { seal = true, maxAgeMs: ageMs = Infinity }: LocalStoreOptions,
): KeepSettings {
  const wrong = (name: string, value: unknown, words: string): RangeError =>
    new RangeError(`openLocalStore: keep.${name} is ${show(value)}; it must be ${words}`)
  if (!errors && !pinned && slowerThan === undefined)
    throw new RangeError('openLocalStore: keep names nothing; it must have errors, slowerThan or pinned')
  if (!seal) throw new RangeError('openLocalStore: keep is there and seal is false; what is kept is written by sealing')
  if (slowerThan !== undefined && !(slowerThan > 0 && slowerThan < 100))
    throw wrong('slowerThan', slowerThan, 'a percentile, greater than 0 and less than 100')
  if (!(share > 0 && share <= MAX_KEEP_SHARE))
    throw wrong('share', share, `a share of maxBytes, greater than 0 and at most ${MAX_KEEP_SHARE}`)
  if (!(maxAgeMs > (ageMs === Infinity ? 0 : ageMs)))
    throw wrong('maxAgeMs', maxAgeMs, `more than maxAgeMs, ${ageMs}, or Infinity`)
  return { errors, slowerThan, pinned, maxAgeMs, share }
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** The longest that a span waits for company before its group is written, and how long a pause must be to end the wait. */
export const GROUP_MS = 10
export const GROUP_PAUSE_MS = 1
