import { crc32 } from 'node:zlib'
import { hashAttribute, readAttribute } from '../block/attribute.ts'
import { bloomAdd, bloomHas, createBloom } from '../block/bloom.ts'
import { hashArray, HashSet, pairHash, viewOf } from '../block/hash.ts'
import { SPAN_PLACES, visitAttributes, RESOURCE_PLACE, SCOPE_PLACE } from '../read/wire.ts'
import { LEVEL, ROLE } from './column.ts'
import type { Columns } from './columns.ts'
import type { Entries } from './entries.ts'
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

/** From the distinct values of all columns. */
export function attributesOf(entries: Entries, columns: Columns): AttributeSet {
  /** Of values that have no hash yet. */
  const others = new HashSet(MAX_OTHERS)
  const hashes = new Int32Array(entries.count + columns.names.length)
  let count = 0
  const otherKeys = new Set<string>()
  const { bytes } = entries
  const other = (from: Uint8Array, start: number, end: number): void => {
    hashAttribute(from, viewOf(from), start, end, others)
    const key = readAttribute(from, start, end)?.key
    if (key !== undefined && otherKeys.size <= MAX_KEYS) otherKeys.add(key)
  }
  const keyHashes = columns.names.map(({ role, name }) => (role === ROLE.attribute ? hashArray(name) : 0))
  for (const [i, { role }] of columns.names.entries()) if (role === ROLE.attribute) hashes[count++] = keyHashes[i]!
  for (let entry = 0; entry < entries.count; entry++) {
    const column = entries.column(entry)
    const { level, role, type, name } = columns.names[column]!
    const [start, end] = [entries.start(entry), entries.end(entry)]
    if (role === ROLE.attribute) {
      if (type !== 0) hashes[count++] = pairHash(keyHashes[column]!, entries.hash(entry))
      else {
        const whole = keyValue(name, bytes.subarray(start, end))
        hashAttribute(whole, viewOf(whole), 0, whole.length, others)
      }
    } else if (role === ROLE.odd) other(bytes, start, end)
    else if (role === ROLE.own) {
      const place = level === LEVEL.span ? SPAN_PLACES.any : level === LEVEL.resource ? RESOURCE_PLACE : SCOPE_PLACE
      visitAttributes(bytes, start, end, place, other)
    }
  }
  const all = new Int32Array(count + others.size)
  all.set(hashes.subarray(0, count))
  for (const hash of others) all[count++] = hash
  return { hashes: all, otherKeys: otherKeys.size > MAX_KEYS ? undefined : otherKeys }
}

/** `write` appends to the section and returns the offset. */
export function writeFilter(hashes: Int32Array, write: (bytes: Uint8Array) => number): Piece[] {
  const count = Math.max(1, Math.ceil(hashes.length / PIECE_ENTRIES))
  const first = new Uint32Array(count + 1)
  for (const hash of hashes) first[pieceOf(hash, count) + 1]!++
  for (let i = 0; i < count; i++) first[i + 1]! += first[i]!
  const next = first.slice()
  const sorted = new Int32Array(hashes.length)
  for (const hash of hashes) sorted[next[pieceOf(hash, count)]!++] = hash
  return Array.from({ length: count }, (_, i) => {
    const own = sorted.subarray(first[i], first[i + 1])
    const bloom = createBloom(own.length, BITS)
    for (const hash of own) bloomAdd(bloom, hash || 1, PROBES)
    const bytes = new Uint8Array(bloom.buffer)
    return { offset: write(bytes), length: bytes.length, crc: crc32(bytes) }
  })
}

/** Which of the pieces has the bits of a hash. */
export function pieceOf(hash: number, pieces: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 0) % pieces
}

export function hasHash(bits: Uint32Array, hash: number): boolean {
  return bloomHas(bits, hash, PROBES)
}
