import * as fc from 'fast-check'
import type {
  AggregateQuery,
  AggregateScope,
  BottleneckQuery,
  CompareQuery,
  ErrorGroupsQuery,
  FlameQuery,
  GroupKey,
  HeatMapQuery,
} from '../contract.ts'
import { arbitraryAttributes } from './arbitrary.ts'
import { arbitrarySet, arbitraryTraces } from './set-arbitrary.ts'
import { attributes, MS, T0, type SentSpan } from './spans.ts'

/** Traces as a search is tried with, with attributes at every level. */
export const arbitraryCounted: fc.Arbitrary<SentSpan[]> = fc
  .tuple(arbitraryTraces, fc.infiniteStream(fc.array(arbitraryAttributes, { minLength: 4, maxLength: 4 })))
  .map(([spans, stream]) => {
    const known = new Map<SentSpan, SentSpan>()
    return spans.map((span) => {
      // What was sent twice is the same both times.
      const twin = known.get(span) ?? withAttributes(span, stream.next().value as Lists)
      known.set(span, twin)
      return twin
    })
  })

type Lists = SentSpan['span']['attributes'][]

function withAttributes({ resource, scope, span }: SentSpan, [ofResource, ofScope, ofEvent, ofLink]: Lists): SentSpan {
  const { traceId, spanId } = span
  const link = { traceId, spanId, traceState: '', attributes: ofLink!, droppedAttributesCount: 0, flags: 0 }
  return {
    resource: { ...resource, attributes: [...resource.attributes, ...ofResource!] },
    scope: { ...scope, attributes: ofScope! },
    span: {
      ...span,
      events: [{ timeUnixNano: T0, name: 'e', attributes: ofEvent!, droppedAttributesCount: 0 }],
      links: [link],
    },
  }
}

const arbitraryException = fc
  .record(
    {
      'exception.type': fc.constantFrom('TypeError', 'IOError', 1n),
      'exception.message': fc.constantFrom('order 1 is gone', 'order 22 is gone', ''),
      'exception.stacktrace': fc.constantFrom('E\n    at pay (/a/pay.js:1:2)', 'E\n    at pay (/b/pay.js:7:8)', 'none'),
    },
    { requiredKeys: [] },
  )
  .map((values) => ({ timeUnixNano: T0, name: 'exception', attributes: attributes(values), droppedAttributesCount: 0 }))

/** The same, some of which tell of errors. */
export const arbitraryErrors: fc.Arbitrary<SentSpan[]> = fc
  .tuple(
    arbitraryCounted,
    fc.infiniteStream(
      fc.record({
        exceptions: fc.array(arbitraryException, { maxLength: 3 }),
        type: fc.constantFrom(undefined, 'timeout', '500'),
        message: fc.constantFrom('', 'after 5 s', 'after 7 s'),
        isFine: fc.boolean(),
      }),
    ),
  )
  .map(([spans, stream]) => {
    const known = new Map<SentSpan, SentSpan>()
    return spans.map((each) => {
      const { exceptions, type, message, isFine } = stream.next().value!
      const { span } = each
      const own = type === undefined ? [] : attributes({ 'error.type': type })
      const changed = {
        ...each,
        span: {
          ...span,
          attributes: [...span.attributes, ...own],
          events: isFine ? span.events : [...span.events, ...exceptions],
          status: { ...span.status, message },
        },
      }
      const twin = known.get(each) ?? changed
      known.set(each, twin)
      return twin
    })
  })

const arbitraryKey: fc.Arbitrary<GroupKey> = fc.oneof(
  fc.record({ field: fc.constantFrom('service', 'name', 'kind', 'status') }),
  fc.record({ attribute: fc.constantFrom('a', 'b', 'ключ') }),
  fc.record({
    attribute: fc.constantFrom('a', 'b'),
    level: fc.constantFrom('any', 'span', 'resource', 'scope', 'event', 'link'),
  }),
)

const arbitrarySpans: fc.Arbitrary<Omit<AggregateScope, 'of'>> = fc
  .record({
    spans: fc.option(arbitrarySet, { nil: undefined, freq: 6 }),
    range: fc.option(fc.tuple(fc.nat(70), fc.nat(70)), { nil: undefined }),
  })
  .map(({ spans, range }) => ({
    ...(spans && { spans }),
    ...(range && { from: T0 + BigInt(range[0]) * MS, to: T0 + BigInt(range[0] + range[1]) * MS }),
  }))

const arbitraryScope: fc.Arbitrary<AggregateScope> = fc
  .tuple(arbitrarySpans, fc.constantFrom('spans', 'requests', undefined))
  .map(([spans, of]) => ({ ...spans, ...(of && { of }) }))

export const arbitraryAggregate: fc.Arbitrary<AggregateQuery> = fc
  .tuple(
    arbitraryScope,
    fc.record({
      groupBy: fc.array(arbitraryKey, { maxLength: 3 }),
      percentiles: fc.constantFrom([0.5, 0.95], [1, 0.001, 0.9], []),
      order: fc.constantFrom('count', 'errors', 'sum', 'max'),
      limit: fc.constantFrom(1, 3, 1000),
      buckets: fc.constantFrom(0, 1, 7),
      aligned: fc.boolean(),
      exemplars: fc.constantFrom(0, 1, 3),
    }),
  )
  .map(([scope, counts]) => ({ ...scope, ...counts }))

export const arbitraryHeatMap: fc.Arbitrary<HeatMapQuery> = fc
  .tuple(
    arbitraryScope,
    fc.record({
      timeBins: fc.constantFrom(1, 5, 40),
      durationBins: fc.constantFrom(1, 4, 24),
      aligned: fc.boolean(),
    }),
  )
  .map(([scope, bins]) => ({ ...scope, ...bins }))

export const arbitraryErrorGroups: fc.Arbitrary<ErrorGroupsQuery> = fc
  .tuple(
    arbitrarySpans,
    fc.record({
      order: fc.constantFrom('count', 'first_seen', 'last_seen'),
      limit: fc.constantFrom(1, 3, 1000),
      buckets: fc.constantFrom(0, 1, 7),
      aligned: fc.boolean(),
      exemplars: fc.constantFrom(0, 1, 3),
    }),
  )
  .map(([scope, counts]) => ({ ...scope, ...counts }))

export const arbitraryBottleneck: fc.Arbitrary<BottleneckQuery> = fc
  .tuple(arbitrarySpans, fc.record({ limit: fc.constantFrom(1, 3, 1000) }))
  .map(([scope, counts]) => ({ ...scope, ...counts }))

export const arbitraryFlame: fc.Arbitrary<FlameQuery> = fc
  .tuple(
    arbitrarySpans,
    fc.record({ limit: fc.constantFrom(1, 4, 10, 1000), exemplars: fc.constantFrom(0, 1, 3) }, { requiredKeys: [] }),
  )
  .map(([scope, counts]) => ({ ...scope, ...counts }))

/** Of two sets, one of them often everything. */
export const arbitraryCompare: fc.Arbitrary<CompareQuery> = fc.record({
  a: fc.oneof(fc.constant({}), arbitraryScope),
  b: arbitraryScope,
  keys: fc.array(arbitraryKey, { minLength: 1, maxLength: 5 }),
  limit: fc.constantFrom(1, 1000),
})
