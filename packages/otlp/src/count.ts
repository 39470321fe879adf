/**
 * Counting the spans, log records and data points of a request, and with it validating the whole of it: what these
 * functions accept, the decoders and the scanner can read.
 *
 * Checked down to the last `AnyValue`: every field lies within its message, known fields have their wire type (packed
 * and unpacked where repeated), varints have at most 64 bits, ids their length, `AnyValue` at most {@link MAX_DEPTH}
 * levels, and there are no groups. Unknown fields are stepped over. Not checked: UTF-8 (decoders replace what is
 * invalid). Errors name the field by its path.
 */
import type { Signal } from './batch.ts'
import { MAX_DEPTH, OtlpError } from './error.ts'
import { pathAt } from './locate.ts'
import { type Field, MESSAGE_TYPES, REQUESTS } from './schema.ts'
import { checkId, lengthEnd, LENGTH, next, readTag, skipField, skipFixed, skipVarint } from './wire.ts'

/** What to do with a field, by its tag. From BYTES on it is length-delimited. */
const UNKNOWN = 0
const VARINT = 1
const FIXED64 = 2
const FIXED32 = 3
const BYTES = 4
const MESSAGE = 5
const KEY_VALUE = 6
const TRACE_ID = 7
const SPAN_ID = 8
const PACKED_VARINTS = 9
const PACKED_FIXED64 = 10

const COUNTED = new Set([
  'Span',
  'LogRecord',
  'NumberDataPoint',
  'HistogramDataPoint',
  'ExponentialHistogramDataPoint',
  'SummaryDataPoint',
])

const WIRE_ACTIONS: readonly number[] = [VARINT, FIXED64, BYTES, UNKNOWN, UNKNOWN, FIXED32]

/*
 * The schema as flat tables, indexed by a message's number and a tag (all of ours are below 256) or field.
 */
const messages = [...MESSAGE_TYPES.keys()]
const ACTIONS = new Uint8Array(messages.length * 256)
const CHILDREN = new Uint8Array(messages.length * 32)
const KNOWN = new Uint32Array(messages.length)
/** 1 for a message that is counted. */
const ITEM = new Uint8Array(messages.length)
/** 1 for `AnyValue`, the only message that can nest. */
const NESTS = new Uint8Array(messages.length)

for (const [index, name] of messages.entries()) {
  const type = MESSAGE_TYPES.get(name)!
  KNOWN[index] = type.known
  ITEM[index] = COUNTED.has(name) ? 1 : 0
  NESTS[index] = name === 'AnyValue' ? 1 : 0
  for (const field of type.fields) {
    const at = index * 256 + (field.number << 3)
    if (field.repeated && field.wireType !== LENGTH) {
      ACTIONS[at + LENGTH] = field.wireType === 0 ? PACKED_VARINTS : PACKED_FIXED64
    }
    ACTIONS[at + field.wireType] = actionOf(field)
    if (field.message) CHILDREN[index * 32 + field.number] = messages.indexOf(field.message.name)
  }
}

function actionOf(field: Field): number {
  if (field.message) return field.message.name === 'KeyValue' ? KEY_VALUE : MESSAGE
  if (field.type === 'id16') return TRACE_ID
  if (field.type === 'id8') return SPAN_ID
  return WIRE_ACTIONS[field.wireType]!
}

const KEY_VALUE_MESSAGE = messages.indexOf('KeyValue')
const REQUEST: Readonly<Record<Signal, number>> = {
  traces: messages.indexOf(REQUESTS.traces.name),
  metrics: messages.indexOf(REQUESTS.metrics.name),
  logs: messages.indexOf(REQUESTS.logs.name),
}

let items = 0

/**
 * Validates a message and counts the items in it. Tags and lengths below 128 are read in place, and what the readers
 * return is made an integer for the compiler by `>>> 0`: without the latter it takes a fifth longer.
 */
