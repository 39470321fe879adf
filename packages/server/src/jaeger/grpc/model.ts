import type { JaegerProcess, JaegerReference, JaegerSpan, JaegerTag } from '@spoor/trace/files'
import type { ProtoRecord } from './codec.ts'

const VALUE_TYPES: Readonly<Record<JaegerTag['type'], number>> = { string: 0, bool: 1, int64: 2, float64: 3, binary: 4 }
const FOLLOWS_FROM = 1

/** A span in Jaeger's protobuf model, as its JSON has it: times are whole microseconds. */
export function spanRecord(span: JaegerSpan, process: JaegerProcess | undefined): ProtoRecord {
  return {
    trace_id: id(span.traceID, 16),
    span_id: id(span.spanID, 8),
    operation_name: span.operationName,
    references: span.references.map(referenceRecord),
    start_time: microseconds(span.startTime),
    duration: microseconds(span.duration),
    tags: span.tags.map(tagRecord),
    logs: span.logs.map(({ timestamp, fields }) => ({
      timestamp: microseconds(timestamp),
      fields: fields.map(tagRecord),
    })),
    process: { service_name: process?.serviceName, tags: process?.tags.map(tagRecord) },
    warnings: span.warnings ?? [],
  }
}

function referenceRecord({ refType, traceID, spanID }: JaegerReference): ProtoRecord {
  return {
    trace_id: id(traceID, 16),
    span_id: id(spanID, 8),
    ref_type: refType === 'FOLLOWS_FROM' ? FOLLOWS_FROM : 0,
  }
}

function tagRecord({ key, type, value }: JaegerTag): ProtoRecord {
  const base = { key, v_type: VALUE_TYPES[type] }
  switch (type) {
    case 'string':
      return { ...base, v_str: String(value) }
    case 'bool':
      return { ...base, v_bool: value === true }
    case 'int64':
      return { ...base, v_int64: BigInt(value) }
    case 'float64':
      return { ...base, v_float64: Number(value) }
    default:
      return { ...base, v_binary: Buffer.from(String(value), 'base64') }
  }
}

function id(hex: string, bytes: number): Buffer {
  return Buffer.from(hex.padStart(2 * bytes, '0'), 'hex')
}

/** As a timestamp since 1970, or as a duration. */
function microseconds(count: number): ProtoRecord {
  const seconds = Math.floor(count / 1e6)
  return { seconds: BigInt(seconds), nanos: Math.round((count - seconds * 1e6) * 1e3) }
}
