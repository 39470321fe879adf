/** Reading a message of protobuf field by field, of formats that are translated. Source: protobuf.dev, encoding. */
import { CollectorError } from '../component/index.ts'

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

/**
 * The fields of a message, one after another: `next()` goes to the next one, whose number is `number`, and which one of the others reads. All throw
 * CollectorError `invalid_data` for what is no such message.
 */
export class ProtoFields {
  number = 0
  readonly #bytes: Uint8Array
  readonly #name: string
  #view: DataView | undefined
  #type = VARINT
  /** Where the field's value begins, and where the next field does. */
  #from = 0
  #at = 0

  /** `name`: of the message that all of it is, for errors. */
  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes
    this.#name = name
  }

  /** False at the end. */
  next(): boolean {
    if (this.#at >= this.#bytes.length) return false
    const tag = this.#small()
    this.number = tag >>> 3
    this.#type = tag & 7
    this.#from = this.#at
    if (this.#type === VARINT) {
      while (this.#byte() >= 0x80) if (this.#at - this.#from >= 10) throw this.#malformed('a number is too long')
    } else if (this.#type === FIXED64) this.#at += 8
    else if (this.#type === FIXED32) this.#at += 4
    else if (this.#type === LENGTH) {
      const length = this.#small()
      this.#from = this.#at
      this.#at += length
    } else throw this.#malformed(`a field of wire type ${this.#type}`)
    if (this.#at > this.#bytes.length) throw this.#malformed('it ends in the middle')
    return true
  }

  bytes(): Uint8Array {
    this.#expect(LENGTH)
    return this.#bytes.subarray(this.#from, this.#at)
  }

  text(): string {
    const { buffer, byteOffset, length } = this.bytes()
    return Buffer.from(buffer, byteOffset, length).toString('utf8')
  }

  /** The fields of the message that it is. */
  message(): ProtoFields {
    return new ProtoFields(this.bytes(), this.#name)
  }

  /** Of 64 bits, without sign. */
  uint(): bigint {
    if (this.#type === FIXED64) return this.#dataView.getBigUint64(this.#from, true)
    if (this.#type === FIXED32) return BigInt(this.#dataView.getUint32(this.#from, true))
    this.#expect(VARINT)
    let value = 0n
    for (let at = this.#at - 1; at >= this.#from; at--) value = (value << 7n) | BigInt(this.#bytes[at]! & 0x7f)
    return BigInt.asUintN(64, value)
  }

  int(): bigint {
    return BigInt.asIntN(64, this.uint())
  }

  double(): number {
    this.#expect(FIXED64)
    return this.#dataView.getFloat64(this.#from, true)
  }

  bool(): boolean {
    return this.uint() !== 0n
  }

  get #dataView(): DataView {
    return (this.#view ??= new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length))
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw this.#malformed('it ends in the middle')
    return byte
  }

  /** A tag or a length. */
  #small(): number {
    let value = 0
    for (let step = 1; step < 2 ** 35; step *= 128) {
      const byte = this.#byte()
      value += (byte & 0x7f) * step
      if (byte < 0x80) return value
    }
    throw this.#malformed('a number is too long')
  }

  #expect(type: number): void {
    if (this.#type !== type)
      throw this.#malformed(`field ${this.number} has wire type ${this.#type}, and should have ${type}`)
  }

  #malformed(what: string): CollectorError {
    return new CollectorError('invalid_data', `not a ${this.#name}: ${what}`)
  }
}
