/*
 * ClickHouse's RowBinary: one row after the other, one value after the other, in the order of the columns. Numbers are little-endian, texts have their length before them as a
 * varint, arrays and maps the number of their entries.
 */

const encoder = new TextEncoder()
const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
/** Bytes up to which a loop is quicker than a copy. */
const SHORT = 48

/** Writes rows into memory that grows, and is used again. */
export class RowWriter {
  bytes: Uint8Array
  /** Bytes written. */
  at = 0
  #view: DataView

  constructor(capacity = 1 << 16) {
    this.bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.bytes.buffer)
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }

  /** Forgets what was written; memory that is more than `keep` bytes is let go. */
  clear(keep: number): void {
    this.at = 0
    if (this.bytes.length > keep) this.#use(new Uint8Array(keep))
  }

  uint8(value: number): void {
    this.#room(1)
    this.bytes[this.at++] = value
  }

  uint32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  /** 64 bits in two halves. */
  words(lo: number, hi: number): void {
    this.#room(8)
    this.#view.setUint32(this.at, lo, true)
    this.#view.setUint32(this.at + 4, hi, true)
    this.at += 8
  }

  /** A whole number in 64 bits with a sign. */
  int64(value: number): void {
    if (value >= 0) return this.words((value % 2 ** 32) >>> 0, Math.floor(value / 2 ** 32))
    this.#room(8)
    this.#view.setBigInt64(this.at, BigInt(value), true)
    this.at += 8
  }

  varint(value: number): void {
    this.#room(8)
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) | 128
    this.bytes[this.at++] = rest
  }

  /** A text, or any bytes: those of `from` between `start` and `end`. */
  range(from: Uint8Array, start: number, end: number): void {
    this.varint(end - start)
    this.raw(from, start, end)
  }

  text(text: string): void {
    const length = text.length
    this.#room(3 * length + 8)
    if (length < 128) {
      // Nearly always it is ASCII, whose length is known before.
      let i = 0
      for (let code = 0; i < length && (code = text.charCodeAt(i)) < 128; i++) this.bytes[this.at + 1 + i] = code
      if (i === length) {
        this.bytes[this.at] = length
        this.at += 1 + length
        return
      }
    }
    const encoded = encoder.encode(text)
    this.range(encoded, 0, encoded.length)
  }

  /** The hex digits of an id. */
  hex(from: Uint8Array, start: number, end: number): void {
    this.varint(2 * (end - start))
    this.#room(2 * (end - start))
    for (let i = start; i < end; i++) {
      this.bytes[this.at++] = DIGITS[from[i]! >> 4]!
      this.bytes[this.at++] = DIGITS[from[i]! & 15]!
    }
  }

  /** Bytes as they are, without a length. */
  raw(from: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.#room(length)
    if (length < SHORT) for (let i = start, at = this.at; i < end; i++) this.bytes[at++] = from[i]!
    else this.bytes.set(from.subarray(start, end), this.at)
    this.at += length
  }

  #room(bytes: number): void {
    const needed = this.at + bytes
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length))
    larger.set(this.written)
    this.#use(larger)
  }

  #use(bytes: Uint8Array): void {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

/** Thrown where the bytes of a row are not all there yet. */
const INCOMPLETE = new Error('the row is not complete')

/** Reads the values of a row, in the order of the columns. */
export class RowReader {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  /** Bytes that are there and not read. */
  get rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  /** All rows that are complete with these further bytes. */
  take<T>(bytes: Uint8Array, decode: (row: RowReader) => T): T[] {
    this.#bytes =
      this.#at < this.#bytes.length
        ? Buffer.concat([this.rest, bytes])
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#at = 0
    const rows: T[] = []
    for (let start = 0; start < this.#bytes.length; start = this.#at) {
      try {
        rows.push(decode(this))
      } catch (error) {
        if (error !== INCOMPLETE) throw error
        this.#at = start
        break
      }
    }
    return rows
  }

  uint8(): number {
    return this.#bytes[this.#step(1)]!
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#step(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#step(4))
  }

  float64(): number {
    return this.#bytes.readDoubleLE(this.#step(8))
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#step(8))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64LE(this.#step(8))
  }

  /** As a number: what is more than 2^53 is not exact. */
  count(): number {
    return Number(this.uint64())
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.uint8()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  /** A view of the bytes, good until the next rows are taken. */
  bytes(): Buffer {
    return this.raw(this.varint())
  }

  /** A value of so many bytes, as {@link bytes}. */
  raw(length: number): Buffer {
    const start = this.#step(length)
    return this.#bytes.subarray(start, start + length)
  }

  text(): string {
    return this.bytes().toString('utf8')
  }

  /** Undefined for NULL. */
  nullableText(): string | undefined {
    return this.uint8() === 1 ? undefined : this.text()
  }

  #step(bytes: number): number {
    const start = this.#at
    if (start + bytes > this.#bytes.length) throw INCOMPLETE
    this.#at = start + bytes
    return start
  }
}
