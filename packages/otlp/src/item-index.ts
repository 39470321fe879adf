/**
 * Where the items of a request are, for all three signals: a row for each span, log record or metric data point, which
 * are what counts as an item, with the byte ranges of the messages around it. Nothing of an item is read, so that this
 * costs a few nanoseconds an item. A metric without data points has no row.
 */
import type { Signal } from './batch.ts'
import { doubled } from './doubled.ts'
import { lengthEnd, next, readTag, skipField } from './wire.ts'

/** The messages of one kind around the items, `[start, end)` without tag and length, for each row. */
export interface Containers {
  readonly start: ArrayLike<number>
  readonly end: ArrayLike<number>
  /** The tag of each row's, where it is not the same for all: of `Metric`, which data it has. */
  readonly tags?: ArrayLike<number>
  readonly tag: number
  /** The tags of what is within them and leads to the items; all else in them is a header that all items share. */
  readonly within: readonly number[]
}

/** What is needed to put together requests of some of the items. Rows are in the order of the bytes. */
export interface ItemRanges {
  /** Rows. */
  readonly count: number
  readonly start: ArrayLike<number>
  readonly end: ArrayLike<number>
  readonly tag: number
  /** From the outermost to the one that holds the items. */
  readonly containers: readonly Containers[]
}

/** {@link ItemRanges} of all items of a request. */
export interface ItemIndex extends ItemRanges {
  readonly signal: Signal
}

const METRIC_DATA = [0x2a, 0x3a, 0x4a, 0x52, 0x5a]

/** The tags that lead from a request to its items, level by level. */
const LEVELS: Readonly<Record<Signal, readonly (readonly number[])[]>> = {
  traces: [[0x0a], [0x12], [0x12]],
  logs: [[0x0a], [0x12], [0x12]],
  metrics: [[0x0a], [0x12], [0x12], METRIC_DATA, [0x0a]],
}

/** All items of a request. `capacity`: how many there are, where that is known. Throws {@link OtlpError}. */
export function indexItems(signal: Signal, bytes: Uint8Array, capacity = 512): ItemIndex {
  const levels = LEVELS[signal]
  const builder = new Builder(bytes, levels, Math.max(1, capacity))
  builder.read(0, bytes.length, 0)
  const [start, end] = builder.columns
  const containers = levels.slice(0, -1).map((tags, level) => ({
    start: builder.columns[2 + 3 * level]!,
    end: builder.columns[3 + 3 * level]!,
    ...(tags.length > 1 && { tags: builder.columns[4 + 3 * level]! }),
    tag: tags[0]!,
    within: levels[level + 1]!,
  }))
  return { signal, count: builder.count, start: start!, end: end!, tag: levels.at(-1)![0]!, containers }
}

class Builder {
  count = 0
  /** Start and end of the items; then start, end and tag of their containers, level by level. */
  columns: Uint32Array[]
  readonly #bytes: Uint8Array
  readonly #levels: readonly (readonly number[])[]
  /** A row's values of the containers that are read. */
  readonly #now: number[]

  constructor(bytes: Uint8Array, levels: readonly (readonly number[])[], capacity: number) {
    this.#bytes = bytes
    this.#levels = levels
    this.#now = Array.from({ length: 3 * levels.length - 1 }, () => 0)
    this.columns = this.#now.map(() => new Uint32Array(capacity))
  }

  read(p: number, end: number, level: number): void {
    const bytes = this.#bytes
    const tags = this.#levels[level]!
    const first = tags[0]!
    const isLast = level === this.#levels.length - 1
    while (p < end) {
      const tag = readTag(bytes, p, end)
      if (tag !== first && !tags.includes(tag)) {
        p = skipField(bytes, next, end, tag, 0)
        continue
      }
      p = lengthEnd(bytes, next, end)
      if (isLast) this.#add(next, p)
      else {
        const start = next
        this.#now[2 + 3 * level] = start
        this.#now[3 + 3 * level] = p
        this.#now[4 + 3 * level] = tag
        this.read(start, p, level + 1)
      }
    }
  }

  #add(start: number, end: number): void {
    const row = this.count
    if (row === this.columns[0]!.length) this.columns = this.columns.map(doubled)
    const now = this.#now
    now[0] = start
    now[1] = end
    for (let i = 0; i < now.length; i++) this.columns[i]![row] = now[i]!
    this.count = row + 1
  }
}
