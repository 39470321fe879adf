/** Thrift's binary form, read safely: what is wrong throws a RangeError. Source: thrift-binary-protocol.md of apache/thrift. */

const STOP = 0
const STRING = 11
const STRUCT = 12
const MAP = 13
const SET = 14
const LIST = 15
/** Bytes of the types that always have as many. */
const WIDTHS: Readonly<Record<number, number>> = { 2: 1, 3: 1, 4: 8, 6: 2, 8: 4, 10: 8 }
/** How deep what nobody asks for may be nested. */
const MAX_DEPTH = 32

export class ThriftReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  /** The type of the field or item that is read next. */
  #type = LIST

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  i16(): number {
    this.#expect(6)
    return this.#view.getInt16(this.#take(2))
  }

  i32(): number {
    this.#expect(8)
    return this.#view.getInt32(this.#take(4))
  }

  i64(): bigint {
    this.#expect(10)
    return this.#view.getBigInt64(this.#take(8))
  }

  bytes(): Uint8Array {
    this.#expect(STRING)
    const length = this.#length()
    const from = this.#take(length)
    return this.#bytes.subarray(from, from + length)
  }

  text(): string {
    return Buffer.from(this.bytes()).toString('utf8')
  }

  list<T>(item: () => T): T[] {
    this.#expect(LIST)
    const type = this.#view.getUint8(this.#take(1))
    // Each item takes a byte at least.
    const count = this.#length()
    const items: T[] = []
    for (let i = 0; i < count; i++) {
      this.#type = type
      items.push(item())
    }
    return items
  }

  /** `fields`: what reads each of them, by its number; the others are left out. */
  struct(fields: Readonly<Record<number, () => unknown>>): void {
    this.#expect(STRUCT)
    for (;;) {
      const type = this.#view.getUint8(this.#take(1))
      if (type === STOP) return
      const field = fields[this.#view.getInt16(this.#take(2))]
      this.#type = type
      if (field) field()
      else this.#skip(type, MAX_DEPTH)
    }
  }

  #skip(type: number, depth: number): void {
    if (depth === 0) throw new RangeError('it is nested too deep')
    const width = WIDTHS[type]
    if (width !== undefined) this.#take(width)
    else if (type === STRING) this.#take(this.#length())
    else if (type === STRUCT) {
      for (let inner = this.#byte(); inner !== STOP; inner = this.#byte()) {
        this.#take(2)
        this.#skip(inner, depth - 1)
      }
    } else if (type === LIST || type === SET) {
      const inner = this.#byte()
      for (let left = this.#length(); left > 0; left--) this.#skip(inner, depth - 1)
    } else if (type === MAP) {
      const [key, value] = [this.#byte(), this.#byte()]
      for (let left = this.#length(); left > 0; left--) {
        this.#skip(key, depth - 1)
        this.#skip(value, depth - 1)
      }
    } else throw new RangeError(`byte ${this.#at}: no type ${type}`)
  }

  #expect(type: number): void {
    if (this.#type !== type)
      throw new RangeError(`byte ${this.#at}: expected a value of type ${type}, found ${this.#type}`)
  }

  #byte(): number {
    return this.#view.getUint8(this.#take(1))
  }

  /** Of what has no more items or bytes than there are bytes left. */
  #length(): number {
    const length = this.#view.getInt32(this.#take(4))
    if (length < 0 || length > this.#bytes.length - this.#at)
      throw new RangeError(
        `byte ${this.#at}: a length of ${length}, where ${this.#bytes.length - this.#at} bytes are left`,
      )
    return length
  }

  /** Where so many bytes begin that are read now. */
  #take(width: number): number {
    const from = this.#at
    if (from + width > this.#bytes.length) throw new RangeError(`byte ${from}: it ends in the middle`)
    this.#at += width
    return from
  }
}
