/**
 * Protobuf bytes to OTLP/JSON, by the schema, for all three signals: lowerCamelCase keys, 64-bit integers as strings,
 * enums as numbers, ids as lower-case hex, bytes as base64, doubles that JSON has no number for as `"NaN"`,
 * `"Infinity"`, `"-Infinity"` and `"-0"`. Fields are in the order of the bytes; absent ones are left out, and so are
 * ids that are all zero.
 * Source: opentelemetry-proto `docs/specification.md`, "JSON Protobuf Encoding".
 */
import { bytesToBase64 } from './base64.ts'
import type { Signal } from './batch.ts'
import { encodeTraces } from './encode.ts'
import { MAX_DEPTH, OtlpError } from './error.ts'
import { idToHex } from './ids.ts'
import type { TracesData } from './model.ts'
import { type Field, type MessageType, REQUESTS } from './schema.ts'
import { utf8 } from './text.ts'
import {
  checkId,
  lengthEnd,
  LENGTH,
  next,
  readFixed32,
  readFixed64,
  readFloat64,
  readTag,
  readUint32,
  readUint64,
  skipField,
} from './wire.ts'

type Json = Record<string, unknown>

/** An `ExportTraceServiceRequest` as JSON text. Throws {@link OtlpError}. */
export function tracesToJson(bytes: Uint8Array): string {
  return JSON.stringify(requestToJson('traces', bytes))
}

/** The object whose `JSON.stringify` is {@link tracesToJson} of these spans. */
export function tracesDataToJson(data: TracesData): object {
  return requestToJson('traces', encodeTraces(data))
}

/** A request of any signal as the object whose `JSON.stringify` is its OTLP/JSON. Throws {@link OtlpError}. */
export function requestToJson(signal: Signal, bytes: Uint8Array): object {
  const request: Json = {}
  mergeMessage(bytes, 0, bytes.length, REQUESTS[signal], request, 0)
  return request
}

function mergeMessage(bytes: Uint8Array, p: number, end: number, type: MessageType, object: Json, depth: number): void {
  if (type.name === 'AnyValue' && ++depth > MAX_DEPTH) {
    throw new OtlpError('too_deep', `byte ${p}: AnyValue nested deeper than ${MAX_DEPTH}`, { offset: p })
  }
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    const field = type.byNumber[tag >>> 3]
    const wireType = tag & 7
    if (!field || (wireType !== field.wireType && !(field.repeated && wireType === LENGTH))) {
      p = skipField(bytes, p, end, tag, type.known)
      continue
    }
    if (field.oneof) clearOneof(type, object, field)
    if (wireType !== LENGTH) {
      add(object, field, readScalar(bytes, p, end, field))
      p = next
      continue
    }
    const stop = lengthEnd(bytes, p, end)
    p = next
    if (field.message) mergeMessage(bytes, p, stop, field.message, childOf(object, field), depth)
    else if (field.wireType === LENGTH) addText(bytes, p, stop, field, object)
    else {
      while (p < stop) {
        add(object, field, readScalar(bytes, p, stop, field))
        p = next
      }
    }
    p = stop
  }
}

function add(object: Json, field: Field, value: unknown): void {
  if (!field.repeated) object[field.name] = value
  else ((object[field.name] ??= []) as unknown[]).push(value)
}

/** The object that a message field goes into: a new one, or what an earlier occurrence of the same field has made. */
function childOf(object: Json, field: Field): Json {
  const there = object[field.name]
  if (there && !field.repeated) return there as Json
  const child: Json = {}
  add(object, field, child)
  return child
}

/** Takes away what an earlier field of the oneof has set: rare, and `delete` is slow even when there is nothing. */
function clearOneof(type: MessageType, object: Json, kept: Field): void {
  for (const field of type.fields) {
    if (field.oneof && field !== kept && object[field.name] !== undefined) delete object[field.name]
  }
}

function addText(bytes: Uint8Array, start: number, end: number, field: Field, object: Json): void {
  if (field.type === 'string') add(object, field, utf8(bytes, start, end))
  else if (field.type === 'bytes') add(object, field, bytesToBase64(bytes.subarray(start, end)))
  else {
    checkId(start, end, field.type === 'id16' ? 16 : 8)
    const id = idToHex(bytes, start, end)
    if (id !== '') object[field.name] = id
    else if (object[field.name] !== undefined) delete object[field.name]
  }
}

function readScalar(bytes: Uint8Array, p: number, end: number, field: Field): unknown {
  switch (field.type) {
    case 'bool':
      return readUint64(bytes, p, end) !== 0n
    case 'uint32':
      return readUint32(bytes, p, end)
    case 'enum':
      return readUint32(bytes, p, end) | 0
    case 'sint32': {
      const value = readUint32(bytes, p, end)
      return (value >>> 1) ^ -(value & 1)
    }
    case 'int64':
      return String(BigInt.asIntN(64, readUint64(bytes, p, end)))
    case 'uint64':
      return String(readUint64(bytes, p, end))
    case 'fixed32':
      return readFixed32(bytes, p, end)
    case 'fixed64':
      return String(readFixed64(bytes, p, end))
    case 'sfixed64':
      return String(BigInt.asIntN(64, readFixed64(bytes, p, end)))
    default:
      return readDouble(bytes, p, end)
  }
}

function readDouble(bytes: Uint8Array, p: number, end: number): number | string {
  const value = readFloat64(bytes, p, end)
  if (Object.is(value, -0)) return '-0'
  return Number.isFinite(value) ? value : String(value)
}
