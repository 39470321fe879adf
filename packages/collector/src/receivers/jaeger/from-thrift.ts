/** Jaeger's batches in Thrift. Source: jaeger.thrift and agent.thrift of jaeger-idl. */
import type { AnyValue } from '@spoor/otlp'
import { CollectorError } from '../../component/index.ts'
import {
  BinaryReader,
  CompactReader,
  inParts,
  TYPES,
  type ThriftReader,
  type Translate,
} from '../../receiver-helper/index.ts'
import {
  idProblem,
  keyOf,
  nanosecondsOf,
  noProcess,
  SAMPLED,
  unknownValue,
  type JaegerLog,
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  type Tags,
} from './model.ts'
import { toOtlp } from './to-otlp.ts'

/** The method of an agent that takes a batch; its argument is the first one. */
const EMIT_BATCH = 'emitBatch'

/** A batch in the binary form, as the body of a request. */
export const translateBatch: Translate = (body, refuse) =>
  inParts(
    told('not a batch of Jaeger in Thrift', () => spansIn(new BinaryReader(body, TYPES.struct), refuse)),
    toOtlp,
  )

/** A call of an agent, as a datagram. */
export const translateBinaryCall: Translate = (packet, refuse) =>
  translateCall(new BinaryReader(packet, TYPES.struct), refuse)

export const translateCompactCall: Translate = (packet, refuse) =>
  translateCall(new CompactReader(packet, TYPES.struct), refuse)

function translateCall(reader: ThriftReader, refuse: (problem: string) => void): ReturnType<Translate> {
  const spans = told('not a call of an agent in Thrift', function* () {
    const { name } = reader.call()
    if (name !== EMIT_BATCH) throw new RangeError(`it calls ${JSON.stringify(name.slice(0, 100))}, not ${EMIT_BATCH}`)
    const later: { batch?: () => void } = {}
    reader.struct({ 1: () => (later.batch = reader.later()) })
    if (!later.batch) return
    later.batch()
    yield* spansIn(reader, refuse)
  })
  return inParts(spans, toOtlp)
}

/** What a reader throws as CollectorError `invalid_data`. */
function* told(what: string, read: () => Iterable<JaegerSpan>): Generator<JaegerSpan> {
  try {
    yield* read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CollectorError('invalid_data', `${what}: ${error.message}`)
  }
}

/** Each as it is asked for, but the process first, wherever it is. */
function* spansIn(reader: ThriftReader, refuse: (problem: string) => void): Generator<JaegerSpan> {
  let process = noProcess()
  const later: { spans?: () => void } = {}
  reader.struct({
    1: () => (process = processIn(reader)),
    2: () => (later.spans = reader.later()),
  })
  if (!later.spans) return
  later.spans()
  for (const span of reader.each(() => spanIn(reader, process))) {
    const problem = idProblem(span)
    if (problem === undefined) yield span
    else refuse(problem)
  }
}

function processIn(reader: ThriftReader): JaegerProcess {
  let { serviceName, tags } = noProcess()
  reader.struct({
    1: () => (serviceName = reader.text()),
    2: () => (tags = tagsIn(reader)),
  })
  return { serviceName, tags }
}

function spanIn(reader: ThriftReader, process: JaegerProcess): JaegerSpan {
  let [low, high, id, parent, start, duration] = [0n, 0n, 0n, 0n, 0n, 0n]
  let [name, flags] = ['', 0]
  let references: JaegerReference[] = []
  let tags: Tags = new Map()
  let logs: JaegerLog[] = []
  reader.struct({
    1: () => (low = reader.i64()),
    2: () => (high = reader.i64()),
    3: () => (id = reader.i64()),
    4: () => (parent = reader.i64()),
    5: () => (name = reader.text()),
    6: () => (references = reader.list(() => referenceIn(reader))),
    7: () => (flags = reader.i32()),
    8: () => (start = reader.i64()),
    9: () => (duration = reader.i64()),
    10: () => (tags = tagsIn(reader)),
    11: () => (logs = reader.list(() => logIn(reader))),
  })
  return {
    process,
    traceId: traceIdOf(high, low),
    spanId: idOf(id),
    parentSpanId: idOf(parent),
    references,
    name,
    flags: flags & SAMPLED,
    startNs: nanosecondsOf(start),
    endNs: nanosecondsOf(start + duration),
    tags,
    logs,
    // The OpenTelemetry Collector looks for these in Jaeger's protobuf only; here they stay tags, too.
    scopeName: '',
    scopeVersion: '',
    traceState: '',
  }
}

function referenceIn(reader: ThriftReader): JaegerReference {
  let [type, low, high, id] = [0, 0n, 0n, 0n]
  reader.struct({
    1: () => (type = reader.i32()),
    2: () => (low = reader.i64()),
    3: () => (high = reader.i64()),
    4: () => (id = reader.i64()),
  })
  return { isChildOf: type === 0, traceId: traceIdOf(high, low), spanId: idOf(id) }
}

function logIn(reader: ThriftReader): JaegerLog {
  let time = 0n
  let fields: Tags = new Map()
  reader.struct({
    1: () => (time = reader.i64()),
    2: () => (fields = tagsIn(reader)),
  })
  return { timeNs: nanosecondsOf(time), fields }
}

function tagsIn(reader: ThriftReader): Tags {
  return new Map(reader.each(() => tagIn(reader)))
}

function tagIn(reader: ThriftReader): [key: string, value: AnyValue] {
  let [key, type, text, double, bool, long] = ['', 0, '', 0, false, 0n]
  let bytes: Uint8Array = new Uint8Array()
  reader.struct({
    1: () => (key = reader.text()),
    2: () => (type = reader.i32()),
    3: () => (text = reader.text()),
    4: () => (double = reader.double()),
    5: () => (bool = reader.bool()),
    6: () => (long = reader.i64()),
    7: () => (bytes = reader.bytes()),
  })
  const values: readonly AnyValue[] = [
    { type: 'string', value: text },
    { type: 'double', value: double },
    { type: 'bool', value: bool },
    { type: 'int', value: long },
    { type: 'bytes', value: bytes },
  ]
  return [keyOf(key), values[type] ?? unknownValue('<UNSET>')]
}

function traceIdOf(high: bigint, low: bigint): string {
  return high === 0n && low === 0n ? '' : hexOf(high) + hexOf(low)
}

function idOf(id: bigint): string {
  return id === 0n ? '' : hexOf(id)
}

function hexOf(number: bigint): string {
  return BigInt.asUintN(64, number).toString(16).padStart(16, '0')
}
