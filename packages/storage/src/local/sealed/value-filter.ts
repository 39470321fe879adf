import { crc32 } from 'node:zlib'
import { hashAttribute, readAttribute } from '../block/attribute.ts'
import { bloomAdd, bloomHas, createBloom } from '../block/bloom.ts'
import { hashArray, HashSet, pairHash, viewOf } from '../block/hash.ts'
import { SPAN_PLACES, visitAttributes, RESOURCE_PLACE, SCOPE_PLACE } from '../read/wire.ts'
import { LEVEL, ROLE } from './column.ts'
import type { Columns } from './columns.ts'
import type { Entries } from './entries.ts'
import { inPieces } from './pieces.ts'
import type { Hold } from './specimen.ts'
import type { Piece } from './text-pages.ts'
import { keyValue } from './wire.ts'

/*
 * A Bloom filter in pieces of some kilobytes: a hash says in which piece its bits are, and only that is read.
 */

/** Bits and probes an entry: one foreign key=value in 2,000 is let through, which costs the look at one column. */
const BITS = 16
const PROBES = 9
const PIECE_ENTRIES = 2048
/** More than all attributes of a section that are written oddly. */
const MAX_OTHERS = 2 ** 31
/** Keys of messages that are kept as they came, beyond which not all keys of the section are known. */
const MAX_KEYS = 1 << 12

/** Keys and key=value pairs of all attributes, and the keys that are no column's; undefined: there are too many. */
export interface AttributeSet {
  /** A few of them several times. */
  readonly hashes: Int32Array
  readonly otherKeys: ReadonlySet<string> | undefined
}

/** From the distinct values of all columns. `hold`: see `specimen.ts`. */
export function attributesOf(entries: Entries, columns: Columns, hold?: Hold): AttributeSet {
  const found = new Attributes(entries, columns)
  inPieces(entries.count, (from, to) => found.add(from, to))
  hold?.(found)
  return found.take()
}

class Attributes {
  readonly #entries: Entries
  readonly #columns: Columns
  readonly #hashes: Int32Array
  #count = 0
  /** Of values that have no hash yet. */
  readonly #others = new HashSet(MAX_OTHERS)
  readonly #otherKeys = new Set<string>()
  /** By column: the hash of its key, and whether all of its values have one and the hash of theirs. */
  readonly #keyHashes: Int32Array
  readonly #isScalar: Uint8Array

  constructor(entries: Entries, columns: Columns) {
    const { names } = columns
    this.#entries = entries
    this.#columns = columns
    this.#hashes = new Int32Array(entries.count + names.length)
    this.#keyHashes = new Int32Array(names.length)
    this.#isScalar = new Uint8Array(names.length)
    for (let i = 0; i < names.length; i++) {
      const { role, type, name } = names[i]!
      if (role !== ROLE.attribute) continue
      this.#hashes[this.#count++] = this.#keyHashes[i] = hashArray(name)
      this.#isScalar[i] = type === 0 ? 0 : 1
    }
  }

  /** Some entries. */
  add(from: number, to: number): void {
    const entries = this.#entries
    const keyHashes = this.#keyHashes
    const isScalar = this.#isScalar
    const hashes = this.#hashes
    let count = this.#count
    for (let entry = from; entry < to; entry++) {
      const column = entries.column(entry)
      if (isScalar[column] === 1) hashes[count++] = pairHash(keyHashes[column]!, entries.hash(entry))
      else this.#addOther(entry, column)
    }
    this.#count = count
  }

  #addOther(entry: number, column: number): void {
    const { bytes } = this.#entries
    const { level, role, name } = this.#columns.names[column]!
    const start = this.#entries.start(entry)
    const end = this.#entries.end(entry)
    if (role === ROLE.attribute) {
      const whole = keyValue(name, bytes.subarray(start, end))
      hashAttribute(whole, viewOf(whole), 0, whole.length, this.#others)
    } else if (role === ROLE.odd) this.#addOdd(bytes, start, end)
    else if (role === ROLE.own) {
      const place = level === LEVEL.span ? SPAN_PLACES.any : level === LEVEL.resource ? RESOURCE_PLACE : SCOPE_PLACE
      visitAttributes(bytes, start, end, place, (from, at, stop) => this.#addOdd(from, at, stop))
    }
  }

  #addOdd(from: Uint8Array, start: number, end: number): void {
    hashAttribute(from, viewOf(from), start, end, this.#others)
    const key = readAttribute(from, start, end)?.key
    if (key !== undefined && this.#otherKeys.size <= MAX_KEYS) this.#otherKeys.add(key)
  }

  take(): AttributeSet {
    const all = new Int32Array(this.#count + this.#others.size)
    all.set(this.#hashes.subarray(0, this.#count))
    for (const hash of this.#others) all[this.#count++] = hash
    return { hashes: all, otherKeys: this.#otherKeys.size > MAX_KEYS ? undefined : this.#otherKeys }
  }
}

/** `write` appends to the section and returns the offset. */
export function writeFilter(hashes: Int32Array, write: (bytes: Uint8Array) => number): Piece[] {
  const count = Math.max(1, Math.ceil(hashes.length / PIECE_ENTRIES))
  const first = new Uint32Array(count + 1)
  inPieces(hashes.length, (from, to) => countHashes(hashes, from, to, count, first))
  for (let i = 0; i < count; i++) first[i + 1]! += first[i]!
  const next = first.slice()
  const sorted = new Int32Array(hashes.length)
  inPieces(hashes.length, (from, to) => putHashes(hashes, from, to, count, next, sorted))
  return Array.from({ length: count }, (_, i) => {
    const bytes = filterOf(sorted, first[i]!, first[i + 1]!)
    return { offset: write(bytes), length: bytes.length, crc: crc32(bytes) }
  })
}

function countHashes(hashes: Int32Array, from: number, to: number, pieces: number, first: Uint32Array): void {
  for (let i = from; i < to; i++) first[pieceOf(hashes[i]!, pieces) + 1]!++
}

function putHashes(
  hashes: Int32Array,
  from: number,
  to: number,
  pieces: number,
  next: Uint32Array,
  sorted: Int32Array,
): void {
  for (let i = from; i < to; i++) sorted[next[pieceOf(hashes[i]!, pieces)]!++] = hashes[i]!
}

function filterOf(hashes: Int32Array, from: number, to: number): Uint8Array {
  const bloom = createBloom(to - from, BITS)
  for (let i = from; i < to; i++) bloomAdd(bloom, hashes[i]! || 1, PROBES)
  return new Uint8Array(bloom.buffer)
}

/** Which of the pieces has the bits of a hash. */
export function pieceOf(hash: number, pieces: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 0) % pieces
}

export function hasHash(bits: Uint32Array, hash: number): boolean {
  return bloomHas(bits, hash, PROBES)
}
