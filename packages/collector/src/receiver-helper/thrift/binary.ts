import { ThriftReader, TYPES, type ThriftCall } from './reader.ts'

/** The upper half of a call's first number, where it says its version. */
const VERSION = 0x8001

/** Numbers are big-endian and as wide as they are. */
export class BinaryReader extends ThriftReader {
  /** With a version in front, as all write it today, or without. */
  call(): ThriftCall {
    const first = this.#i32()
    if (first >>> 16 === VERSION) {
      const name = this.chars()
      this.#i32()
      return { name, type: first & 0xff }
    }
    if (first < 0) throw new RangeError(`a call of the unknown version ${(first >>> 16).toString(16)}`)
    const name = Buffer.from(this.take(this.within(first))).toString('utf8')
    const type = this.byte()
    this.#i32()
    return { name, type }
  }

  protected head(): number {
    const type = this.byte()
    if (type !== TYPES.stop) this.field = this.view.getInt16(this.advance(2))
    return type
  }

  protected listHead(): number {
    const type = this.byte()
    this.count = this.#i32()
    return type
  }

  protected mapHead(): readonly [number, number] {
    const types = [this.byte(), this.byte()] as const
    this.count = this.#i32()
    return types
  }

  protected integer(type: number): number {
    return type === TYPES.i32 ? this.#i32() : this.view.getInt16(this.advance(2))
  }

  protected long(): bigint {
    return this.view.getBigInt64(this.advance(8))
  }

  protected float(): number {
    return this.view.getFloat64(this.advance(8))
  }

  protected flag(): boolean {
    return this.byte() === 1
  }

  protected size(): number {
    return this.#i32()
  }

  #i32(): number {
    return this.view.getInt32(this.advance(4))
  }
}
