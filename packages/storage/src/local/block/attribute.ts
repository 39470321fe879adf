import { decodeKeyValue, valueToJsonText, type AnyValue, type KeyValue } from '@spoor/otlp'
import { hashArray, hashBytes, pairHash, type HashSet } from './hash.ts'

/** What a filter compares: an attribute or field as text or number. */
export type Value = string | number | bigint

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/**
 * Adds the hashes by which a serialized `KeyValue` is found again to `hashes`: that of its key and, for a scalar value, that of
 * key and value. `view` is a view of `bytes`. The value is hashed as its canonical protobuf bytes, which is how nearly every sender writes it; others are
 * written anew first, so that one value has one hash.
 */
export function hashAttribute(bytes: Uint8Array, view: DataView, start: number, end: number, hashes: HashSet): void {
  const keyEnd = start + 2 + bytes[start + 1]!
  const valueStart = keyEnd + 2
  const valueLength = end - valueStart
  // Key, then text of less than 126 bytes, in as few steps as can be: most attributes are that.
  if (
    bytes[start] === 0x0a &&
    bytes[keyEnd] === 0x12 &&
    bytes[keyEnd + 1] === valueLength &&
    bytes[valueStart] === 0x0a &&
    bytes[valueStart + 1] === valueLength - 2 &&
    valueLength < 128
  ) {
    const keyHash = hashBytes(view, start + 2, keyEnd)
    hashes.addKey(keyHash, bytes, start + 2, keyEnd)
    hashes.add(pairHash(keyHash, hashBytes(view, valueStart, end)))
  } else hashOtherAttribute(bytes, view, start, end, hashes)
}

function hashOtherAttribute(bytes: Uint8Array, view: DataView, start: number, end: number, hashes: HashSet): void {
  const keyStart = start + 2
  const keyEnd = keyStart + bytes[start + 1]!
  if (bytes[start] === 0x0a && bytes[start + 1]! < 128 && keyEnd + 1 < end && bytes[keyEnd] === 0x12) {
    const valueStart = lengthRunsTo(bytes, keyEnd + 1, end)
    const form = valueStart === 0 ? ODD : scalarForm(bytes, valueStart, end)
    if (form !== ODD) {
      const keyHash = hashBytes(view, keyStart, keyEnd)
      hashes.addKey(keyHash, bytes, keyStart, keyEnd)
      if (form === SCALAR) hashes.add(pairHash(keyHash, hashBytes(view, valueStart, end)))
      return
    }
  }
  hashOddAttribute(bytes, start, end, hashes)
}

function hashOddAttribute(bytes: Uint8Array, start: number, end: number, hashes: HashSet): void {
  const attribute = readAttribute(bytes, start, end)
  if (!attribute) return
  const key = encoder.encode(attribute.key)
  const keyHash = hashArray(key)
  hashes.addKey(keyHash, key, 0, key.length)
  const value = encodeScalar(attribute.value)
  if (value) hashes.add(pairHash(keyHash, hashArray(value)))
}

/** The attribute, or undefined when its value is malformed. */
export function readAttribute(bytes: Uint8Array, start: number, end: number): KeyValue | undefined {
  try {
    return decodeKeyValue(bytes, start, end)
  } catch {
    return undefined
  }
}

export function hashText(text: string): number {
  return hashArray(encoder.encode(text))
}

const ODD = 0
const SCALAR = 1
const NOT_SCALAR = 2

/** The first byte after the length at `p` when the payload ends exactly at `end`; else 0. */
function lengthRunsTo(bytes: Uint8Array, p: number, end: number): number {
  const first = bytes[p]!
  if (first < 128) return p + 1 + first === end ? p + 1 : 0
  let length = 0
  for (let shift = 0; shift < 28 && p < end; shift += 7) {
    const byte = bytes[p++]!
    length |= (byte & 127) << shift
    if (byte < 128) return p + length === end ? p : 0
  }
  return 0
}

function scalarForm(bytes: Uint8Array, start: number, end: number): number {
  switch (bytes[start]) {
    case 0x0a:
    case 0x3a: {
      const payload = lengthRunsTo(bytes, start + 1, end)
      return payload > 0 && (payload === start + 2 || bytes[payload - 1] !== 0) ? SCALAR : ODD
    }
    case 0x10:
      return end - start === 2 && bytes[start + 1]! < 2 ? SCALAR : ODD
    case 0x18: {
      const last = end - 1
      for (let p = start + 1; p < last; p++) if (bytes[p]! < 128) return ODD
      if (last === start + 1) return bytes[last]! < 128 ? SCALAR : ODD
      return bytes[last]! < 128 &&
        bytes[last] !== 0 &&
        (last < start + 10 || (last === start + 10 && bytes[last] === 1))
        ? SCALAR
        : ODD
    }
    case 0x21:
      return end - start === 9 ? SCALAR : ODD
    case 0x2a:
    case 0x32:
      return NOT_SCALAR
    default:
      return start === end ? NOT_SCALAR : ODD
  }
}

