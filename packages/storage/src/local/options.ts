import type { StoreEvent } from '../events.ts'

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

/** What goes to the threads. */
export type LocalStoreSettings = Required<Omit<LocalStoreOptions, 'onEvent' | 'signal' | 'reserveBytes'>> & {
  /** Undefined: as the file system's size says. */
  readonly reserveBytes: number | undefined
}

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const SECOND = 1000
/** Spans of a block that recovery makes again from the log. */
export const BLOCK_SPANS = 8192

interface Range {
  readonly min: number
  readonly max: number
  readonly words: string
}

const SIZE: Range = { min: 1, max: Number.MAX_SAFE_INTEGER, words: 'a number of bytes, 1 or more' }
const TIME: Range = { min: SECOND, max: Infinity, words: 'milliseconds, 1000 or more, or Infinity' }
const RANGES: Readonly<Record<Exclude<keyof LocalStoreSettings, 'directory' | 'readOnly' | 'seal'>, Range>> = {
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
  }
  for (const [name, { min, max, words }] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES]
    if (value === undefined) continue
    if (typeof value !== 'number' || !(value >= min && value <= max))
      throw new RangeError(`openLocalStore: ${name} is ${show(value)}; it must be ${words}`)
  }
  return settings
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** The longest that a span waits for company before its group is written, and how long a pause must be to end the wait. */
export const GROUP_MS = 10
export const GROUP_PAUSE_MS = 1
