/** Writes small structures: numbers as varints, byte strings with their length. */
export class ByteWriter {
  #bytes: Uint8Array
  length = 0

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity)
  }

  /** A whole number, not negative; beyond 2^53 as exact as it is. At most 2^112. */
  number(value: number): void {
    this.#reserve(16)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.length++] = rest
  }

  bytes(value: Uint8Array): void {
    this.number(value.length)
    this.raw(value)
  }

  /** The bytes `[start, end)`, with their length. */
  range(value: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.number(length)
    this.#reserve(length)
    const bytes = this.#bytes
    const at = this.length
    // A call of set() costs as much as copying some dozen bytes.
    if (length > 48) bytes.set(value.subarray(start, end), at)
    else for (let i = 0; i < length; i++) bytes[at + i] = value[start + i]!
    this.length += length
  }

  /** Without a length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.length)
    this.length += value.length
  }

  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.length)
    this.length = 0
    return bytes
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return
    const bytes = new Uint8Array(Math.max(this.length + count, 2 * this.#bytes.length))
    bytes.set(this.#bytes.subarray(0, this.length))
    this.#bytes = bytes
  }
}

/** Reads what {@link ByteWriter} wrote; throws RangeError beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  get done(): boolean {
    return this.at >= this.#bytes.length
  }

  number(): number {
    const first = this.#bytes[this.at]
    if (first !== undefined && first < 128) {
      this.at++
      return first
    }
    let value = 0
    for (let scale = 1; this.at < this.#bytes.length; scale *= 128) {
      const byte = this.#bytes[this.at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new RangeError('the bytes end within a number')
  }

  /** Numbers with their count before them. */
  numbers(): Uint32Array {
    const numbers = new Uint32Array(this.count())
    for (let i = 0; i < numbers.length; i++) numbers[i] = this.number()
    return numbers
  }

  /** A number that counts things of which each takes at least a byte, so that it cannot be larger than what is left. */
  count(): number {
    const count = this.number()
    if (count > this.#bytes.length - this.at)
      throw new RangeError(`${count} things in ${this.#bytes.length - this.at} bytes`)
    return count
  }

  /** Steps over a byte string. */
  skip(): void {
    const length = this.number()
    if (length > this.#bytes.length - this.at) throw new RangeError('the bytes end within a byte string')
    this.at += length
  }

  bytes(): Uint8Array {
    const length = this.number()
    if (length > this.#bytes.length - this.at) throw new RangeError('the bytes end within a byte string')
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  /** Little-endian words of 32 bits. */
  words(count: number): Uint32Array {
    if (4 * count > this.#bytes.length - this.at) throw new RangeError('the bytes end within words')
    this.at += 4 * count
    return new Uint32Array(Uint8Array.from(this.#bytes.subarray(this.at - 4 * count, this.at)).buffer)
  }
}