/** The `AnyValue` message of a scalar in its canonical form; undefined for arrays, maps and nothing. */
function encodeScalar(value: AnyValue): Uint8Array | undefined {
  switch (value.type) {
    case 'string':
      return prefixed(0x0a, encoder.encode(value.value))
    case 'bytes':
      return prefixed(0x3a, value.value)
    case 'bool':
      return Uint8Array.of(0x10, value.value ? 1 : 0)
    case 'int':
      return Uint8Array.of(0x18, ...varint(BigInt.asUintN(64, value.value)))
    case 'double': {
      const bytes = new Uint8Array(9)
      bytes[0] = 0x21
      new DataView(bytes.buffer).setFloat64(1, value.value, true)
      return bytes
    }
    default:
      return undefined
  }
}

function prefixed(tag: number, payload: Uint8Array): Uint8Array {
  const length = varint(BigInt(payload.length))
  const bytes = new Uint8Array(1 + length.length + payload.length)
  bytes[0] = tag
  bytes.set(length, 1)
  bytes.set(payload, 1 + length.length)
  return bytes
}

function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return bytes
}

/**
 * The hashes of `key` with everything that equals `wanted` (see {@link compare}): `200` may be an int, a double or text. Undefined when
 * they cannot be listed, as for the text form of an array; then only the key can be looked for.
 */
export function pairHashes(key: string, wanted: Value | boolean): number[] | undefined {
  const values =
    typeof wanted === 'string' || typeof wanted === 'boolean' ? equalToText(String(wanted)) : equalToNumber(wanted)
  const keyHash = hashText(key)
  return values?.map((value) => pairHash(keyHash, hashArray(encodeScalar(value)!)))
}

function equalToText(text: string): AnyValue[] | undefined {
  if (text === '' || text === 'NaN' || /^[[{]|\ufffd/.test(text) || !text.isWellFormed()) return undefined
  const values: AnyValue[] = [{ type: 'string', value: text }]
  if (text === 'true' || text === 'false') values.push({ type: 'bool', value: text === 'true' })
  const exact = numberOf(text)
  if (typeof exact === 'bigint') values.push(...intForm(exact))
  const double = Number(text)
  if (String(double) === text) values.push(...doubleForms(double))
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) values.push({ type: 'bytes', value: bytes })
  return values
}

function equalToNumber(wanted: number | bigint): AnyValue[] {
  const texts = new Set([String(wanted)])
  const values: AnyValue[] = []
  if (typeof wanted === 'bigint' || Number.isInteger(wanted)) {
    values.push(...intForm(BigInt(wanted)))
    texts.add(BigInt(wanted).toString())
  }
  const double = Number(wanted)
  // oxlint-disable-next-line eqeqeq -- a bigint and a number are compared by value
  if (wanted == double) {
    values.push(...doubleForms(double))
    texts.add(String(double))
  }
  return [...values, ...[...texts].map((value) => ({ type: 'string', value }) as const)]
}

function intForm(value: bigint): AnyValue[] {
  return BigInt.asIntN(64, value) === value ? [{ type: 'int', value }] : []
}

function doubleForms(value: number): AnyValue[] {
  return (value === 0 ? [0, -0] : [value]).map((value) => ({ type: 'double', value }))
}

/** The value of an attribute as a filter sees it. */
export function valueOf(value: AnyValue): Value {
  return value.type === 'int' || value.type === 'double' || value.type === 'string' ? value.value : textOf(value)
}

/**
 * An attribute's text form: text as it is, numbers and booleans as JavaScript writes them, bytes in base64, arrays and maps as
 * JSON, nothing as ''.
 */
export function textOf(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return value.value
    case 'bytes':
      return Buffer.from(value.value).toString('base64')
    case 'array':
    case 'map':
      return valueToJsonText(value)
    case 'empty':
      return ''
    default:
      return String(value.value)
  }
}

/** The number that a text is, when it is one in the form in which JavaScript writes it: `200`, `0.5`, `1e+21`; not `200.0`. */
export function numberOf(text: string): number | bigint | undefined {
  if (text.length > 400) return undefined
  if (/^-?\d+$/.test(text)) {
    const exact = BigInt(text)
    return exact.toString() === text ? exact : undefined
  }
  const number = Number(text)
  return String(number) === text && !Number.isNaN(number) ? number : undefined
}

export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end))
}
