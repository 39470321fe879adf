/*
 * Numbers of a few bits each, packed without gaps, lowest bit first. Whoever reads knows each width; a reader goes by the number of the bit. What is read
 * must be followed by {@link PADDING} bytes, as whole words are read.
 */

/** Bytes after the last packed bit that a read may touch. */
export const PADDING = 8
const WORD = 2 ** 32

/** Bits that numbers from 0 to `max` (an integer of at most 2^53) need. */
export function widthOf(max: number): number {
  return max < WORD ? 32 - Math.clz32(max) : 64 - Math.clz32(Math.floor(max / WORD))
}

export class BitWriter {
  #words = new Uint32Array(64)
  #length = 0
  #word = 0
  #used = 0

  /** Bits written. */
  get bits(): number {
    return 32 * this.#length + this.#used
  }

  /** The lowest `width` bits, 0-32, of an integer. */
  write(value: number, width: number): void {
    if (width === 0) return
    const bits = width === 32 ? value : value & ((1 << width) - 1)
    const used = this.#used
    this.#word |= bits << used
    if (used + width < 32) {
      this.#used = used + width
      return
    }
    if (this.#length === this.#words.length) this.#grow()
    this.#words[this.#length++] = this.#word
    this.#word = used === 0 ? 0 : bits >>> (32 - used)
    this.#used = used + width - 32
  }

  /** A non-negative integer of at most 2^53 in `width` bits, 0-53. */
  writeNumber(value: number, width: number): void {
    if (width <= 32) this.write(value, width)
    else {
      this.write(value % WORD, 32)
      this.write(Math.floor(value / WORD), width - 32)
    }
  }

  /** Empties it and returns what was written, the last byte filled up with zeros. */
  take(): Uint8Array {
    const length = Math.ceil(this.bits / 8)
    if (this.#used > 0) {
      if (this.#length === this.#words.length) this.#grow()
      this.#words[this.#length] = this.#word
    }
    const bytes = new Uint8Array(this.#words.buffer, 0, length).slice()
    this.#length = this.#used = this.#word = 0
    return bytes
  }

  #grow(): void {
    const words = new Uint32Array(2 * this.#words.length)
    words.set(this.#words)
    this.#words = words
  }
}

/** The number of `width` bits, 0-32, at bit `at`. Throws RangeError beyond the view. */
export function readBits(view: DataView, at: number, width: number): number {
  if (width === 0) return 0
  const byte = at >>> 3
  const shift = at & 7
  let value = view.getUint32(byte, true) >>> shift
  if (shift + width > 32) value |= view.getUint8(byte + 4) << (32 - shift)
  return width === 32 ? value >>> 0 : value & ((1 << width) - 1)
}

/** The same for 0-53 bits. */
export function readNumber(view: DataView, at: number, width: number): number {
  return width <= 32 ? readBits(view, at, width) : readBits(view, at, 32) + readBits(view, at + 32, width - 32) * WORD
}
