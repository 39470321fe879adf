/**
 * A message as a list of what it is made of: ranges of the bytes that came, ranges of what was written anew, and
 * beginnings and ends of messages around them. Put down from the first to the last, and then written at once, each byte
 * one time.
 */
import { doubled } from './doubled.ts'
import { closeMessage, createWriter, finish, mark, writeRange, type Writer } from './writer.ts'

const SOURCE = 0
const WRITTEN = 1
const OPEN = 2
const CLOSE = 3

export class Pieces {
  /** What is new; see {@link Pieces.written}. */
  readonly writer: Writer = createWriter(1024)
  readonly #bytes: Uint8Array
  /** Kind and two numbers of each piece. */
  #list = new Int32Array(3 * 64)
  #length = 0
  /** A source range that ends here may be made longer; -1 where the last piece is none. */
  #runEnd = -1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** A place that {@link rewind} goes back to. */
  get mark(): number {
    return this.#length
  }

  rewind(to: number): void {
    this.#length = to
    this.#runEnd = -1
  }

  /** Bytes as they came. */
  source(start: number, end: number): void {
    if (this.#runEnd === start) this.#list[this.#length - 1] = end
    else this.#add(SOURCE, start, end)
    this.#runEnd = end
  }

  /** Like {@link source}, but can be replaced later by what is written then. Returns where it is. */
  replaceable(start: number, end: number): number {
    this.#add(SOURCE, start, end)
    this.#runEnd = -1
    return this.#length - 3
  }

  /** What was written to the writer since `from`, a mark of it. */
  written(from: number): void {
    this.#add(WRITTEN, from, mark(this.writer))
    this.#runEnd = -1
  }

  /** Replaces the piece at `at` by what was written since `from`. */
  replace(at: number, from: number): void {
    this.#list[at] = WRITTEN
    this.#list[at + 1] = from
    this.#list[at + 2] = mark(this.writer)
  }

  /** The beginning of a message, as a length-delimited field with this tag. */
  open(tag: number): void {
    this.#add(OPEN, tag, 0)
    this.#runEnd = -1
  }

  close(): void {
    this.#add(CLOSE, 0, 0)
    this.#runEnd = -1
  }

  finish(): Uint8Array {
    const list = this.#list
    let size = 0
    for (let i = 0; i < this.#length; i += 3) size += list[i]! >= OPEN ? 4 : list[i + 2]! - list[i + 1]!
    const writer = createWriter(size)
    const ends: number[] = []
    const written = this.writer.bytes
    for (let i = this.#length - 3; i >= 0; i -= 3) {
      let a = list[i + 1]!
      const b = list[i + 2]!
      switch (list[i]) {
        case SOURCE:
          for (; i > 0 && list[i - 3] === SOURCE && list[i - 1] === a; i -= 3) a = list[i - 2]!
          writeRange(writer, this.#bytes, a, b)
          break
        case WRITTEN:
          writeRange(writer, written, written.length - b, written.length - a)
          break
        case CLOSE:
          ends.push(mark(writer))
          break
        default:
          closeMessage(writer, a, ends.pop()!)
      }
    }
    return finish(writer)
  }

  #add(kind: number, a: number, b: number): void {
    const at = this.#length
    if (at + 3 > this.#list.length) this.#list = doubled(this.#list)
    this.#list[at] = kind
    this.#list[at + 1] = a
    this.#list[at + 2] = b
    this.#length = at + 3
  }
}
