/**
 * OTLP/JSON to protobuf bytes, by the schema, for all three signals.
 *
 * Read as the specification says and as leniently as the Collector does: ids as hex of either case, 64-bit integers as
 * string or number, enums as number or name, doubles as number or string (`"NaN"`, `"Infinity"`), bytes as base64,
 * keys in lowerCamelCase or snake_case; null is an absent field and unknown fields are ignored. A value of the wrong
 * type throws {@link OtlpError} `json`, an id of the wrong length `id_length`, each with the path of the field.
 *
 * Integers beyond 2^53 that come as JSON numbers are exact.
 * Source: opentelemetry-proto `docs/specification.md`, "JSON Protobuf Encoding".
 */
import { base64ToBytes } from './base64.ts'
import { MAX_DEPTH, OtlpError } from './error.ts'
import { hexToBytes } from './ids.ts'
import { LargeJson, readLargeJson } from './large-json.ts'
import { type Field, type MessageType, REQUESTS } from './schema.ts'
import { LENGTH } from './wire.ts'
import {
  closeMessage,
  createWriter,
  finish,
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

/** Hears of an id of a span that is none, its own, its parent's or a link's; the span is written so that `inspectItems` finds it invalid. */
export type InvalidIdListener = (problem: OtlpError) => void

/**
 * An `ExportTraceServiceRequest` as protobuf bytes, from its JSON. `onInvalidId`: called, in no order, where an id of a span is not
 * what it should be, which is an error without it.
 */
export function tracesFromJson(text: string | Uint8Array, onInvalidId?: InvalidIdListener): Uint8Array {
  return fromJson(text, REQUESTS.traces, onInvalidId)
}

/** An `ExportMetricsServiceRequest` as protobuf bytes, from its JSON. */
export function metricsFromJson(text: string | Uint8Array): Uint8Array {
  return fromJson(text, REQUESTS.metrics)
}

/** An `ExportLogsServiceRequest` as protobuf bytes, from its JSON. */
export function logsFromJson(text: string | Uint8Array): Uint8Array {
  return fromJson(text, REQUESTS.logs)
}

function fromJson(text: string | Uint8Array, type: MessageType, onInvalidId?: InvalidIdListener): Uint8Array {
  const writer = createWriter(text.length + 64)
  invalidIdListener = onInvalidId
  try {
    writeMessage(writer, parseWhole(text), type, [], 0)
  } catch (error) {
    throw error instanceof SyntaxError ? new OtlpError('json', `not JSON: ${error.message}`) : error
  } finally {
    invalidIdListener = undefined
  }
  return finish(writer)
}

/** Bytes from which on a text is read a piece at a time. It costs a twentieth more, and its values are never in memory together. */
const LARGE_BYTES = 256 * 1024

function parseWhole(text: string | Uint8Array): unknown {
  if (typeof text === 'string') return parse(text)
  return text.length < LARGE_BYTES ? parse(new TextDecoder().decode(text)) : readLargeJson(text, parse)
}

let invalidIdListener: InvalidIdListener | undefined

/** Whether a field at this place is a span's own trace or span id. */
function isOwnId(path: Path): boolean {
  return path.at(-3) === 'spans' && /^(trace|span)_?id$/i.test(String(path.at(-1)))
}

/** Whether it is an id that a span has of another: of its parent, or in a link. */
function isReference(path: Path): boolean {
  return path.at(-3) === 'links' || (path.at(-3) === 'spans' && /^parent_?span_?id$/i.test(String(path.at(-1))))
}

/** In place of an id that is none, so that its span is known to be invalid: no id is as short. */
const NO_ID = new Uint8Array(1)

/** An integer outside of quotes that may need more than 53 bits: only then is the text looked through. */
const LONG_INTEGER = /[[:,]\s*-?\d{16}/

function parse(text: string): unknown {
  return JSON.parse(LONG_INTEGER.test(text) ? quoteLongIntegers(text) : text)
}

/**
 * The text with its long integers as strings, as which they are exact. Strings are stepped over. (A reviver that gets
 * the source text of numbers does the same, for ten times the time and memory.)
 */
function quoteLongIntegers(text: string): string {
  const stringOrInteger = /"|(?<![\d.eE+-])-?[1-9]\d{15,}(?![\d.eE]|\s*:)/g
  const parts: string[] = []
  let from = 0
  for (let found = stringOrInteger.exec(text); found; found = stringOrInteger.exec(text)) {
    if (found[0] === '"') {
      const end = stringEnd(text, found.index + 1)
      if (end < 0) break
      stringOrInteger.lastIndex = end
    } else {
      parts.push(text.slice(from, found.index), '"', found[0], '"')
      from = stringOrInteger.lastIndex
    }
  }
  parts.push(text.slice(from))
  return parts.join('')
}

/** The position after the quote that ends the string whose content begins at `p`; -1 where none does. */
function stringEnd(text: string, p: number): number {
  for (;;) {
    const quote = text.indexOf('"', p)
    if (quote < 0) return -1
    let backslashes = 0
    while (quote - 1 - backslashes >= p && text[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote + 1
    p = quote + 1
  }
}

/** Where a value is: field names and indexes. */
type Path = (string | number)[]

function fail(path: Path, expected: string, value: unknown): OtlpError {
  const where = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')
  return new OtlpError('json', `${where || 'request'}: expected ${expected}, got ${describe(value)}`, { path: where })
}

function describe(value: unknown): string {
  if (value instanceof LargeJson) return value.isArray ? 'an array' : 'an object'
  switch (typeof value) {
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object'
    case 'string':
      return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}…` : JSON.stringify(value)
    case 'number':
    case 'boolean':
      return `${value}`
    default:
      return 'nothing'
  }
}

/** Fields are written from the last to the first, see {@link Writer}. */
function writeMessage(writer: Writer, value: unknown, type: MessageType, path: Path, depth: number): void {
  if (!isObject(value)) throw fail(path, 'an object', value)
  if (type.name === 'AnyValue' && ++depth > MAX_DEPTH) {
    throw new OtlpError('too_deep', `AnyValue nested deeper than ${MAX_DEPTH}`)
  }
  const object = value instanceof LargeJson ? value.members(keysOf(type)) : value
  for (let i = type.fields.length - 1; i >= 0; i--) {
    const field = type.fields[i]!
    const name = object[field.name] === undefined ? field.snakeName : field.name
    const content = object[name]
    if (content === undefined || content === null) continue
    path.push(name)
    if (field.repeated) writeRepeated(writer, content, field, path, depth)
    else writeSingle(writer, content, field, path, depth, field.presence)
    path.pop()
  }
}

function isObject(value: unknown): value is LargeJson | Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof LargeJson ? !value.isArray : !Array.isArray(value)
}

const keysByType = new Map<MessageType, ReadonlySet<string>>()

/** The names of its fields, in both forms. */
function keysOf(type: MessageType): ReadonlySet<string> {
  let keys = keysByType.get(type)
  if (!keys) {
    keys = new Set(type.fields.flatMap(({ name, snakeName }) => [name, snakeName]))
    keysByType.set(type, keys)
  }
  return keys
}

function writeRepeated(writer: Writer, value: unknown, field: Field, path: Path, depth: number): void {
  const large = value instanceof LargeJson && value.isArray ? value : undefined
  if (!large && !Array.isArray(value)) throw fail(path, 'an array', value)
  const count = large ? large.count : (value as unknown[]).length
  const fromEnd = large?.elementsFromEnd()
  const from = mark(writer)
  for (let i = count - 1; i >= 0; i--) {
    const element: unknown = fromEnd ? fromEnd.next().value : (value as unknown[])[i]
    path.push(i)
    if (field.wireType === LENGTH) writeSingle(writer, element, field, path, depth, true)
    else writeScalar(writer, element, field, path, true)
    path.pop()
  }
  if (field.wireType !== LENGTH && count > 0) closeMessage(writer, (field.number << 3) | LENGTH, from)
}

/** Writes a value with its tag; `always` even when it is zero or empty. */
function writeSingle(writer: Writer, value: unknown, field: Field, path: Path, depth: number, always: boolean): void {
  const tag = (field.number << 3) | field.wireType
  if (field.message) {
    const from = mark(writer)
    writeMessage(writer, value, field.message, path, depth)
    closeMessage(writer, tag, from)
  } else if (field.type === 'string') {
    if (typeof value !== 'string') throw fail(path, 'a string', value)
    if (always || value !== '') writeString(writer, tag, value)
  } else if (field.wireType === LENGTH) {
    const bytes = field.type === 'bytes' ? readBase64(value, path) : idOf(value, field.type === 'id16' ? 16 : 8, path)
    if (always || bytes.length > 0) writeBytes(writer, tag, bytes)
  } else if (writeScalar(writer, value, field, path, always)) writeVarint(writer, tag)
}

/** Writes a scalar without its tag and says whether it did: a zero is left out unless `always`. */
function writeScalar(writer: Writer, value: unknown, field: Field, path: Path, always: boolean): boolean {
  switch (field.type) {
    case 'bool':
      if (typeof value !== 'boolean') throw fail(path, 'true or false', value)
      if (always || value) writeVarint(writer, value ? 1 : 0)
      return always || value
    case 'double': {
      const number = readDouble(value, path)
      if (!always && Object.is(number, 0)) return false
      writeDouble(writer, number)
      return true
    }
    default: {
      const integer = readInteger(value, field, path)
      if (!always && integer === 0n) return false
      writeInteger(writer, integer, field)
      return true
    }
  }
}

function writeInteger(writer: Writer, value: bigint, field: Field): void {
  switch (field.type) {
    case 'fixed32':
      return writeFixed32(writer, Number(value))
    case 'fixed64':
    case 'sfixed64':
      return writeFixed64(writer, value)
    case 'sint32':
      return writeVarint64(writer, value < 0n ? -2n * value - 1n : 2n * value)
    default:
      return writeVarint64(writer, value)
  }
}

const INT32 = [-(2n ** 31n), 2n ** 31n - 1n] as const
const UINT32 = [0n, 2n ** 32n - 1n] as const
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const
const UINT64 = [0n, 2n ** 64n - 1n] as const

const RANGES: Partial<Record<Field['type'], readonly [bigint, bigint]>> = {
  enum: INT32,
  sint32: INT32,
  uint32: UINT32,
  fixed32: UINT32,
  int64: INT64,
  sfixed64: INT64,
  uint64: UINT64,
  fixed64: UINT64,
}

function readInteger(value: unknown, field: Field, path: Path): bigint {
  const [least, most] = RANGES[field.type]!
  const integer = toInteger(value, field)
  if (integer === undefined || integer < least || integer > most) {
    const names = field.values ? ` or one of ${[...field.values.keys()].join(', ')}` : ''
    throw fail(path, `an integer from ${least} to ${most}${names}`, value)
  }
  return integer
}

function toInteger(value: unknown, field: Field): bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  if (typeof value !== 'string') return undefined
  const named = field.values?.get(value)
  if (named !== undefined) return BigInt(named)
  // No 64-bit integer has more than 20 digits; longer text would only cost time.
  return /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined
}

const NUMBER = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

function readDouble(value: unknown, path: Path): number {
  if (typeof value === 'number') return value
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Infinity
  if (value === '-Infinity') return -Infinity
  if (typeof value === 'string' && NUMBER.test(value)) return Number(value)
  throw fail(path, 'a number', value)
}

function readBase64(value: unknown, path: Path): Uint8Array {
  const bytes = typeof value === 'string' ? base64ToBytes(value) : undefined
  if (!bytes) throw fail(path, 'base64', value)
  return bytes
}

function idOf(value: unknown, width: number, path: Path): Uint8Array {
  try {
    return readId(value, width, path)
  } catch (error) {
    const isOwn = isOwnId(path)
    if (!invalidIdListener || !(isOwn || isReference(path))) throw error
    invalidIdListener(error as OtlpError)
    return isOwn ? new Uint8Array(0) : NO_ID
  }
}

function readId(value: unknown, width: number, path: Path): Uint8Array {
  if (typeof value !== 'string' || !/^[0-9a-fA-F]*$/.test(value)) throw fail(path, `${2 * width} hex digits`, value)
  if (value.length !== 0 && value.length !== 2 * width) {
    const { message, path: where } = fail(path, `${2 * width} hex digits`, value)
    throw new OtlpError('id_length', message, { path: where })
  }
  return hexToBytes(value)
}
