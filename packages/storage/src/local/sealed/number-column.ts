import { widthOf, type BitWriter } from './bits.ts'

/*
 * Numbers as cases with a rest of some bits: `base + unit * rest`. A case without a rest is one value; a case whose rest has 64 bits (`RAW`) is what is no integer
 * from 0 to 2^53. Cases by size, one for each number of bits, hold anything in few bits where most are small.
 */

export interface NumberCase {
  readonly base: number
  readonly unit: number
  /** Bits of the rest; {@link RAW} for a whole number of 64 bits. */
  readonly width: number
  /** Of a double: sign and exponent. */
  readonly high: number
}

export const RAW = 64
/** Nanoseconds are often whole micro- or milliseconds. */
export const UNITS: readonly number[] = [1_000_000, 1_000, 100]

/** Numbers of a column: by row, or by entry. */
export class Numbers {
  /** -1: see {@link rawLo}, {@link rawHi}. */
  readonly value: Float64Array
  /** Of doubles: sign and exponent; `value` is the rest. */
  high: Uint16Array | undefined
  #rawLo: Uint32Array | undefined
  #rawHi: Uint32Array | undefined

  get length(): number {
    return this.value.length
  }

  constructor(count: number) {
    this.value = new Float64Array(count)
  }

  /** An unsigned number of 64 bits. */
  set(index: number, lo: number, hi: number): void {
    if (hi < 1 << 21) this.value[index] = hi * 2 ** 32 + lo
    else this.setRaw(index, lo, hi)
  }

  /** Whatever the 64 bits are, they are kept as they are. */
  setRaw(index: number, lo: number, hi: number): void {
    this.value[index] = -1
    this.#rawLo ??= new Uint32Array(this.value.length)
    this.#rawHi ??= new Uint32Array(this.value.length)
    this.#rawLo[index] = lo
    this.#rawHi[index] = hi
  }

  lo(index: number): number {
    const value = this.value[index]!
    return value < 0 ? this.#rawLo![index]! : value >>> 0
  }

  hi(index: number): number {
    const value = this.value[index]!
    return value < 0 ? this.#rawHi![index]! : Math.floor(value / 2 ** 32)
  }

  writeRaw(index: number, writer: BitWriter): void {
    writer.write(this.#rawLo![index]!, 32)
    writer.write(this.#rawHi![index]!, 32)
  }
}

/** The case by size of a value: 0 for RAW, 1 for the value 0, 1 + k for k bits. */
export function sizeOf(value: number): number {
  return value < 0 ? 0 : 1 + widthOf(value)
}

export function sizeCase(size: number): NumberCase {
  if (size === 0) return { base: 0, unit: 1, width: RAW, high: 0 }
  if (size === 1) return { base: 0, unit: 1, width: 0, high: 0 }
  return { base: 2 ** (size - 2), unit: 1, width: size - 2, high: 0 }
}
export const SIZES = 55
