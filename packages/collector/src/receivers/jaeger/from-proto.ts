/** Jaeger's batches in protobuf. Source: model.proto and collector.proto of jaeger-idl. */
import { bytesToHex, type AnyValue } from '@spoor/otlp'
import { inParts, ProtoFields, type Translate } from '../../receiver-helper/index.ts'
import {
  idProblem,
  keyOf,
  noProcess,
  SAMPLED,
  takeText,
  textOf,
  unknownValue,
  type JaegerLog,
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  type Tags,
} from './model.ts'
import { toOtlp } from './to-otlp.ts'

const REQUEST = 'jaeger.api_v2.PostSpansRequest'
/** What a service is called that has no name. */
const NO_SERVICE = 'OTLPResourceNoServiceName'
const SECOND_NS = 1_000_000_000n

/** The request of `PostSpans`. */
export const translateRequest: Translate = (message, refuse) => inParts(spansIn(message, refuse), toOtlp)

/** Each as it is asked for, but the batch's process first, wherever it is. */
function* spansIn(message: Uint8Array, refuse: (problem: string) => void): Generator<JaegerSpan> {
  const batch = lastIn(new ProtoFields(message, REQUEST), 1)
  if (!batch) return
  const ownProcess = lastIn(new ProtoFields(batch, REQUEST), 2)
  const processes = new Map<string, JaegerProcess>()
  const processOf = (bytes: Uint8Array | undefined): JaegerProcess => {
    const key = bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') : ''
    let process = processes.get(key)
    if (!process) processes.set(key, (process = bytes ? processIn(new ProtoFields(bytes, REQUEST)) : noProcess()))
    return process
  }
  const fields = new ProtoFields(batch, REQUEST)
  while (fields.next()) {
    if (fields.number !== 1) continue
    const span = spanIn(fields.message(), (process) => processOf(process ?? ownProcess))
    const problem = idProblem(span)
    if (problem === undefined) yield span
    else refuse(problem)
  }
}

/** The message that a field is, of several the last. */
function lastIn(fields: ProtoFields, number: number): Uint8Array | undefined {
  let found: Uint8Array | undefined
  while (fields.next()) if (fields.number === number) found = fields.bytes()
  return found
}

function processIn(fields: ProtoFields): JaegerProcess {
  let serviceName = ''
  const tags: Tags = new Map()
  while (fields.next()) {
    if (fields.number === 1) serviceName = fields.text()
    else if (fields.number === 2) tags.set(...tagIn(fields.message()))
  }
  return serviceName === NO_SERVICE ? noProcess() : { serviceName, tags }
}

function spanIn(fields: ProtoFields, processOf: (bytes: Uint8Array | undefined) => JaegerProcess): JaegerSpan {
  let [traceId, spanId, name, flags] = ['', '', '', 0]
  let [startNs, durationNs] = [0n, 0n]
  let process: Uint8Array | undefined
  const references: JaegerReference[] = []
  const all: [string, AnyValue][] = []
  const logs: JaegerLog[] = []
  while (fields.next()) {
    const { number } = fields
    if (number === 1) traceId = traceIdOf(fields.bytes())
    else if (number === 2) spanId = idOf(fields.bytes())
    else if (number === 3) name = fields.text()
    else if (number === 4) references.push(referenceIn(fields.message()))
    else if (number === 5) flags = Number(BigInt.asUintN(32, fields.uint()))
    else if (number === 6) startNs = nanosecondsIn(fields.message())
    else if (number === 7) durationNs = nanosecondsIn(fields.message())
    else if (number === 8) all.push(tagIn(fields.message()))
    else if (number === 9) logs.push(logIn(fields.message()))
    else if (number === 10) process = fields.bytes()
  }
  const scopeName = takeFirst(all, 'otel.scope.name')
  const scopeVersion = scopeName === undefined ? '' : (takeFirst(all, 'otel.scope.version') ?? '')
  const tags: Tags = new Map(all)
  const traceState = takeText(tags, 'w3c.tracestate') ?? ''
  return {
    process: processOf(process),
    traceId,
    spanId,
    parentSpanId: '',
    references,
    name,
    flags: flags & SAMPLED,
    startNs: BigInt.asUintN(64, startNs),
    endNs: BigInt.asUintN(64, startNs + durationNs),
    tags,
    logs,
    scopeName: scopeName ?? '',
    scopeVersion,
    traceState,
  }
}

/** The text of the first one; it is no tag any more, and those behind it stay. */
function takeFirst(tags: [string, AnyValue][], key: string): string | undefined {
  const at = tags.findIndex(([one]) => one === key)
  return at < 0 ? undefined : textOf(tags.splice(at, 1)[0]![1])
}

function referenceIn(fields: ProtoFields): JaegerReference {
  let [traceId, spanId, type] = ['', '', 0n]
  while (fields.next()) {
    if (fields.number === 1) traceId = traceIdOf(fields.bytes())
    else if (fields.number === 2) spanId = idOf(fields.bytes())
    else if (fields.number === 3) type = fields.int()
  }
  return { isChildOf: type === 0n, traceId, spanId }
}

function logIn(fields: ProtoFields): JaegerLog {
  let timeNs = 0n
  const tags: Tags = new Map()
  while (fields.next()) {
    if (fields.number === 1) timeNs = BigInt.asUintN(64, nanosecondsIn(fields.message()))
    else if (fields.number === 2) tags.set(...tagIn(fields.message()))
  }
  return { timeNs, fields: tags }
}

function tagIn(fields: ProtoFields): [key: string, value: AnyValue] {
  let [key, type, text, bool, int, double] = ['', 0, '', false, 0n, 0]
  let bytes: Uint8Array = new Uint8Array()
  while (fields.next()) {
    const { number } = fields
    if (number === 1) key = fields.text()
    else if (number === 2) type = Number(fields.int())
    else if (number === 3) text = fields.text()
    else if (number === 4) bool = fields.bool()
    else if (number === 5) int = fields.int()
    else if (number === 6) double = fields.double()
    else if (number === 7) bytes = fields.bytes()
  }
  const values: readonly AnyValue[] = [
    { type: 'string', value: text },
    { type: 'bool', value: bool },
    { type: 'int', value: int },
    { type: 'double', value: double },
    { type: 'bytes', value: bytes },
  ]
  return [keyOf(key), values[type] ?? unknownValue(String(type))]
}

/** A `Timestamp` or a `Duration`. */
function nanosecondsIn(fields: ProtoFields): bigint {
  let [seconds, nanos] = [0n, 0n]
  while (fields.next()) {
    if (fields.number === 1) seconds = fields.int()
    else if (fields.number === 2) nanos = fields.int()
  }
  return seconds * SECOND_NS + nanos
}

/** Empty for zero; of 8 bytes as of 16 with zeros in front. What has another length is given as it is, and is no id. */
function traceIdOf(bytes: Uint8Array): string {
  const hex = idOf(bytes)
  return bytes.length === 8 && hex !== '' ? hex.padStart(32, '0') : hex
}

function idOf(bytes: Uint8Array): string {
  return bytes.every((byte) => byte === 0) ? '' : bytesToHex(bytes)
}
