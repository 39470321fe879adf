import { crc32 } from 'node:zlib'
import { ByteWriter } from './bytes.ts'
import { pack } from './compression.ts'

/** Bytes of texts in a page, unless one is longer. */
export const PAGE_BYTES = 1 << 15

/** A piece of a section: where it is, and what its bytes must be. */
export interface Piece {
  readonly offset: number
  readonly length: number
  readonly crc: number
}

/** A compressed page of texts. */
export interface Page extends Piece {
  /** Number of its first text. */
  readonly first: number
  /** Bytes when it is inflated. */
  readonly raw: number
}

/** Writes numbered texts into compressed pages. */
export class TextPages {
  readonly pages: Page[] = []
  count = 0
  readonly #write: (bytes: Uint8Array) => number
  readonly #page = new ByteWriter()
  readonly #count = new ByteWriter(16)
  #first = 0

  /** `write` appends to the section and returns the offset. */
  constructor(write: (bytes: Uint8Array) => number) {
    this.#write = write
  }

  add(text: Uint8Array): void {
    this.addFrom(text, 0, text.length)
  }

  /** The bytes `[start, end)` of a text. */
  addFrom(text: Uint8Array, start: number, end: number): void {
    if (this.#page.length > 0 && this.#page.length + end - start > PAGE_BYTES) this.finish()
    this.#page.range(text, start, end)
    this.count++
  }

  finish(): void {
    if (this.#page.length === 0) return
    this.#count.number(this.count - this.#first)
    const raw = Buffer.concat([this.#count.take(), this.#page.take()])
    const bytes = pack(raw)
    this.pages.push({
      offset: this.#write(bytes),
      length: bytes.length,
      crc: crc32(bytes),
      first: this.#first,
      raw: raw.length,
    })
    this.#first = this.count
  }
}
