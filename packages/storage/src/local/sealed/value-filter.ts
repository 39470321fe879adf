import { crc32 } from 'node:zlib'
import { bloomAdd, bloomHas, createBloom } from '../block/bloom.ts'
import type { Piece } from './text-pages.ts'

/*
 * A Bloom filter in pieces of some kilobytes: a hash says in which piece its bits are, and only that is read.
 */

/** Bits an entry: one foreign value in 120 is let through, which costs a look at one dictionary. */
const BITS = 10
export const VALUE_PROBES = 7
/** Entries of a piece. */
const PIECE_ENTRIES = 3072

export function pieceOf(hash: number, pieces: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 0) % pieces
}

/** `write` appends to the section and returns the offset. */
export function writeFilter(hashes: Iterable<number>, count: number, write: (bytes: Uint8Array) => number): Piece[] {
  const pieces = Math.ceil(count / PIECE_ENTRIES)
  const members: number[][] = Array.from({ length: pieces }, () => [])
  for (const hash of hashes) members[pieceOf(hash, pieces)]!.push(hash)
  return members.map((own) => {
    const bloom = createBloom(own.length, BITS)
    for (const hash of own) bloomAdd(bloom, hash, VALUE_PROBES)
    const bytes = new Uint8Array(bloom.buffer)
    return { offset: write(bytes), length: bytes.length, crc: crc32(bytes) }
  })
}

export function hasHash(bits: Uint32Array, hash: number): boolean {
  return bloomHas(bits, hash, VALUE_PROBES)
}