function walk(bytes: Uint8Array, p: number, end: number, message: number, depth: number): void {
  items += ITEM[message]!
  depth += NESTS[message]!
  if (depth > MAX_DEPTH) {
    throw new OtlpError('too_deep', `byte ${p}: AnyValue nested deeper than ${MAX_DEPTH}`, { offset: p })
  }
  while (p < end) {
    let tag = bytes[p]!
    if (tag < 128) p++
    else {
      tag = readTag(bytes, p, end) >>> 0
      p = next >>> 0
    }
    const action = tag < 256 ? ACTIONS[message * 256 + tag]! : UNKNOWN
    if (action < BYTES) {
      if (action === VARINT) p = skipVarint(bytes, p, end) >>> 0
      else if (action === FIXED64) p = skipFixed(p, 8, end)
      else if (action === FIXED32) p = skipFixed(p, 4, end)
      else p = skipField(bytes, p, end, tag, KNOWN[message]!)
      continue
    }
    const length = p < end ? bytes[p]! : 128
    let start = p + 1
    let stop = start + length
    if (length > 127 || stop > end) {
      stop = lengthEnd(bytes, p, end) >>> 0
      start = next >>> 0
    }
    p = stop
    switch (action) {
      case KEY_VALUE:
        if (depth >= MAX_DEPTH || !isPlainKeyValue(bytes, start, stop)) {
          walk(bytes, start, stop, KEY_VALUE_MESSAGE, depth)
        }
        break
      case MESSAGE:
        walk(bytes, start, stop, CHILDREN[message * 32 + (tag >>> 3)]!, depth)
        break
      case TRACE_ID:
        checkId(start, stop, 16)
        break
      case SPAN_ID:
        checkId(start, stop, 8)
        break
      case PACKED_VARINTS:
        while (start < stop) start = skipVarint(bytes, start, stop)
        break
      case PACKED_FIXED64:
        while (start < stop) start = skipFixed(start, 8, stop)
        break
      default: // BYTES: nothing within to check
    }
  }
}

/**
 * Whether the bytes are a `KeyValue` as every SDK writes it: a key, then one string, bool, int or double, each shorter
 * than 128 bytes. Most attributes are, and this is several times faster than walking them; anything else is walked.
 */
function isPlainKeyValue(bytes: Uint8Array, p: number, end: number): boolean {
  if (end - p < 6 || bytes[p] !== 0x0a) return false
  const value = p + 2 + bytes[p + 1]!
  if (value + 4 > end || bytes[p + 1]! > 127 || bytes[value] !== 0x12) return false
  if (value + 2 + bytes[value + 1]! !== end || bytes[value + 1]! > 127) return false
  switch (bytes[value + 2]) {
    case 0x0a:
      return bytes[value + 3]! < 128 && end === value + 4 + bytes[value + 3]!
    case 0x10:
    case 0x18: {
      let last = value + 3
      while (last < end && bytes[last]! > 127) last++
      return last === end - 1 && last - value < 12
    }
    case 0x21:
      return value + 11 === end
    default:
      return false
  }
}

function count(signal: Signal, bytes: Uint8Array): number {
  items = 0
  try {
    walk(bytes, 0, bytes.length, REQUEST[signal], 0)
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    const { code, message, offset } = error
    const path = pathAt(bytes, REQUESTS[signal], offset)
    throw path === '' ? error : new OtlpError(code, `${path}: ${message}`, { offset, path })
  }
  return items
}

/** Validates an `ExportTraceServiceRequest` and returns the number of spans in it. Throws {@link OtlpError}. */
export function countSpans(bytes: Uint8Array): number {
  return count('traces', bytes)
}

/** Validates an `ExportLogsServiceRequest` and returns the number of log records in it. Throws {@link OtlpError}. */
export function countLogRecords(bytes: Uint8Array): number {
  return count('logs', bytes)
}

/**
 * Validates an `ExportMetricsServiceRequest` and returns the number of data points in it, of all kinds of metric.
 * Throws {@link OtlpError}.
 */
export function countDataPoints(bytes: Uint8Array): number {
  return count('metrics', bytes)
}

/** {@link countSpans}, {@link countDataPoints} or {@link countLogRecords}, by signal. */
export function countItems(signal: Signal, bytes: Uint8Array): number {
  return count(signal, bytes)
}
