import { SpanFlag } from '../model.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'

const [SERVER, CONSUMER] = [2, 5]
/** Spans that end so close to each other are a burst where there are so many of a service: five hundred a second, and more are lost than seen. */
const WINDOW_MS = 100
const LEAST_IN_WINDOW = 50
/** Windows before and after one that belong to its burst. */
const AROUND = 10
/** So many spans without their parent, of so many parents, and that share of all in bursts. */
const LEAST_LOOSE = 20
const LEAST_PARENTS = 5
const LEAST_SHARE = 0.05
/** In bursts lie so many of those without a parent; and beside bursts so few are without. */
const SHARE_IN_BURSTS = 0.8
const SHARE_BESIDE = 0.02
/** A parent with so many children, and it is lost. */
const LEAST_OF_ONE = 1_000
/** What SDKs put into one request. A queue of 2,048 that has overrun is a whole number of them. */
const BATCH = 512
const QUEUE = 2_048
/** Parents end after their children; and where all ended at once, those that were open went with it: others must have come since. Milliseconds. */
const SETTLED_MS = 20_000
const MAX_SERVICES = 500
const MAX_SPANS = 50_000

interface Ended {
  readonly toMs: number
  readonly isLoose: boolean
}

interface Service {
  readonly name: string
  readonly spans: Ended[]
  /** Of the parents that are not there, how many children each has, and when the last of them ended. */
  readonly parents: Map<string, { count: number; toMs: number }>
  readonly evidence: Evidence
}

/**
 * Spans whose parent in the same process never came, in bursts: the processor's queue was full, and as parents end after their children it is they that were
 * dropped. Beside bursts the parents are there, so it is not that they are never ended.
 */
export function queueOverflow(): Rule {
  const services = new Map<string, Service>()
  let lastMs = 0
  return {
    add(seen) {
      const { trace } = seen
      lastMs = Math.max(lastMs, Number(trace.start / 1_000_000n) + trace.durationNs / 1e6)
      for (let row = 0; row < trace.size; row++) {
        const name = seen.service(row)
        if (services.size >= MAX_SERVICES && !services.has(name)) continue
        const service = at(services, name, (): Service => ({
          name,
          spans: [],
          parents: new Map(),
          evidence: new Evidence(),
        }))
        if (service.spans.length >= MAX_SPANS) continue
        // What begins a service's part has its parent in another process.
        const isLoose =
          (trace.flags[row]! & SpanFlag.orphan) !== 0 && trace.kind[row] !== SERVER && trace.kind[row] !== CONSUMER
        const toMs = seen.startMs(row) + trace.durationsNs[row]! / 1e6
        service.spans.push({ toMs, isLoose })
        if (!isLoose) continue
        service.evidence.add(seen, row)
        const parent = at(service.parents, `${trace.traceId} ${seen.detail(row).span.parentSpanId}`, () => ({
          count: 0,
          toMs: 0,
        }))
        parent.count++
        parent.toMs = Math.max(parent.toMs, toMs)
      }
    },
    found: (nowMs) => [...services.values()].flatMap((service) => overflowOf(service, nowMs, lastMs)),
  }
}

function overflowOf(service: Service, nowMs: number, lastMs: number): Finding[] {
  if (service.evidence.count < LEAST_LOOSE) return []
  const settledMs = Math.min(nowMs, lastMs) - SETTLED_MS
  const whole = [...service.parents.values()].find(
    ({ count, toMs }) => count >= QUEUE && count % BATCH === 0 && toMs <= nowMs - SETTLED_MS,
  )
  const one =
    whole ?? [...service.parents.values()].find(({ count, toMs }) => count >= LEAST_OF_ONE && toMs <= settledMs)
  if (one === undefined && !isOfBursts(service, settledMs)) return []
  const parents = service.parents.size
  return [
    {
      id: idOf('queue_overflow', service.name),
      code: 'queue_overflow',
      severity: 'error',
      what: `${service.evidence.count} spans of ${service.name} have lost the ${parents === 1 ? 'span' : `${parents} spans`} above them, all in bursts: the queue of its batch processor was full, and dropped what ended then.`,
      where: `service ${service.name}`,
      services: [service.name],
      mend: 'Let more wait (2,048 spans where nothing is set; a span takes some kB), or make fewer: one for a loop, and not one for each turn of it.',
      lines: [{ kind: 'env', text: 'OTEL_BSP_MAX_QUEUE_SIZE=65536' }],
      ...service.evidence.report(),
    },
  ]
}

/** `settledMs`: the parents of what ended later may be open. */
function isOfBursts({ spans, parents }: Service, settledMs: number): boolean {
  if ([...parents.values()].filter(({ toMs }) => toMs <= settledMs).length < LEAST_PARENTS) return false
  const settled = spans.filter(({ toMs }) => toMs <= settledMs)
  const windowOf = ({ toMs }: Ended): number => Math.floor(toMs / WINDOW_MS)
  const windows = new Map<number, number>()
  for (const span of settled) windows.set(windowOf(span), (windows.get(windowOf(span)) ?? 0) + 1)
  const ofBursts = new Set<number>()
  for (const [window, ended] of windows)
    if (ended >= LEAST_IN_WINDOW) for (let by = -AROUND; by <= AROUND; by++) ofBursts.add(window + by)
  const count = { inBursts: 0, looseInBursts: 0, beside: 0, looseBeside: 0 }
  for (const span of settled) {
    const isInBurst = ofBursts.has(windowOf(span))
    count[isInBurst ? 'inBursts' : 'beside']++
    if (span.isLoose) count[isInBurst ? 'looseInBursts' : 'looseBeside']++
  }
  const loose = count.looseInBursts + count.looseBeside
  return (
    loose >= LEAST_LOOSE &&
    count.looseInBursts >= SHARE_IN_BURSTS * loose &&
    count.looseInBursts >= LEAST_SHARE * count.inBursts &&
    count.looseBeside <= SHARE_BESIDE * count.beside &&
    // Where no span has its parent, nobody knows whether it is ever ended.
    settled.some(({ isLoose }) => !isLoose)
  )
}
