/** Values of single fields, by the schema: from bytes, and to them. */
import { decodeAnyValue, decodeKeyValue } from './decode.ts'
import { writeAnyValue, writeKeyValue } from './encode.ts'
import { hexToBytes, idToHex } from './ids.ts'
import type { AnyValue, KeyValue } from './model.ts'
import type { Field } from './schema.ts'
import { utf8 } from './text.ts'
import { checkId, LENGTH, readFixed32, readFixed64, readFloat64, readUint32, readUint64 } from './wire.ts'
import {
  closeMessage,
  mark,
  writeBytes,
  writeDouble,
  writeFixed32,
  writeFixed64,
  writeString,
  writeVarint,
  writeVarint64,
  type Writer,
} from './writer.ts'

/**
 * What a field is to callers: ids are hex, 64-bit integers bigint, 32-bit integers and enums numbers. A message other
 * than `KeyValue` and `AnyValue` is its bytes.
 */
export type FieldValue = string | number | bigint | boolean | Uint8Array | AnyValue | KeyValue

/** The value in `[start, end)`: of a length-delimited field the content, of others the number. */
export function readField(bytes: Uint8Array, start: number, end: number, field: Field): FieldValue {
  switch (field.type) {
    case 'string':
      return utf8(bytes, start, end)
    case 'id16':
    case 'id8':
      checkId(start, end, field.type === 'id16' ? 16 : 8)
      return idToHex(bytes, start, end)
    case 'message':
      if (field.message?.name === 'AnyValue') return decodeAnyValue(bytes, start, end)
      if (field.message?.name === 'KeyValue') return decodeKeyValue(bytes, start, end)
      return bytes.slice(start, end)
    case 'bytes':
      return bytes.slice(start, end)
    case 'bool':
      return readUint64(bytes, start, end) !== 0n
    case 'uint32':
      return readUint32(bytes, start, end)
    case 'int32':
    case 'enum':
      return readUint32(bytes, start, end) | 0
    case 'sint32': {
      const value = readUint32(bytes, start, end)
      return (value >>> 1) ^ -(value & 1)
    }
    case 'int64':
      return BigInt.asIntN(64, readUint64(bytes, start, end))
    case 'uint64':
      return readUint64(bytes, start, end)
    case 'fixed32':
      return readFixed32(bytes, start, end)
    case 'fixed64':
      return readFixed64(bytes, start, end)
    case 'sfixed64':
      return BigInt.asIntN(64, readFixed64(bytes, start, end))
    default:
      return readFloat64(bytes, start, end)
  }
}

/** What an absent field means. */
export function zeroOf(field: Field): FieldValue {
  switch (field.type) {
    case 'string':
    case 'id16':
    case 'id8':
      return ''
    case 'bool':
      return false
    case 'int64':
    case 'uint64':
    case 'fixed64':
    case 'sfixed64':
      return 0n
    case 'message':
    case 'bytes':
      return field.message?.name === 'AnyValue' ? { type: 'empty' } : new Uint8Array(0)
    default:
      return 0
  }
}

/** Writes the field with its tag. Throws `RangeError` for an id that is not hex of its length or `''`. */
export function writeField(writer: Writer, field: Field, value: FieldValue): void {
  const tag = (field.number << 3) | field.wireType
  if (value instanceof Uint8Array) writeBytes(writer, tag, value)
  else if (typeof value === 'object') {
    const from = mark(writer)
    if ('key' in value) writeKeyValue(writer, value)
    else writeAnyValue(writer, value)
    closeMessage(writer, tag, from)
  } else if (field.type === 'string') writeString(writer, tag, value as string)
  else if (field.wireType === LENGTH) writeBytes(writer, tag, idOf(value as string, field))
  else {
    writeNumber(writer, field, value)
    writeVarint(writer, tag)
  }
}

function idOf(hex: string, field: Field): Uint8Array {
  const width = field.type === 'id16' ? 16 : 8
  if (hex.length !== 0 && hex.length !== 2 * width) {
    throw new RangeError(`id "${hex}" has ${hex.length} hex digits, must have ${2 * width}`)
  }
  return hexToBytes(hex)
}

/** Writes a number without its tag. */
export function writeNumber(writer: Writer, field: Field, value: FieldValue): void {
  switch (field.type) {
    case 'double':
      return writeDouble(writer, value as number)
    case 'fixed32':
      return writeFixed32(writer, value as number)
    case 'fixed64':
    case 'sfixed64':
      return writeFixed64(writer, value as bigint)
    case 'sint32': {
      const number = value as number
      return writeVarint(writer, ((number << 1) ^ (number >> 31)) >>> 0)
    }
    case 'uint32':
      return writeVarint(writer, (value as number) >>> 0)
    case 'bool':
      return writeVarint(writer, value === true ? 1 : 0)
    default:
      return writeVarint64(writer, BigInt(value as number | bigint))
  }
}
