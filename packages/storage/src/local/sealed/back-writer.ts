const CAPACITY = 1 << 13
const MAX_KEPT = 1 << 20

/**
 * Writes bytes from the end to the start: a message's length is known when its content is there. Used again for one message after the other.
 */
export class BackWriter {
  bytes = new Uint8Array(CAPACITY)
  /** The first byte that is written; all bytes from here to the end are. */
  at = this.bytes.length

  /** Bytes written. */
  get length(): number {
    return this.bytes.length - this.at
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[--this.at] = value
  }

  /** A non-negative integer of at most 2^53. */
  varint(value: number): void {
    this.reserve(8)
    if (value < 128) {
      this.bytes[--this.at] = value
      return
    }
    let size = 1
    for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
    let p = (this.at -= size)
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.bytes[p++] = (rest % 128) | 128
    this.bytes[p] = rest
  }

  /** A varint of 64 bits. */
  varint64(lo: number, hi: number): void {
    if (hi < 1 << 21) {
      this.varint(hi * 2 ** 32 + lo)
      return
    }
    // Groups of seven bits from the highest down, of which the first ones may be zero.
    let written = false
    const groups: number[] = []
    for (let shift = 63; shift >= 0; shift -= 7) {
      const bits =
        shift >= 32
          ? (hi >>> (shift - 32)) & 127
          : shift > 25
            ? ((hi << (32 - shift)) | (lo >>> shift)) & 127
            : (lo >>> shift) & 127
      if (bits === 0 && !written) continue
      groups.push(bits)
      written = true
    }
    for (const [i, bits] of groups.entries()) this.byte(i === 0 ? bits : bits | 128)
  }

  /** A number below 10^15 in so many decimal digits. */
  decimal(value: number, digits: number): void {
    this.reserve(digits)
    const { bytes } = this
    let at = this.at
    let left = value
    for (let i = 0; i < digits; i++) {
      const rest = Math.floor(left / 10)
      bytes[--at] = 0x30 + left - 10 * rest
      left = rest
    }
    this.at = at
  }

  /** 64 bits, the lowest first. */
  words(lo: number, hi: number): void {
    this.reserve(8)
    const { bytes } = this
    const at = (this.at -= 8)
    for (let i = 0; i < 4; i++) {
      bytes[at + i] = lo >>> (8 * i)
      bytes[at + 4 + i] = hi >>> (8 * i)
    }
  }

  range(from: Uint8Array, start = 0, end = from.length): void {
    const length = end - start
    this.reserve(length)
    const at = (this.at -= length)
    // A call of set() costs as much as copying some dozen bytes.
    if (length > 48) this.bytes.set(start === 0 && end === from.length ? from : from.subarray(start, end), at)
    else {
      const { bytes } = this
      for (let i = 0; i < length; i++) bytes[at + i] = from[start + i]!
    }
  }

  /** Makes room for `size` bytes before the first one. */
  reserve(size: number): void {
    if (size <= this.at) return
    const { length } = this
    const bytes = new Uint8Array(Math.max(2 * this.bytes.length, length + size))
    bytes.set(this.bytes.subarray(this.at), bytes.length - length)
    this.bytes = bytes
    this.at = bytes.length - length
  }

  /** A copy of what was written when there were `length` bytes, without those. */
  since(length: number): Uint8Array {
    return this.bytes.slice(this.at, this.bytes.length - length)
  }

  /** Forgets all but the `length` bytes that were written first. */
  cut(length: number): void {
    this.at = this.bytes.length - length
  }

  /** A copy of what was written, and it is empty again. */
  take(): Uint8Array {
    const bytes = this.bytes.slice(this.at)
    this.clear()
    return bytes
  }

  /** Forgets what was written, and memory beyond what is used again and again. */
  clear(): void {
    if (this.bytes.length > MAX_KEPT) this.bytes = new Uint8Array(CAPACITY)
    this.at = this.bytes.length
  }
}
