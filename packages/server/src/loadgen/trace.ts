import type { Random } from './random.ts'
import { SERVICES } from './shop.ts'
import type { SpanPlan } from './span.ts'

/** Every how many spans one carries an order. */
const SPANS_PER_ORDER = 128

/** The smallest and the largest trace, in spans; the mean is 16. */
const SMALLEST = 8
const LARGEST = 24

/**
 * One trace of 8 to 24 spans, or of `spans`, that starts at `start` (nanoseconds): a request at the gateway, the functions and
 * queries that it runs, and the calls to other services, each as a client span with a server span below. Children lie
 * within their parent in time.
 */
export function planTrace(random: Random, start: number, nextOrder: () => number, spans?: number): SpanPlan[] {
  const size = spans ?? SMALLEST + random.below(LARGEST - SMALLEST + 1)
  const traceId = random.bytes(16)
  const failing = random.chance(0.12)
  const planned: SpanPlan[] = []

  const add = (span: Omit<SpanPlan, 'traceId' | 'spanId' | 'order'>): SpanPlan => {
    const order = random.below(SPANS_PER_ORDER) === 0 ? nextOrder() : undefined
    const added = { ...span, traceId, spanId: random.bytes(8), order }
    planned.push(added)
    return added
  }

  const root = add({
    parentSpanId: undefined,
    service: 0,
    kind: 'server',
    start,
    end: start + 2_000_000 + random.below(900_000_000),
    failed: failing,
    peer: 0,
  })
  const servers = [root]
  while (planned.length < size) {
    const parent = random.pick(servers)
    const service = SERVICES[parent.service]
    if (!service) throw new RangeError(`no service ${parent.service}`)
    const length = parent.end - parent.start
    const from = parent.start + Math.floor(length * 0.1 * random.below(8))
    const to = from + Math.floor((length * (1 + random.below(90))) / 1000)
    const common = {
      parentSpanId: parent.spanId,
      service: parent.service,
      start: from,
      end: to,
      failed: false,
      peer: 0,
    }
    if (random.chance(0.4) && planned.length + 2 <= size) {
      const peer = random.pick(service.calls)
      const failed = failing && random.chance(0.2)
      const client = add({ ...common, kind: 'client', failed, peer })
      const inset = Math.floor((to - from) / 10)
      servers.push(
        add({
          ...common,
          kind: 'server',
          parentSpanId: client.spanId,
          service: peer,
          start: from + inset,
          end: to - inset,
          failed,
        }),
      )
    } else {
      add({ ...common, kind: service.tables.length > 0 && random.chance(0.5) ? 'database' : 'internal' })
    }
  }
  return planned
}
