import type { ProtoField, ProtoMessage, ProtoSource } from '@spoor/otlp'

/** Fields by name. Absent: the type's zero, which is not written. Of integers of 64 bits, bigint. */
export interface ProtoRecord {
  readonly [field: string]: ProtoValue
}
export type ProtoValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | ProtoRecord
  | readonly ProtoValue[]
  | undefined

/** Messages as bytes and back, by their definition. For what is small: it makes objects. */
export interface Codec {
  /** @param type the message's full name */
  encode(type: string, value: ProtoRecord): Buffer
  /** What is repeated is always a list. Unknown fields are left out. @throws Error where the bytes are no such message */
  decode(type: string, bytes: Uint8Array): ProtoRecord
}

/** Wire types. */
const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

export function createCodec(sources: readonly ProtoSource[]): Codec {
  const types = new Map<string, ReadonlyMap<number, ProtoField>>()
  const learn = (message: ProtoMessage, outer: string): void => {
    const name = `${outer}.${message.name}`
    types.set(name, new Map(message.fields.map((field) => [field.number, field])))
    for (const nested of message.nested ?? []) learn(nested, name)
  }
  for (const source of sources) for (const message of source.messages) learn(message, source.package)
  const fieldsOf = (type: string): ReadonlyMap<number, ProtoField> => {
    const fields = types.get(type)
    if (!fields) throw new Error(`there is no message ${type}`)
    return fields
  }

  function encode(type: string, value: ProtoRecord): Buffer {
    const parts: Uint8Array[] = []
    for (const field of fieldsOf(type).values()) {
      const given = value[field.name]
      const values = (field.repeated ? (given ?? []) : isZero(given) ? [] : [given]) as readonly ProtoValue[]
      for (const one of values) parts.push(...encodeField(field, one))
    }
    return Buffer.concat(parts)
  }

  function encodeField({ number, type, typeName }: ProtoField, value: ProtoValue): Uint8Array[] {
    const key = (wire: number): Uint8Array => varint(BigInt(number * 8 + wire))
    const framed = (bytes: Uint8Array): Uint8Array[] => [key(LENGTH), varint(BigInt(bytes.length)), bytes]
    switch (type) {
      case 'string':
        return framed(Buffer.from(value as string))
      case 'bytes':
        return framed(value as Uint8Array)
      case 'message':
        return framed(encode(typeName!, value as ProtoRecord))
      case 'double': {
        const bytes = Buffer.alloc(8)
        bytes.writeDoubleLE(value as number)
        return [key(FIXED64), bytes]
      }
      case 'fixed64': {
        const bytes = Buffer.alloc(8)
        bytes.writeBigUInt64LE(value as bigint)
        return [key(FIXED64), bytes]
      }
      default:
        return [key(VARINT), varint(BigInt.asUintN(64, BigInt(value as bigint | number | boolean)))]
    }
  }

  function decode(type: string, bytes: Uint8Array): ProtoRecord {
    const fields = fieldsOf(type)
    const record: Record<string, ProtoValue> = {}
    for (const field of fields.values()) if (field.repeated) record[field.name] = []
    const reader = new Reader(bytes)
    while (!reader.isAtEnd) {
      const tag = Number(reader.varint())
      const field = fields.get(tag >>> 3)
      const value = reader.value(tag & 7)
      if (!field || (tag & 7) !== wireOf(field)) continue
      const read = decodeField(field, value)
      if (field.repeated) (record[field.name] as ProtoValue[]).push(read)
      else record[field.name] = read
    }
    return record
  }

  function decodeField({ type, typeName }: ProtoField, value: bigint | Buffer): ProtoValue {
    switch (type) {
      case 'string':
        return (value as Buffer).toString()
      case 'message':
        return decode(typeName!, value as Buffer)
      case 'double':
        return (value as Buffer).readDoubleLE()
      case 'fixed64':
        return (value as Buffer).readBigUInt64LE()
      case 'bool':
        return value !== 0n
      case 'bytes':
      case 'uint64':
        return value
      case 'int64':
        return BigInt.asIntN(64, value as bigint)
      default:
        return Number(BigInt.asIntN(32, value as bigint))
    }
  }

  return { encode, decode }
}

function isZero(value: ProtoValue): boolean {
  const isEmpty = value instanceof Uint8Array && value.length === 0
  return value === undefined || value === '' || value === 0 || value === 0n || value === false || isEmpty
}

function wireOf({ type }: ProtoField): number {
  if (type === 'string' || type === 'bytes' || type === 'message') return LENGTH
  return type === 'double' || type === 'fixed64' ? FIXED64 : VARINT
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  return Uint8Array.from([...bytes, Number(left)])
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new Error('it ends in the middle of a number')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new Error('a number is longer than 10 bytes')
  }

  value(wire: number): bigint | Buffer {
    if (wire === VARINT) return this.varint()
    if (wire === LENGTH) return this.#take(Number(this.varint()))
    if (wire === FIXED64) return this.#take(8)
    if (wire === FIXED32) return this.#take(4)
    throw new Error(`a field has the wire type ${wire}`)
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new Error('it ends in the middle of a field')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}
