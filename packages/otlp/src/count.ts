/**
 * Counting the spans, log records and data points of a request, and with it validating the whole of it: what these
 * functions accept, the decoders and the scanner can read.
 *
 * Checked down to the last `AnyValue`: every field lies within its message, known fields have their wire type (packed
 * and unpacked where repeated), varints have at most 64 bits, ids their length, `AnyValue` at most {@link MAX_DEPTH}
 * levels, and there are no groups. Unknown fields are stepped over. Not checked: UTF-8 (decoders replace what is
 * invalid). Errors name the field by its path.
 *
 * In the same pass {@link inspectItems} finds out whether there are spans without a valid id, which a receiver refuses
 * one by one.
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

const SPAN_MESSAGE = messages.indexOf('Span')
const LINK_MESSAGE = messages.indexOf('Link')
/** Both ids of a span were seen. */
const BOTH_IDS = 3

let items = 0
/** Whether a span with an id of a wrong length is an invalid span, and not the end of it all. */
let lenient = false
let invalidSpans = 0
/** Whether the span that is walked has a parent or a link whose id is of a wrong length. */
let refersWrongly = false
/** Messages, and fields that are numbers or unknown, that may still be looked at. */
let work = 0

/** More than any bytes can ask for, and a small integer for the compiler. */
const UNLIMITED = 2 ** 31 - 1

/** Thrown when {@link work} is used up. */
const TOO_MUCH_WORK = new Error('too much work')

/**
 * Validates a message and counts the items in it. Tags and lengths below 128 are read in place, and what the readers
 * return is made an integer for the compiler by `>>> 0`: without the latter it takes a fifth longer.
 */
function walk(bytes: Uint8Array, p: number, end: number, message: number, depth: number): void {
  items += ITEM[message]!
  if (--work < 0) throw TOO_MUCH_WORK
  let ids = 0
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
      if (--work < 0) throw TOO_MUCH_WORK
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
        } else p = endOfPlain(bytes, stop, end, tag)
        break
      case MESSAGE:
        walk(bytes, start, stop, CHILDREN[message * 32 + (tag >>> 3)]!, depth)
        break
      case TRACE_ID:
        if (stop - start === 16 && (bytes[start] !== 0 || !isZero(bytes, start, stop))) ids |= 1
        else ids &= ~badId(start, stop, 16, message, 1)
        break
      case SPAN_ID:
        if (tag !== OWN_SPAN_ID) {
          if (stop - start !== 8) badId(start, stop, 8, message, 0)
        } else if (stop - start === 8 && (bytes[start] !== 0 || !isZero(bytes, start, stop))) ids |= 2
        else ids &= ~badId(start, stop, 8, message, 2)
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
  if (message === SPAN_MESSAGE) {
    if (ids !== BOTH_IDS || refersWrongly) invalidSpans++
    refersWrongly = false
  }
}

/** The tag of a span's own id, and of the span that a link leads to; that of a parent is another. */
const OWN_SPAN_ID = 0x12

/** The bit of an id that may be none, or an error where its length is wrong and that is not a matter of the one span. */
function badId(start: number, stop: number, width: number, message: number, bit: number): number {
  const isOwn = message === SPAN_MESSAGE && bit !== 0
  if (!lenient || (message !== SPAN_MESSAGE && message !== LINK_MESSAGE)) checkId(start, stop, width)
  else if (!isOwn && stop !== start && stop - start !== width) refersWrongly = true
  return bit
}

function isZero(bytes: Uint8Array, p: number, end: number): boolean {
  while (p < end && bytes[p] === 0) p++
  return p === end
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

/** Attributes come one after the other: where the first field is that is none with this tag, or not a plain one. */
function endOfPlain(bytes: Uint8Array, p: number, end: number, tag: number): number {
  while (p + 1 < end && bytes[p] === tag) {
    const stop = p + 2 + bytes[p + 1]!
    if (bytes[p + 1]! > 127 || stop > end || !isPlainKeyValue(bytes, p + 2, stop)) return p
    p = stop
  }
  return p
}

function count(signal: Signal, bytes: Uint8Array): number {
  lenient = false
  work = UNLIMITED
  return run(signal, bytes)
}

function run(signal: Signal, bytes: Uint8Array): number {
  items = 0
  invalidSpans = 0
  refersWrongly = false
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

/** What {@link inspectItems} found. */
export interface Inspection {
  /** Spans, log records or data points, the invalid ones too. */
  readonly items: number
  /**
   * Spans whose own trace or span id is absent, all zero, or of a wrong length, or that have a parent or a link with an id of a wrong
   * length. `rejectInvalidSpans` takes them out.
   */
  readonly invalidSpans: number
}

/**
 * {@link countItems} for a receiver: spans without a valid id are told instead of thrown. Gives undefined when more than
 * `maxWork` messages and fields would have to be looked at (attributes as SDKs write them, and texts, do not count): a
 * bound on the time that it takes, some 10 ns each. Throws {@link OtlpError} as `countItems` does.
 */
export function inspectItems(signal: Signal, bytes: Uint8Array, maxWork = UNLIMITED): Inspection | undefined {
  lenient = true
  work = maxWork
  try {
    return { items: run(signal, bytes), invalidSpans }
  } catch (error) {
    if (error === TOO_MUCH_WORK) return undefined
    throw error
  }
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
