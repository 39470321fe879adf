/**
 * What waits in a sending queue, and what of it goes out together: without `batch` each entry alone, in its order; with it, entries of one
 * signal and partition until they are `min_size` or have waited for `flush_timeout`, and no more of them than `max_size`.
 */
import type { Signal } from '@spoor/otlp'
import { timerMs } from '../component/index.ts'
import type { QueueBatchConfig } from './config.ts'
import { sizeOf } from './split.ts'

export interface Waiting {
  readonly signal: Signal
  readonly items: number
  readonly byteLength: number
  /** What has another is never joined with it. */
  readonly partition: string
  /** Its place in the queue. */
  readonly order: number
}

export interface LanesOptions<E> {
  /** Undefined: each entry goes alone. */
  readonly batch: QueueBatchConfig | undefined
  /**
   * Several entries for one, the first at most of that size (in the unit of `batch.sizer`; at least one item where it is `isForced`). Undefined
   * where it cannot be divided so.
   */
  readonly divide: (entry: E, room: number, isForced: boolean) => readonly E[] | undefined
  /** Hears that something has waited for long enough. */
  readonly due: () => void
}

/** The entries of one signal and partition. */
interface Lane<E> {
  entries: E[]
  /** In the unit of `batch.sizer`. */
  size: number
  /** Whether it goes whatever its size. */
  isDue: boolean
  timer: NodeJS.Timeout | undefined
}

export class QueueLanes<E extends Waiting> {
  readonly #options: LanesOptions<E>
  /** Only those with something in them. */
  readonly #lanes = new Map<string, Lane<E>>()

  constructor(options: LanesOptions<E>) {
    this.#options = options
  }

  push(entry: E): void {
    const key = keyOf(entry)
    let lane = this.#lanes.get(key)
    if (!lane) this.#lanes.set(key, (lane = { entries: [], size: 0, isDue: false, timer: undefined }))
    lane.entries.push(entry)
    lane.size += this.#sizeOf(entry)
    this.#wait(lane)
  }

  /** What waits now goes, whatever its size. */
  flush(): void {
    for (const lane of this.#lanes.values()) lane.isDue = true
  }

  /** What is to go out together now, of the lane with the oldest entry; undefined when all that is there still waits. */
  take(): readonly E[] | undefined {
    let oldest: Lane<E> | undefined
    for (const lane of this.#lanes.values()) {
      const [first] = lane.entries
      if (!first || !this.#isReady(lane)) continue
      if (!oldest || first.order < oldest.entries[0]!.order) oldest = lane
    }
    return oldest && this.#takeFrom(oldest)
  }

  /** Nothing is due by itself any more. */
  close(): void {
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer)
  }

  #isReady(lane: Lane<E>): boolean {
    const { batch } = this.#options
    return !batch || lane.isDue || lane.size >= batch.min_size
  }

  #takeFrom(lane: Lane<E>): readonly E[] {
    const { batch, divide } = this.#options
    clearTimeout(lane.timer)
    lane.timer = undefined
    const taken = [this.#shift(lane)]
    if (batch) {
      const { min_size: min, max_size: max } = batch
      let size = this.#sizeOf(taken[0]!)
      while (size < min && lane.entries.length > 0) {
        taken.push(this.#shift(lane))
        size += this.#sizeOf(taken.at(-1)!)
      }
      if (max > 0 && size > max) {
        const last = taken.pop()!
        const parts = divide(last, max - (size - this.#sizeOf(last)), taken.length === 0)
        if (parts) {
          taken.push(parts[0]!)
          this.#putBack(lane, parts.slice(1))
        }
        // What cannot be divided goes alone.
        else if (taken.length > 0) this.#putBack(lane, [last])
        else taken.push(last)
      }
    }
    if (lane.entries.length === 0) this.#lanes.delete(keyOf(taken[0]!))
    this.#wait(lane)
    return taken
  }

  #shift(lane: Lane<E>): E {
    const entry = lane.entries.shift()!
    lane.size -= this.#sizeOf(entry)
    return entry
  }

  #putBack(lane: Lane<E>, entries: readonly E[]): void {
    lane.entries = [...entries, ...lane.entries]
    for (const entry of entries) lane.size += this.#sizeOf(entry)
  }

  #wait(lane: Lane<E>): void {
    const { batch, due } = this.#options
    if (!batch || lane.timer || lane.isDue || lane.entries.length === 0) return
    lane.timer = setTimeout(() => {
      lane.timer = undefined
      lane.isDue = true
      due()
    }, timerMs(batch.flush_timeout))
  }

  #sizeOf(entry: E): number {
    return sizeOf(entry, this.#options.batch?.sizer ?? 'items')
  }
}

function keyOf({ signal, partition }: Waiting): string {
  return `${signal} ${partition}`
}
