import { MARK, Message } from './message.ts'
import { createRandom, type Random } from './random.ts'
import { SERVICES } from './shop.ts'
import { writeResource, writeSpan, type SpanPlan } from './span.ts'
import { planTrace } from './trace.ts'

/** Spans in a request: what the OpenTelemetry SDKs' batch processors send at most. */
export const SPANS_PER_REQUEST = 512

/**
 * How long one pass over the corpus lasts in event time, in nanoseconds: the time between its first and its last
 * trace's start.
 */
export const PASS_NS = 60_000_000_000

/** The attribute that makes spans larger, and what it takes besides its text, in bytes. */
const PADDING_KEY = 'payload'
const PADDING_BYTES = 18

/** One serialized `ExportTraceServiceRequest` and the offsets that are patched before it is sent. */
export interface Request {
  readonly bytes: Buffer
  readonly traceIds: Uint32Array
  readonly spanIds: Uint32Array
  readonly times: Uint32Array
  readonly serials: Uint32Array
  readonly digits: Uint32Array
  /** Spans in it. */
  readonly spans: number
}

/** A trace that is in the corpus with all its spans. */
export interface CorpusTrace {
  readonly traceId: Uint8Array
  readonly spans: number
  /** Those of its spans that come in late requests. */
  readonly lateSpans: number
  /** Index of the last request that has one of its spans, the late ones left aside; -1 when all are late. */
  readonly lastRequest: number
  /** Orders that its spans carry. */
  readonly orders: readonly number[]
}

export interface Corpus {
  /** In the order in which they are sent. */
  readonly requests: readonly Request[]
  /** Requests that come much later than what else there is of their traces: minutes to days. */
  readonly late: readonly Request[]
  readonly traces: readonly CorpusTrace[]
  /** Spans in all requests together, the late ones too. */
  readonly spans: number
  /** True: a pass lasts between half a {@link PASS_NS} and a whole one, and no duration is the same in two passes. */
  readonly stretched: boolean
}

/**
 * A bounded set of different requests, each of 512 spans of one instance of a service, as the SDKs of a running
 * system send them: traces start one after the other, and each service sends what it has gathered of them when it has
 * a full batch. The tail that fills no request of its own goes out in requests of several resources, as a collector
 * would send them, so that every trace is whole.
 *
 * @param count requests, default 128
 * @param seed same seed, same corpus
 * @param options `spansPerRequest`, default 512; `spanBytes`: smaller spans get an attribute that makes them as large; `lastsNs`: the time
 *   between its first and its last trace's start, default {@link PASS_NS}
 */
export function createCorpus(
  count = 128,
  seed = 1,
  { spansPerRequest = SPANS_PER_REQUEST, spanBytes = 0, lastsNs = PASS_NS } = {},
): Corpus {
  const random = createRandom(seed)
  const budget = count * spansPerRequest
  const capacity = Math.max(spanBytes, 600) * spansPerRequest
  const step = Math.floor(lastsNs / (budget / 16))
  const pending: SpanPlan[][] = SERVICES.map(() => [])
  const requests: Request[] = []
  const planned: SpanPlan[][] = []
  const lastRequests = new Map<Uint8Array, number>()
  let orders = 0
  let spans = 0

  for (let start = 0; spans < budget; start += step) {
    const trace = planTrace(random, start, () => orders++).slice(0, budget - spans)
    spans += trace.length
    planned.push(trace)
    for (const span of trace) {
      const group = pending[span.service]
      if (!group) throw new RangeError(`no service ${span.service}`)
      group.push(span)
      if (group.length < spansPerRequest) continue
      requests.push(writeRequest([group], requests.length))
      pending[span.service] = []
    }
  }
  const tail = pending.flat()
  for (let i = 0; i < tail.length; i += spansPerRequest) {
    const rest = tail.slice(i, i + spansPerRequest)
    const groups = SERVICES.map((_, service) => rest.filter((span) => span.service === service))
    requests.push(
      writeRequest(
        groups.filter((group) => group.length > 0),
        requests.length,
      ),
    )
  }
  const traces = planned.map((trace) => traceOf(trace, lastRequests))
  return { requests, late: [], traces, spans, stretched: false }

  function writeRequest(groups: readonly (readonly SpanPlan[])[], instance: number): Request {
    const request = new Message(capacity)
    for (const group of groups) {
      const service = SERVICES[group[0]?.service ?? 0]
      if (!service) throw new RangeError('a group without a service')
      const scope = new Message(64).string(1, '@opentelemetry/instrumentation-http').string(2, '0.206.0')
      const scopeSpans = new Message(capacity).message(1, scope)
      for (const span of group) {
        scopeSpans.message(2, padded(writeSpan(span, random), spanBytes, random))
        lastRequests.set(span.traceId, requests.length)
      }
      request.message(1, new Message(capacity).message(1, writeResource(service, instance % 3)).message(2, scopeSpans))
    }
    return toRequest(
      request,
      groups.reduce((sum, group) => sum + group.length, 0),
    )
  }
}

/** A span with an attribute that makes it about that large; its text is not one that compresses to nothing. */
function padded(span: Message, spanBytes: number, random: Random): Message {
  const length = spanBytes - span.bytes.length - PADDING_BYTES
  if (length <= 0) return span
  const text = Buffer.from(random.bytes(Math.ceil(length * 0.75)))
    .toString('base64')
    .slice(0, length)
  return span.message(
    9,
    new Message(length + 64).string(1, PADDING_KEY).message(2, new Message(length + 16).string(1, text)),
  )
}

/** A written request with its marks, each kind by itself. */
export function toRequest(message: Message, spans: number): Request {
  const offsets = (kind: number) =>
    Uint32Array.from(message.markOffsets.filter((_, i) => message.markKinds[i] === kind))
  return {
    bytes: Buffer.from(message.bytes),
    traceIds: offsets(MARK.traceId),
    spanIds: offsets(MARK.spanId),
    times: offsets(MARK.time),
    serials: offsets(MARK.serial),
    digits: offsets(MARK.digits),
    spans,
  }
}

function traceOf(spans: readonly SpanPlan[], lastRequests: ReadonlyMap<Uint8Array, number>): CorpusTrace {
  const traceId = spans[0]?.traceId
  const lastRequest = traceId && lastRequests.get(traceId)
  if (!traceId || lastRequest === undefined) throw new RangeError('a trace without spans')
  return { traceId, lastRequest, spans: spans.length, lateSpans: 0, orders: spans.flatMap((span) => span.order ?? []) }
}
