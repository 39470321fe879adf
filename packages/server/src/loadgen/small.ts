/**
 * Workloads of which what counts is not the bytes: spans that are small, as a load generator's, and requests that are
 * small, as services send them that have little to do.
 */
import { SPANS_PER_REQUEST, PASS_NS, toRequest, type Corpus, type CorpusTrace, type Request } from './corpus.ts'
import { MARK, Message } from './message.ts'
import { createRandom } from './random.ts'
import { SERVICES } from './shop.ts'
import { writeResource, writeSpan } from './span.ts'
import { planTrace } from './trace.ts'

/** The largest trace of {@link createSmallRequests}, in spans. */
const LARGEST_REQUEST = 50

/** Of {@link createSmallSpans}: attributes of a span that has some, and how many keys and values they are taken from. */
const ATTRIBUTES = 11
const KEYS = 97
const VALUES = 1000

/**
 * Requests that each hold one whole trace, of one service: 1 to 50 spans of the shop, half of them at most 4, 11 in the
 * mean.
 *
 * @param spans about how many in all
 */
export function createSmallRequests(spans: number, seed = 1, lastsNs = PASS_NS): Corpus {
  const random = createRandom(seed)
  const requests: Request[] = []
  const traces: CorpusTrace[] = []
  let total = 0
  const step = Math.floor(lastsNs / (spans / 11))
  for (let start = 0; total < spans; start += step) {
    const size = 1 + Math.floor(LARGEST_REQUEST * (random.uint32() / 0x1_0000_0000) ** 4)
    const plan = planTrace(random, start, () => 0, size).map((span) => ({ ...span, order: undefined }))
    const service = SERVICES[requests.length % SERVICES.length]
    const [root] = plan
    if (!service || !root) throw new RangeError('a trace without spans')
    const scopeSpans = new Message(4096).message(1, new Message(64).string(1, 'shop').string(2, '1.0.0'))
    for (const span of plan) scopeSpans.message(2, writeSpan(span, random))
    const resource = new Message(4096).message(1, writeResource(service, requests.length % 3)).message(2, scopeSpans)
    traces.push({ traceId: root.traceId, spans: size, lateSpans: 0, lastRequest: requests.length, orders: [] })
    requests.push(toRequest(new Message(4096).message(1, resource), size))
    total += size
  }
  return { requests, late: [], traces, spans: total, stretched: false }
}

/**
 * Requests of 512 spans in traces of two: a parent without attributes and a child with 11 short ones, of many keys and
 * values. 190 bytes a span.
 *
 * @param count requests
 */
export function createSmallSpans(count: number, seed = 1, lastsNs = PASS_NS): Corpus {
  const random = createRandom(seed)
  const requests: Request[] = []
  const traces: CorpusTrace[] = []
  const step = Math.floor(lastsNs / ((count * SPANS_PER_REQUEST) / 2))
  let attribute = 0
  for (let start = 0; requests.length < count;) {
    const scopeSpans = new Message(200_000).message(1, new Message(64).string(1, 'generator'))
    for (let i = 0; i < SPANS_PER_REQUEST; i += 2, start += step) {
      const [traceId, parentId, childId] = [random.bytes(16), random.bytes(8), random.bytes(8)]
      const end = start + 1_000 * (1 + random.below(1_000))
      const parent = new Message().raw(1, traceId, MARK.traceId).raw(2, parentId, MARK.spanId).string(5, 'parent')
      const child = new Message().raw(1, traceId, MARK.traceId).raw(2, childId, MARK.spanId)
      child.raw(4, parentId, MARK.spanId).string(5, 'child-00')
      parent.uint(6, 2).time(7, start).time(8, end)
      child.uint(6, 3).time(7, start).time(8, end)
      for (let a = 0; a < ATTRIBUTES; a++, attribute++) child.message(9, shortAttribute(attribute))
      scopeSpans.message(2, child.fixed32(16, 0x101)).message(2, parent.fixed32(16, 0x101))
      traces.push({ traceId, spans: 2, lateSpans: 0, lastRequest: requests.length, orders: [] })
    }
    const name = new Message().string(1, 'service.name').message(2, new Message().string(1, 'generator'))
    const resource = new Message(200_000).message(1, new Message().message(1, name)).message(2, scopeSpans)
    requests.push(toRequest(new Message(200_000).message(1, resource), SPANS_PER_REQUEST))
  }
  return { requests, late: [], traces, spans: count * SPANS_PER_REQUEST, stretched: false }
}

function shortAttribute(number: number): Message {
  const two = (value: number) => String(value).padStart(2, '0')
  const value = new Message(32).string(1, `val_${two(number % VALUES)}`)
  return new Message(64).string(1, `attr_${two(number % KEYS)}`).message(2, value)
}
