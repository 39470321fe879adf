import { crc32 } from 'node:zlib'
import { StorageError } from '../../contract.ts'
import { viewOf } from '../block/hash.ts'
import { Slot, type ByteCache } from '../read/byte-cache.ts'
import { PADDING } from './bits.ts'
import { ByteReader } from './bytes.ts'
import { unpack } from './compression.ts'
import { Head, type Chunk } from './head.ts'
import type { PackedPiece, SectionMeta } from './section-meta.ts'
import type { Page, Piece } from './text-pages.ts'

/** Reads bytes of the section, from its first byte on; throws what the disk throws. Fewer bytes than asked for: the file ends there. */
export type SectionReader = (offset: number, length: number) => Uint8Array

/** Bits somewhere in a view. */
export interface Bits {
  readonly view: DataView
  /** The first of them. */
  readonly at: number
  /** Of the bytes that are theirs. */
  readonly length: number
}

/** Those of a column that has none, where all values of a shape are the same. */
export const NO_BITS: Bits = { view: viewOf(new Uint8Array()), at: 0, length: 0 }

/** A page of texts. */
export interface TextPage {
  /** Number of its first text. */
  readonly first: number
  /** Their number, then each with its length before it. */
  readonly bytes: Uint8Array
  /** Where the first of them begins, and each of them ends. */
  readonly start: number
  readonly ends: Uint32Array
}

/**
 * The pieces of a section, read when they are needed and kept in a cache. Each is checked against its checksum: what is not as it was
 * written throws StorageError `corrupt`.
 */
export class SectionFile {
  readonly meta: SectionMeta
  readonly #read: SectionReader
  readonly #cache: ByteCache
  readonly #slots = new Map<number | string, Slot>()

  readonly #damaged: () => void

  /** `damaged`: hears of each reading that meets damage, before it throws. */
  constructor(meta: SectionMeta, read: SectionReader, cache: ByteCache, damaged: () => void = () => {}) {
    this.meta = meta
    this.#read = read
    this.#cache = cache
    this.#damaged = damaged
  }

  /** What `read` gives. What does not fit together has been damaged, though its checksum does not tell. */
  reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      const isMisfit = error instanceof RangeError || error instanceof TypeError
      const wrong = isMisfit
        ? new StorageError('corrupt', `a sealed section cannot be read: ${error.message}`, { cause: error })
        : error
      if (wrong instanceof StorageError && wrong.code === 'corrupt') this.#damaged()
      throw wrong
    }
  }

  /** What `load` gives, kept under `key`. */
  kept<T>(key: number | string, load: () => T, bytesOf: (value: T) => number): T {
    let slot = this.#slots.get(key)
    if (!slot) this.#slots.set(key, (slot = new Slot(() => void this.#slots.delete(key))))
    return this.#cache.get(slot, load, bytesOf)
  }

  /** The bytes of a piece that is read once. */
  unpacked(piece: PackedPiece): Uint8Array {
    return unpack(this.#whole(piece), piece.raw)
  }

  get head(): Head {
    const { head } = this.meta
    return this.kept(
      'head',
      () => new Head(this.unpacked(head)),
      // Measured: its bytes, and three times as many for what is made of them.
      () => 4 * head.raw,
    )
  }

  /** The bits of a column in a chunk; undefined: it has none there. */
  bits(chunk: Chunk, column: number): Bits | undefined {
    const piece = chunk.piece(column)
    if (!piece) return undefined
    const whole = this.#slots.get(chunk.offset)
    if (whole && whole.bytes > 0) return bitsIn(this.load(chunk), chunk, piece)
    return this.kept(
      `piece ${piece.offset}`,
      () => {
        const bytes = this.#read(piece.offset, piece.length + PADDING)
        if (bytes.length < piece.length + PADDING || crc32(bytes.subarray(0, piece.length)) !== piece.crc)
          throw damaged(piece)
        return { view: viewOf(bytes), at: 0, length: piece.length }
      },
      ({ length }) => length + 200,
    )
  }

  /** Reads a chunk in one go, for who needs much of it. */
  load(chunk: Chunk): DataView {
    return this.kept(
      chunk.offset,
      () => viewOf(this.#whole(chunk)),
      ({ byteLength }) => byteLength + 200,
    )
  }

  /** A piece of a filter. */
  words(piece: Piece): Uint32Array {
    return this.kept(
      piece.offset,
      () => new Uint32Array(Uint8Array.from(this.#whole(piece)).buffer),
      ({ byteLength }) => byteLength + 200,
    )
  }

  /** The page that has a text. */
  page(text: number): TextPage {
    const { pages } = this.head
    let low = 0
    let high = pages.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (pages[middle]!.first <= text) low = middle
      else high = middle - 1
    }
    const page = pages[low]
    if (!page) throw new RangeError(`text ${text} of none`)
    return this.kept(
      page.offset,
      () => this.#loadPage(page),
      ({ bytes, ends }) => bytes.length + ends.byteLength + 200,
    )
  }

  #loadPage(page: Page): TextPage {
    const bytes = unpack(this.#whole(page), page.raw)
    const input = new ByteReader(bytes)
    const ends = new Uint32Array(input.count())
    const start = input.at
    for (let i = 0; i < ends.length; i++) {
      input.skip()
      ends[i] = input.at
    }
    return { first: page.first, bytes, start, ends }
  }

  #whole(piece: Piece): Uint8Array {
    const bytes = this.#read(piece.offset, piece.length)
    if (bytes.length !== piece.length || crc32(bytes) !== piece.crc) throw damaged(piece)
    return bytes
  }
}

function bitsIn(view: DataView, chunk: Chunk, piece: Piece): Bits {
  return { view, at: 8 * (piece.offset - chunk.offset), length: piece.length }
}

function damaged({ offset, length }: Piece): StorageError {
  return new StorageError('corrupt', `${length} bytes at byte ${offset} of a sealed section are damaged`)
}
