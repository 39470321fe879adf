import { PASS_NS, toRequest, type Corpus, type CorpusTrace, type Request } from '../corpus.ts'
import { Message } from '../message.ts'
import { createRandom } from '../random.ts'
import type { SpanDraft } from './draft.ts'
import { batchesOf, type Batch } from './exporters.ts'
import { Market } from './market.ts'
import { ORDER_KEY, orderNumber } from './subject.ts'
import { writeResourceSpans } from './write.ts'

/** About how many spans come of one entry. */
const SPANS_PER_ENTRY = 24

/** Clocks that are behind must not come before the start of the pass. */
const FIRST_NS = 3_000_000_000

/**
 * A marketplace of 41 services in eight languages, as OTLP requests: what its exporters send within a minute, give or
 * take. Traces of one span to several thousand, tails that run on after the answer, failures, retries, loops of
 * queries, lost spans, wrong clocks. Sent pass by pass ({@link createPass}, stretched), with ids, times and values of
 * its own in each.
 *
 * @param spans at least that many, default 65,536; the last trace is whole
 * @param seed same seed, same corpus
 * @param lastsNs what its exporters send within so long, in place of a minute
 */
export function createMarketCorpus(spans = 65_536, seed = 1, lastsNs = PASS_NS): Corpus {
  const random = createRandom(seed)
  const market = new Market(random, lastsNs)
  const step = Math.floor((lastsNs - FIRST_NS) / (spans / SPANS_PER_ENTRY))
  const traces: SpanDraft[][] = []
  for (let at = FIRST_NS, made = 0; made < spans; at += step) {
    for (const trace of market.traces(at)) {
      traces.push(trace)
      made += trace.length
    }
  }
  const batches = batchesOf(traces.flat())
  const punctual = batches.filter(({ late }) => !late)
  const lastRequest = new Map<Uint8Array, number>()
  for (const [i, batch] of punctual.entries()) for (const { traceId } of batch.spans) lastRequest.set(traceId, i)
  return {
    requests: punctual.map(writeRequest),
    late: batches.filter(({ late }) => late).map(writeRequest),
    traces: traces.map((trace) => traceOf(trace, lastRequest)),
    spans: traces.reduce((sum, trace) => sum + trace.length, 0),
    stretched: true,
  }
}

function writeRequest({ spans }: Batch): Request {
  const request = new Message(spans.length * 1_000)
  const byInstance = Map.groupBy(spans, ({ instance }) => instance)
  for (const [instance, group] of byInstance) request.message(1, writeResourceSpans(instance, group))
  return toRequest(request, spans.length)
}

function traceOf(spans: readonly SpanDraft[], lastRequest: ReadonlyMap<Uint8Array, number>): CorpusTrace {
  const traceId = spans[0]?.traceId
  if (!traceId) throw new RangeError('a trace without spans')
  return {
    traceId,
    spans: spans.length,
    lateSpans: spans.filter(({ instance }) => instance.service.exporter === 'phone').length,
    lastRequest: lastRequest.get(traceId) ?? -1,
    orders: [...new Set(spans.flatMap(({ attributes }) => orderNumber(attributes[ORDER_KEY]) ?? []))],
  }
}
