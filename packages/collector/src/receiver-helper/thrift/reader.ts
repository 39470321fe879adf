/**
 * Thrift's data, read safely: what is wrong throws a RangeError. How a value is written differs by form (`binary.ts`, `compact.ts`); what it is made of does
 * not. Source: thrift-binary-protocol.md and thrift-compact-protocol.md of apache/thrift.
 */

/** Types of fields and items, by their numbers in the binary form. */
export const TYPES = {
  stop: 0,
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const

/** How deep what nobody asks for may be nested. */
const MAX_DEPTH = 32

/** A call, as it is in front of its arguments. */
export interface ThriftCall {
  readonly name: string
  /** 1: a call, 4: one that wants no answer. */
  readonly type: number
}

export abstract class ThriftReader {
  protected readonly view: DataView
  readonly #bytes: Uint8Array
  #at = 0
  /** The type of what is read next. */
  #type: number

  /** `type`: of what the bytes begin with. */
  constructor(bytes: Uint8Array, type: number) {
    this.#bytes = bytes
    this.#type = type
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** What is in front of a call's arguments, which are a struct. */
  abstract call(): ThriftCall
  /** The type of a struct's next field, whose number is in `field` afterwards; {@link TYPES}.stop at its end. `last`: the number of the one before. */
  protected abstract head(last: number): number
  protected field = 0
  /** The type of the items of a list; how many there are is in `count` afterwards. */
  protected abstract listHead(): number
  protected count = 0
  /** The same of a map: the types of its keys and of its values. */
  protected abstract mapHead(): readonly [key: number, value: number]
  /** Of 16 or 32 bits. */
  protected abstract integer(type: number): number
  protected abstract long(): bigint
  protected abstract float(): number
  protected abstract flag(): boolean
  /** Of bytes: how many. */
  protected abstract size(): number

  i16(): number {
    this.#expect(TYPES.i16)
    return this.integer(TYPES.i16)
  }

  i32(): number {
    this.#expect(TYPES.i32)
    return this.integer(TYPES.i32)
  }

  i64(): bigint {
    this.#expect(TYPES.i64)
    return this.long()
  }

  double(): number {
    this.#expect(TYPES.double)
    return this.float()
  }

  bool(): boolean {
    this.#expect(TYPES.bool)
    return this.flag()
  }

  bytes(): Uint8Array {
    this.#expect(TYPES.string)
    return this.take(this.within(this.size()))
  }

  text(): string {
    this.#expect(TYPES.string)
    return this.chars()
  }

  list<T>(item: () => T): T[] {
    return Array.from(this.each(item))
  }

  /** The same one after another, as they are asked for. */
  *each<T>(item: () => T): Generator<T> {
    this.#expect(TYPES.list)
    const type = this.listHead()
    for (let left = this.within(this.count); left > 0; left--) {
      this.#type = type
      yield item()
    }
  }

  /** `fields`: what reads each of them, by its number; the others are left out. */
  struct(fields: Readonly<Record<number, () => unknown>>): void {
    this.#expect(TYPES.struct)
    for (let last = 0; ;) {
      const type = this.head(last)
      if (type === TYPES.stop) return
      last = this.field
      this.#type = type
      const read = fields[last]
      if (read) read()
      else this.#skip(type, MAX_DEPTH)
    }
  }

  /** Leaves out what is next, and gives the function that goes back to it. */
  later(): () => void {
    const [at, type] = [this.#at, this.#type]
    this.#skip(type, MAX_DEPTH)
    return () => {
      this.#at = at
      this.#type = type
    }
  }

  #skip(type: number, depth: number): void {
    if (depth === 0) throw new RangeError('it is nested too deep')
    if (type === TYPES.string) this.advance(this.within(this.size()))
    else if (type === TYPES.struct) {
      for (let last = 0; ; last = this.field) {
        const inner = this.head(last)
        if (inner === TYPES.stop) return
        const number = this.field
        this.#skip(inner, depth - 1)
        this.field = number
      }
    } else if (type === TYPES.list || type === TYPES.set) {
      const inner = this.listHead()
      for (let left = this.within(this.count); left > 0; left--) this.#skip(inner, depth - 1)
    } else if (type === TYPES.map) {
      const [key, value] = this.mapHead()
      for (let left = this.within(this.count); left > 0; left--) {
        this.#skip(key, depth - 1)
        this.#skip(value, depth - 1)
      }
    } else if (type === TYPES.bool) this.flag()
    else if (type === TYPES.double) this.float()
    else if (type === TYPES.byte) this.advance(1)
    else if (type === TYPES.i64) this.long()
    else if (type === TYPES.i16 || type === TYPES.i32) this.integer(type)
    else throw new RangeError(`byte ${this.#at}: no type ${type}`)
  }

  #expect(type: number): void {
    if (this.#type !== type)
      throw new RangeError(`byte ${this.#at}: expected a value of type ${type}, found ${this.#type}`)
  }

  protected chars(): string {
    const { buffer, byteOffset, length } = this.take(this.within(this.size()))
    return Buffer.from(buffer, byteOffset, length).toString('utf8')
  }

  protected byte(): number {
    return this.view.getUint8(this.advance(1))
  }

  /** Of what has no more items or bytes than there are bytes left. */
  protected within(length: number): number {
    const left = this.#bytes.length - this.#at
    if (length >= 0 && length <= left) return length
    throw new RangeError(`byte ${this.#at}: a length of ${length}, where ${left} bytes are left`)
  }

  /** So many bytes that are read now. */
  protected take(width: number): Uint8Array {
    const from = this.advance(width)
    return this.#bytes.subarray(from, from + width)
  }

  /** Where they begin. */
  protected advance(width: number): number {
    const from = this.#at
    if (from + width > this.#bytes.length) throw new RangeError(`byte ${from}: it ends in the middle`)
    this.#at += width
    return from
  }
}
