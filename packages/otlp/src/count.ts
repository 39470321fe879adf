/**
 * Counting the spans, log records and data points of a request, and with it validating the whole of it: what these functions
 * accept, the decoders and the scanner can read.
 *
 * Checked down to the last `AnyValue`: every field lies within its message, known fields have their wire type (packed and
 * unpacked where repeated), varints have at most 64 bits, ids their length, `AnyValue` at most {@link MAX_DEPTH} levels, and
 * there are no groups. Unknown fields are stepped over. Not checked: UTF-8 (decoders replace what is invalid).
 */
import type { Signal } from './batch.ts'
import { MAX_DEPTH, OtlpError } from './error.ts'
import { type Field, type MessageType, messageType, REQUESTS } from './schema.ts'
import { checkId, lengthEnd, LENGTH, next, readTag, skipField, skipFixed, skipVarint } from './wire.ts'

/** What to do with a field, by its tag. */
const UNKNOWN = 0
const BYTES = 1
const VARINT = 2
const FIXED64 = 3
const FIXED32 = 4
const MESSAGE = 5
const KEY_VALUE = 6
const TRACE_ID = 7
const SPAN_ID = 8
const PACKED_VARINTS = 9
const PACKED_FIXED64 = 10

interface Plan {
  /** Action by tag; every tag of ours is below 256. */
  readonly actions: Uint8Array
  /** By field number, for MESSAGE. */
  readonly children: (Plan | undefined)[]
  readonly known: number
  /** 1 if such a message is counted. */
  readonly item: number
  /** 1 for `AnyValue`, the only message that can nest. */
  readonly nests: number
}

const ITEMS = new Set([
  'Span',
  'LogRecord',
  'NumberDataPoint',
  'HistogramDataPoint',
  'ExponentialHistogramDataPoint',
  'SummaryDataPoint',
])

const ACTIONS: readonly number[] = [VARINT, FIXED64, BYTES, UNKNOWN, UNKNOWN, FIXED32]

function actionOf(field: Field): number {
  if (field.message) return field.message.name === 'KeyValue' ? KEY_VALUE : MESSAGE
  if (field.type === 'id16') return TRACE_ID
  if (field.type === 'id8') return SPAN_ID
  return ACTIONS[field.wireType]!
}

const plans = new Map<MessageType, Plan>()

function planOf(type: MessageType): Plan {
  const made = plans.get(type)
  if (made) return made
  const plan: Plan = {
    actions: new Uint8Array(256),
    children: [],
    known: type.known,
    item: ITEMS.has(type.name) ? 1 : 0,
    nests: type.name === 'AnyValue' ? 1 : 0,
  }
  plans.set(type, plan)
  for (const field of type.fields) {
    plan.actions[(field.number << 3) | field.wireType] = actionOf(field)
    if (field.repeated && field.wireType !== LENGTH) {
      plan.actions[(field.number << 3) | LENGTH] = field.wireType === 0 ? PACKED_VARINTS : PACKED_FIXED64
    }
    plan.children[field.number] = field.message && planOf(field.message)
  }
  return plan
}

const KEY_VALUE_PLAN = planOf(messageType('KeyValue'))
const TRACES = planOf(REQUESTS.traces)
const LOGS = planOf(REQUESTS.logs)
const METRICS = planOf(REQUESTS.metrics)

let items = 0

function walk(bytes: Uint8Array, p: number, end: number, plan: Plan, depth: number): void {
  items += plan.item
  depth += plan.nests
  if (depth > MAX_DEPTH) {
    throw new OtlpError('too_deep', `byte ${p}: AnyValue nested deeper than ${MAX_DEPTH}`, { offset: p })
  }
  const actions = plan.actions
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag < 256 ? actions[tag]! : UNKNOWN) {
      case BYTES:
        p = lengthEnd(bytes, p, end)
        break
      case VARINT:
        p = skipVarint(bytes, p, end)
        break
      case FIXED64:
        p = skipFixed(p, 8, end)
        break
      case FIXED32:
        p = skipFixed(p, 4, end)
        break
      case KEY_VALUE: {
        const stop = lengthEnd(bytes, p, end)
        if (!isPlainKeyValue(bytes, next, stop)) walk(bytes, next, stop, KEY_VALUE_PLAN, depth)
        p = stop
        break
      }
      case MESSAGE: {
        const stop = lengthEnd(bytes, p, end)
        walk(bytes, next, stop, plan.children[tag >>> 3]!, depth)
        p = stop
        break
      }
      case TRACE_ID:
        p = lengthEnd(bytes, p, end)
        checkId(next, p, 16)
        break
      case SPAN_ID:
        p = lengthEnd(bytes, p, end)
        checkId(next, p, 8)
        break
      case PACKED_VARINTS: {
        const stop = lengthEnd(bytes, p, end)
        p = next
        while (p < stop) p = skipVarint(bytes, p, stop)
        break
      }
      case PACKED_FIXED64: {
        const stop = lengthEnd(bytes, p, end)
        p = next
        while (p < stop) p = skipFixed(p, 8, stop)
        break
      }
      default:
        p = skipField(bytes, p, end, tag, plan.known)
    }
  }
}

/**
 * Whether the bytes are a `KeyValue` as every SDK writes it: a key, then one string, bool, int or double, each shorter than
 * 128 bytes. Most attributes are, and this is several times faster than walking them; anything else is walked.
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

function count(bytes: Uint8Array, plan: Plan): number {
  items = 0
  walk(bytes, 0, bytes.length, plan, 0)
  return items
}

/** Validates an `ExportTraceServiceRequest` and returns the number of spans in it. Throws {@link OtlpError}. */
export function countSpans(bytes: Uint8Array): number {
  return count(bytes, TRACES)
}

/** Validates an `ExportLogsServiceRequest` and returns the number of log records in it. Throws {@link OtlpError}. */
export function countLogRecords(bytes: Uint8Array): number {
  return count(bytes, LOGS)
}

/**
 * Validates an `ExportMetricsServiceRequest` and returns the number of data points in it, of all kinds of metric.
 * Throws {@link OtlpError}.
 */
export function countDataPoints(bytes: Uint8Array): number {
  return count(bytes, METRICS)
}

/** {@link countSpans}, {@link countDataPoints} or {@link countLogRecords}, by signal. */
export function countItems(signal: Signal, bytes: Uint8Array): number {
  return count(bytes, signal === 'traces' ? TRACES : signal === 'logs' ? LOGS : METRICS)
}
