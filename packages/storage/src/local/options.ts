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
  /** A segment is closed and the next one begun when its log reaches this. Default 256 MiB. */
  readonly segmentBytes?: number
  /** ... or when it is this old. Default 1 hour. Retention drops whole segments, so this is its grain too. */
  readonly segmentAgeMs?: number
  /** The oldest segments are deleted when logs and indexes together exceed this. Default 10 GiB; Infinity keeps all. */
  readonly maxBytes?: number
  /** Segments whose last span came in longer ago than this are deleted. Default Infinity. */
  readonly maxAgeMs?: number
  /** Appended bytes that wait to be durable; `append` waits for room beyond it. Default 64 MiB. */
  readonly maxPendingBytes?: number
  /** Decoded index blocks that the reader keeps in memory. Default 96 MiB. */
  readonly cacheBytes?: number
  /** Hears each event as it happens. What it throws ends nothing. Default: nobody. */
  readonly onEvent?: (event: StoreEvent) => void
}

/** What goes to the threads. */
export type LocalStoreSettings = Required<Omit<LocalStoreOptions, 'onEvent'>>

const MIB = 1 << 20

export function settingsOf(options: LocalStoreOptions): LocalStoreSettings {
  const { onEvent: _onEvent, ...settings }: LocalStoreSettings & LocalStoreOptions = {
    readOnly: false,
    segmentBytes: 256 * MIB,
    segmentAgeMs: 3_600_000,
    maxBytes: 10 * 1024 * MIB,
    maxAgeMs: Infinity,
    maxPendingBytes: 64 * MIB,
    cacheBytes: 96 * MIB,
    ...options,
  }
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'number' && !(value > 0))
      throw new RangeError(`openLocalStore: ${name} is ${value}; it must be more than 0`)
  }
  return settings
}

/** Spans after which a block is closed and its index written. */
export const BLOCK_SPANS = 8192
/** ... or raw bytes. */
export const BLOCK_BYTES = 4 * MIB
/**
 * Raw bytes of one zstd frame, about: what has to be inflated to read a single span. Frames of 256 KiB cost 1 % more disk
 * than one frame a block, and a fifteenth of the time to read a trace.
 */
export const FRAME_BYTES = 256 * 1024
/** The longest that a span waits for company before its group is written, and how long a pause must be to end the wait. */
export const GROUP_MS = 10
export const GROUP_PAUSE_MS = 1
