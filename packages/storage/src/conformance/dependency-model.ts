import * as fc from 'fast-check'
import type { DependencyEdge } from '../contract.ts'
import { exactDuration } from './aggregate-model.ts'
import { valuesOf } from './model.ts'
import { hexId, sent, traceId, type SentSpan } from './spans.ts'

const PRODUCER = 4
const CONSUMER = 5
const IDS = 120

/**
 * Spans of a few traces, each with an id of its own, that call one another, and link to one another, to themselves and to what never came; some come twice.
 */
export const arbitraryCalls: fc.Arbitrary<SentSpan[]> = fc
  .array(
    fc.record({
      parent: fc.option(fc.integer({ min: 1, max: IDS + 5 }), { nil: undefined, freq: 3 }),
      links: fc.array(fc.record({ to: fc.integer({ min: 1, max: IDS + 5 }), isOdd: fc.boolean() }), { maxLength: 4 }),
      service: fc.constantFrom('a', 'b', 'c', 'd'),
      kind: fc.constantFrom(1, 2, 3, PRODUCER, PRODUCER, CONSUMER, CONSUMER, CONSUMER),
      at: fc.nat(60),
      ms: fc.oneof(fc.nat(2_000), fc.constantFrom(0, -3, 0.000001, 1e7)),
      status: fc.nat(2),
      isTwin: fc.boolean(),
    }),
    { minLength: IDS, maxLength: IDS },
  )
  .map((specs) => {
    const spans = specs.map(({ parent, links, isTwin, ...spec }, i) => ({
      isTwin,
      span: sent({
        ...spec,
        trace: (i + 1) % 3,
        id: i + 1,
        // A parent is of the same trace, mostly.
        ...(parent !== undefined && { parent: parent % 7 === 0 ? parent : parent - ((parent - i - 1) % 3) }),
        span: { links: links.map(({ to, isOdd }) => linkTo(isOdd && to % 5 === 0 ? 77 : to % 3, to)) },
      }),
    }))
    return [...spans.map(({ span }) => span), ...spans.filter(({ isTwin }) => isTwin).map(({ span }) => span)]
  })

export function linkTo(trace: number, id: number): SentSpan['span']['links'][number] {
  return {
    traceId: traceId(trace),
    spanId: hexId(id, 16),
    traceState: '',
    attributes: [],
    droppedAttributesCount: 0,
    flags: 0,
  }
}

/**
 * Calls between services by the letter of the contract, on decoded spans of which each has an id of its own: what an engine's answer is held against. Percentiles are exact.
 */
export function expectedDependencies(
  sentSpans: readonly SentSpan[],
  from: bigint,
  to: bigint,
  links: boolean,
): DependencyEdge[] {
  const spans = [...new Set(sentSpans)]
  const found = new Map<string, { parent: string; child: string; kind: DependencyEdge['kind']; spans: SentSpan[] }>()
  const byId = (trace: string, id: string): SentSpan | undefined =>
    spans.find(({ span }) => span.traceId === trace && span.spanId === id)
  const count = (parent: SentSpan, child: SentSpan, kind: DependencyEdge['kind']): void => {
    const [a, b] = [serviceOf(parent), serviceOf(child)]
    if (a === b) return
    const key = JSON.stringify([a, b, kind])
    const edge = found.get(key) ?? { parent: a, child: b, kind, spans: [] }
    edge.spans.push(child)
    found.set(key, edge)
  }
  for (const child of spans) {
    const { span } = child
    if (span.startTimeUnixNano < from || span.startTimeUnixNano >= to) continue
    const parent = span.parentSpanId === span.spanId ? undefined : byId(span.traceId, span.parentSpanId)
    if (parent) count(parent, child, isMessage(parent, child) ? 'messaging' : 'call')
    const linked = new Set(links ? span.links.map(({ traceId: trace, spanId }) => byId(trace, spanId)) : [])
    for (const producer of linked)
      if (producer && producer !== parent && isMessage(producer, child)) count(producer, child, 'messaging')
  }
  const starts = spans.map(({ span }) => span.startTimeUnixNano).sort((a, b) => (a < b ? -1 : 1))
  const [first, last] = [starts[0]!, starts.at(-1)! + 1n]
  const seconds = Number((to < last ? to : last) - (from > 0n ? from : first)) / 1e9
  return [...found.values()]
    .map(({ spans: own, ...edge }) => ({
      ...edge,
      calls: own.length,
      errors: own.filter(({ span }) => span.status.code === 2).length,
      perSecond: own.length / seconds,
      p50Ns: percentile(own, 0.5),
      p95Ns: percentile(own, 0.95),
      p99Ns: percentile(own, 0.99),
    }))
    .sort((a, b) => (place(a) < place(b) ? -1 : 1))
}

function place({ parent, child, kind }: Pick<DependencyEdge, 'parent' | 'child' | 'kind'>): string {
  return `${parent} ${child} ${kind}`
}

function isMessage(from: SentSpan, to: SentSpan): boolean {
  return from.span.kind === PRODUCER && to.span.kind === CONSUMER
}

function serviceOf(span: SentSpan): string {
  return String(valuesOf({ field: 'service' }, span)[0])
}

function percentile(spans: readonly SentSpan[], share: number): number {
  const sorted = spans.map(exactDuration).sort((a, b) => a - b)
  return sorted[Math.ceil(share * sorted.length) - 1]!
}
