import { ThriftReader, TYPES, type ThriftCall } from './reader.ts'

const PROTOCOL = 0x82
const VERSION = 1
/** The types of the compact form as those of the binary one. 1 and 2: `true` and `false`, of a field both the type and the value. */
const { stop, bool, byte, i16, i32, i64, double, string, list, set, map, struct } = TYPES
const OF_COMPACT: readonly number[] = [stop, bool, bool, byte, i16, i32, i64, double, string, list, set, map, struct]
const TRUE = 1
/** A type that there is not, for the error that names it. */
const UNKNOWN = 100

/** Whole numbers are varints in zigzag, and a field says how much its number is above the last one's. */
export class CompactReader extends ThriftReader {
  /** The value of the field that is read next, where its head has it. */
  #flag: boolean | undefined

  call(): ThriftCall {
    const protocol = this.byte()
    if (protocol !== PROTOCOL) throw new RangeError(`a call of the unknown protocol ${protocol.toString(16)}`)
    const versionAndType = this.byte()
    const version = versionAndType & 0x1f
    if (version !== VERSION) throw new RangeError(`a call of the unknown version ${version}`)
    this.size()
    return { name: this.chars(), type: versionAndType >> 5 }
  }

  protected head(last: number): number {
    const first = this.byte()
    const type = first & 0xf
    if (type === stop) return stop
    const above = first >> 4
    this.field = above === 0 ? this.integer() : last + above
    const known = typeOf(type)
    this.#flag = known === bool ? type === TRUE : undefined
    return known
  }

  protected listHead(): number {
    const first = this.byte()
    const count = first >> 4
    this.count = count === 15 ? this.size() : count
    return typeOf(first & 0xf)
  }

  protected mapHead(): readonly [number, number] {
    this.count = this.size()
    const types = this.count === 0 ? 0 : this.byte()
    return [typeOf(types >> 4), typeOf(types & 0xf)]
  }

  protected integer(): number {
    const value = this.size()
    return (value >>> 1) ^ -(value & 1)
  }

  protected long(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const next = this.byte()
      value |= BigInt(next & 0x7f) << shift
      if (next < 0x80) return BigInt.asIntN(64, (BigInt.asUintN(64, value) >> 1n) ^ -(value & 1n))
    }
    throw tooLong()
  }

  protected float(): number {
    return this.view.getFloat64(this.advance(8), true)
  }

  protected flag(): boolean {
    const known = this.#flag
    this.#flag = undefined
    return known ?? this.byte() === TRUE
  }

  protected size(): number {
    let value = 0
    for (let step = 1; step < 2 ** 35; step *= 128) {
      const next = this.byte()
      value += (next & 0x7f) * step
      if (next < 0x80) return value
    }
    throw tooLong()
  }
}

function tooLong(): RangeError {
  return new RangeError('a number is too long')
}

function typeOf(compact: number): number {
  return OF_COMPACT[compact] ?? UNKNOWN + compact
}
