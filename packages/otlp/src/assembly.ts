/**
 * Puts requests together from items of a serialized request: items are copied as slices, runs of them in one piece, and
 * everything is written once.
 *
 * What is made has every message around its items with all its fields, unknown ones too; of a message's fields the
 * items come last, which protobuf does not mind. Messages without items vanish. Fields of the request itself that lead
 * to no items (there are none in OTLP) stay.
 */
import type { Containers, ItemRanges } from './item-index.ts'
import { lengthEnd, next, readTag, skipField } from './wire.ts'
import { closeMessage, createWriter, finish, mark, varintSize, writeRange, writeVarint, type Writer } from './writer.ts'

/** An item's message in place of the one that is there, without tag and length, by row. */
export type Replacements = ReadonlyMap<number, Uint8Array>

/** Room for what is around items, to begin with. */
const MORE_BYTES = 512

/** Rows that belong together. */
export interface Group {
  readonly rows: ArrayLike<number>
  /** All are in one message of the outermost level, with these fields in place of its own. */
  readonly header?: Uint8Array
}

/** Remembers, over several requests that are made of one, where the fields are that its messages have besides items. */
export class Assembly {
  readonly #bytes: Uint8Array
  readonly #items: ItemRanges
  readonly #headers = new Map<number, readonly number[]>()
  readonly #requestFields: readonly number[]
  #writer: Writer = createWriter(0)
  /** Where {@link writeBeside} writes. */
  #shared: Writer = createWriter(0)
  #rows: ArrayLike<number> = []
  #replacements: Replacements | undefined
  /** The next of the rows to be written; they are written from the last to the first. */
  #at = -1

  constructor(bytes: Uint8Array, items: ItemRanges) {
    this.#bytes = bytes
    this.#items = items
    const outermost = items.containers[0]!
    this.#requestFields = otherFields(bytes, 0, bytes.length, [outermost.tag])
  }

  /** A request of these rows, in the order given. */
  write(rows: ArrayLike<number>, replacements?: Replacements): Uint8Array {
    return this.writeGroups([{ rows }], replacements)
  }

  /** A request of these rows that lies in one buffer with others that are written so. */
  writeBeside(rows: ArrayLike<number>): Uint8Array {
    const room = this.#sizeOf(rows) + MORE_BYTES
    if (this.#shared.at < room) this.#shared = createWriter(Math.max(room, Math.ceil(this.#bytes.length * 1.25)))
    const writer = (this.#writer = this.#shared)
    const before = mark(writer)
    this.#replacements = undefined
    this.#writeGroup({ rows })
    writeRanges(writer, this.#bytes, this.#requestFields)
    return writer.bytes.subarray(writer.at, writer.bytes.length - before)
  }

  /** A request of the rows of all groups, one group after the other. */
  writeGroups(groups: readonly Group[], replacements?: Replacements): Uint8Array {
    this.#writer = createWriter(groups.reduce((sum, { rows }) => sum + this.#sizeOf(rows), MORE_BYTES))
    this.#replacements = replacements
    for (let i = groups.length - 1; i >= 0; i--) this.#writeGroup(groups[i]!)
    writeRanges(this.#writer, this.#bytes, this.#requestFields)
    return finish(this.#writer)
  }

  #writeGroup({ rows, header }: Group): void {
    this.#rows = rows
    this.#at = rows.length - 1
    if (!header) return this.#writeWithin(0, -1)
    const from = mark(this.#writer)
    this.#writeWithin(1, -1)
    writeRange(this.#writer, header, 0, header.length)
    closeMessage(this.#writer, this.#items.containers[0]!.tag, from)
  }

  /** Bytes of what the request has besides items; each request has them again. */
  get requestBytes(): number {
    return sizeOf(this.#requestFields)
  }

  /** Bytes of what a message has besides items; each request that is made of some of its items has them again. */
  headerBytes(container: Containers, row: number): number {
    return sizeOf(this.#headerOf(container, row))
  }

  #sizeOf(rows: ArrayLike<number>): number {
    const { start, end } = this.#items
    let size = 0
    for (let i = 0; i < rows.length; i++) size += end[rows[i]!]! - start[rows[i]!]! + 4
    return size
  }

  /** Writes what is next and lies within the container at `parent` of the level above; all, where that is -1. */
  #writeWithin(level: number, parent: number): void {
    const { containers } = this.#items
    const outer = parent < 0 ? undefined : containers[level - 1]!.start
    const container = containers[level]
    while (this.#at >= 0) {
      const row = this.#rows[this.#at]!
      if (outer && outer[row] !== parent) break
      if (!container) {
        this.#writeRun(row)
        continue
      }
      const from = mark(this.#writer)
      this.#writeWithin(level + 1, container.start[row]!)
      writeRanges(this.#writer, this.#bytes, this.#headerOf(container, row))
      closeMessage(this.#writer, container.tags ? container.tags[row]! : container.tag, from)
    }
  }

  /** Writes an item, with tag and length, and those that lie right before it, as far as they are asked for. */
  #writeRun(last: number): void {
    const { start, end, tag } = this.#items
    const replacement = this.#replacements?.get(last)
    const first = replacement ? last : this.#firstOfRun(last)
    if (replacement) writeRange(this.#writer, replacement, 0, replacement.length)
    else writeRange(this.#writer, this.#bytes, start[first]!, end[last]!)
    writeVarint(this.#writer, replacement ? replacement.length : end[first]! - start[first]!)
    writeVarint(this.#writer, tag)
    this.#at -= last - first + 1
  }

  #firstOfRun(row: number): number {
    const { start, end } = this.#items
    for (let at = this.#at; at > 0; at--, row--) {
      if (this.#rows[at - 1] !== row - 1 || this.#replacements?.has(row - 1)) break
      // The bytes between two items are just the tag and length of the second if they are no more than these need.
      if (start[row]! - end[row - 1]! !== 1 + varintSize(end[row]! - start[row]!)) break
    }
    return row
  }

  #headerOf(container: Containers, row: number): readonly number[] {
    const start = container.start[row]!
    let ranges = this.#headers.get(start)
    if (!ranges) {
      ranges = otherFields(this.#bytes, start, container.end[row]!, container.within)
      this.#headers.set(start, ranges)
    }
    return ranges
  }
}

function sizeOf(ranges: readonly number[]): number {
  let size = 0
  for (let i = 0; i < ranges.length; i += 2) size += ranges[i + 1]! - ranges[i]!
  return size
}

/** Writes these parts of the bytes; start and end of each, in turn. */
export function writeRanges(writer: Writer, bytes: Uint8Array, ranges: readonly number[]): void {
  for (let i = ranges.length - 2; i >= 0; i -= 2) writeRange(writer, bytes, ranges[i]!, ranges[i + 1]!)
}

/** Start and end, in turn, of the fields of a message that have none of these tags, which are those of fields with a length. */
export function otherFields(bytes: Uint8Array, start: number, end: number, except: readonly number[]): number[] {
  const ranges: number[] = []
  let p = start
  while (p < end) {
    const from = p
    const tag = readTag(bytes, p, end)
    const isItem = except.includes(tag)
    p = isItem ? lengthEnd(bytes, next, end) : skipField(bytes, next, end, tag, 0)
    if (isItem) continue
    if (ranges.at(-1) === from) ranges[ranges.length - 1] = p
    else ranges.push(from, p)
  }
  return ranges
}
