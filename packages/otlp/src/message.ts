/**
 * Metrics and logs as plain objects, from bytes and to them, by the schema: for the few that somebody reads or builds.
 * Of a field that comes twice the last counts, a message that comes twice is merged, of a oneof the last field counts,
 * and unknown fields are ignored. Decoding throws {@link OtlpError}, and only for bytes that `countItems` refuses too.
 */
import { readField, writeField, writeNumber, zeroOf, type FieldValue } from './field-value.ts'
import { joinBytes } from './join.ts'
import type { LogsData } from './logs-model.ts'
import type { MetricsData } from './metrics-model.ts'
import { REQUESTS, type Field, type MessageType } from './schema.ts'
import { lengthEnd, LENGTH, next, readTag, skipField } from './wire.ts'
import { closeMessage, createWriter, finish, mark, type Writer } from './writer.ts'

/** All of an `ExportMetricsServiceRequest` (or `MetricsData`). */
export function decodeMetrics(bytes: Uint8Array): MetricsData {
  return decode(bytes, REQUESTS.metrics) as unknown as MetricsData
}

/** All of an `ExportLogsServiceRequest` (or `LogsData`). */
export function decodeLogs(bytes: Uint8Array): LogsData {
  return decode(bytes, REQUESTS.logs) as unknown as LogsData
}

/**
 * An `ExportMetricsServiceRequest`. Fields with their zero value are left out, optional ones only where they are absent.
 * Throws `RangeError` for an id that is not hex of its full length or `''`.
 */
export function encodeMetrics(data: MetricsData): Uint8Array {
  return encode(data, REQUESTS.metrics)
}

/** An `ExportLogsServiceRequest`. Throws as {@link encodeMetrics} does. */
export function encodeLogs(data: LogsData): Uint8Array {
  return encode(data, REQUESTS.logs)
}

type Draft = Record<string, unknown>

/** Whether a message is told as a value, not as an object of its fields. */
function isValue({ message }: Field): boolean {
  return message?.name === 'AnyValue' || message?.name === 'KeyValue'
}

/** Messages that are there also where they are absent. */
const ALWAYS: ReadonlySet<string> = new Set(['Resource', 'InstrumentationScope'])

function createDraft(type: MessageType): Draft {
  const draft: Draft = {}
  for (const field of type.fields) {
    if (field.repeated) draft[field.name] = []
    else if (field.message && ALWAYS.has(field.message.name)) draft[field.name] = createDraft(field.message)
    else if (!field.presence && (!field.message || isValue(field))) draft[field.name] = zeroOf(field)
  }
  return draft
}

function decode(bytes: Uint8Array, type: MessageType): Draft {
  const draft = createDraft(type)
  merge(bytes, 0, bytes.length, type, draft)
  return draft
}

function merge(bytes: Uint8Array, p: number, end: number, type: MessageType, draft: Draft): void {
  /** Values that may come in several pieces: each is read as it comes, and all together when they are there. */
  const pieces = new Map<Field, Uint8Array[]>()
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    const field = type.byNumber[tag >>> 3]
    const wireType = tag & 7
    if (!field || (wireType !== field.wireType && !(field.repeated && wireType === LENGTH))) {
      p = skipField(bytes, p, end, tag, type.known)
      continue
    }
    if (field.oneof) clearOneof(type, draft, field)
    let start = p
    if (wireType === LENGTH) {
      p = lengthEnd(bytes, p, end)
      start = next
    } else p = skipField(bytes, p, end, tag, 0)
    if (field.message && !isValue(field)) merge(bytes, start, p, field.message, childOf(draft, field, field.message))
    else if (wireType === field.wireType) add(bytes, start, p, field, draft, pieces)
    else {
      // Packed: numbers one after the other.
      while (start < p) {
        const stop = skipField(bytes, start, p, (field.number << 3) | field.wireType, 0)
        add(bytes, start, stop, field, draft, pieces)
        start = stop
      }
    }
  }
  for (const [field, parts] of pieces) {
    if (parts.length === 1) continue
    const whole = joinBytes(parts)
    draft[field.name] = readField(whole, 0, whole.length, field)
  }
}

function add(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: Field,
  draft: Draft,
  pieces: Map<Field, Uint8Array[]>,
): void {
  if (field.repeated) (draft[field.name] as unknown[]).push(readField(bytes, start, end, field))
  else {
    draft[field.name] = readField(bytes, start, end, field)
    if (!field.message) return
    const parts = pieces.get(field)
    if (parts) parts.push(bytes.subarray(start, end))
    else pieces.set(field, [bytes.subarray(start, end)])
  }
}

/** The object that a message field goes into: a new one, or what an earlier occurrence of the same field has made. */
function childOf(draft: Draft, field: Field, message: MessageType): Draft {
  if (field.repeated) {
    const child = createDraft(message)
    ;(draft[field.name] as Draft[]).push(child)
    return child
  }
  return (draft[field.name] ??= createDraft(message)) as Draft
}

function clearOneof(type: MessageType, draft: Draft, kept: Field): void {
  for (const field of type.fields) {
    if (field.oneof && field !== kept && draft[field.name] !== undefined) delete draft[field.name]
  }
}

function encode(data: object, type: MessageType): Uint8Array {
  const writer = createWriter()
  write(writer, data as Draft, type)
  return finish(writer)
}

/** Fields are written from the last to the first, see {@link Writer}. */
function write(writer: Writer, object: Draft, type: MessageType): void {
  for (let i = type.fields.length - 1; i >= 0; i--) {
    const field = type.fields[i]!
    const value = object[field.name]
    if (value === undefined) continue
    if (field.repeated) writeRepeated(writer, value as readonly unknown[], field)
    else if (field.message && !isValue(field)) writeChild(writer, value as Draft, field, field.message)
    else if (field.presence || !isZero(value as FieldValue, field)) writeField(writer, field, value as FieldValue)
  }
}

function isZero(value: FieldValue, field: Field): boolean {
  return typeof value === 'object' ? 'type' in value && value.type === 'empty' : Object.is(value, zeroOf(field))
}

function writeRepeated(writer: Writer, values: readonly unknown[], field: Field): void {
  const from = mark(writer)
  for (let i = values.length - 1; i >= 0; i--) {
    if (field.message && !isValue(field)) writeChild(writer, values[i] as Draft, field, field.message)
    else if (field.wireType === LENGTH) writeField(writer, field, values[i] as FieldValue)
    else writeNumber(writer, field, values[i] as FieldValue)
  }
  if (field.wireType !== LENGTH && values.length > 0) closeMessage(writer, (field.number << 3) | LENGTH, from)
}

function writeChild(writer: Writer, value: Draft, field: Field, message: MessageType): void {
  const from = mark(writer)
  write(writer, value, message)
  if (ALWAYS.has(message.name) && mark(writer) === from) return
  closeMessage(writer, (field.number << 3) | LENGTH, from)
}
