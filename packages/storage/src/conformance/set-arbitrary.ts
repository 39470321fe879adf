import * as fc from 'fast-check'
import { ORDERS, type SearchQuery, type SpanSet } from '../contract.ts'
import { arbitraryAttributes, arbitraryFilter } from './arbitrary.ts'
import { MS, sent, T0, type SentSpan } from './spans.ts'

/** Spans of one trace. The parent of a span came before it in the list, or was never sent; no two start at once. */
const arbitraryTrace = fc
  .array(
    fc.record({
      parent: fc.oneof(fc.nat(7), fc.constant(undefined), fc.constant(99)),
      service: fc.constantFrom('x', 'y', 'z'),
      name: fc.constantFrom('x', 'GET /', '200'),
      kind: fc.nat(3),
      ms: fc.constantFrom(0, 1, 2, 40, 500),
      status: fc.nat(2),
      attributes: arbitraryAttributes,
      isTwin: fc.nat(5),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .chain((specs) =>
    fc
      .shuffledSubarray(
        specs.map((_, i) => i),
        { minLength: specs.length, maxLength: specs.length },
      )
      .map((places) => specs.map((spec, i) => ({ ...spec, place: places[i]! }))),
  )

/** Some traces, their spans mixed, some of them sent twice. */
export const arbitraryTraces: fc.Arbitrary<SentSpan[]> = fc
  .array(fc.tuple(fc.nat(60), arbitraryTrace), { minLength: 10, maxLength: 20 })
  .chain((traces) => {
    const spans = traces.flatMap(([at, specs], trace) =>
      specs.flatMap(({ parent, isTwin, place, ...spec }, i) => {
        const above = parent === undefined || parent === 99 ? parent : i === 0 ? undefined : (parent % i) + 1
        const span = sent({ ...spec, trace, id: i + 1, at: at + place, ...(above !== undefined && { parent: above }) })
        return isTwin === 0 ? [span, span] : [span]
      }),
    )
    return fc.shuffledSubarray(spans, { minLength: spans.length, maxLength: spans.length })
  })

const COMPARE = fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte')

const sets = fc.letrec<{ set: SpanSet }>((tie) => {
  const among = fc.option(tie('set'), { nil: undefined }).map((set) => (set ? { among: set } : {}))
  return {
    set: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.option(arbitraryFilter, { nil: undefined, freq: 8 }).map((filter) => ({
        op: 'spans' as const,
        ...(filter && { filter }),
      })),
      fc.record({
        op: fc.constantFrom('and', 'or'),
        args: fc.array(tie('set'), { minLength: 1, maxLength: 3 }),
      }),
      fc.tuple(tie('set'), among).map(([arg, rest]) => ({ op: 'without' as const, arg, ...rest })),
      fc.record({
        op: fc.constant('related' as const),
        relation: fc.constantFrom('child', 'parent', 'descendant', 'ancestor', 'sibling'),
        not: fc.boolean(),
        left: tie('set'),
        right: tie('set'),
      }),
      fc.record({
        op: fc.constant('having' as const),
        arg: tie('set'),
        aggregate: fc.constantFrom('count', 'min', 'max', 'sum', 'avg'),
        of: fc.constantFrom({ field: 'duration' }, { attribute: 'a' }, { attribute: 'b', level: 'span' }),
        compare: COMPARE,
        value: fc.constantFrom(0, 1, 2, 3, 200, 1e6, 40e6, 43e6),
      }),
      fc
        .tuple(
          fc.constantFrom('requestDuration', 'duration', 'tail', 'spans', 'errors'),
          COMPARE,
          fc.constantFrom(0, 1, 2, 3, 1e6, 40e6, 50e6, 500e6),
          among,
        )
        .map(([field, compare, value, rest]) => ({ op: 'trace' as const, field, compare, value, ...rest })),
      fc
        .tuple(fc.constantFrom('rootService', 'rootName'), COMPARE, fc.constantFrom('x', 'y', '200'), among)
        .map(([field, compare, value, rest]) => ({ op: 'trace' as const, field, compare, value, ...rest })),
    ),
  }
})

export const arbitrarySet: fc.Arbitrary<SpanSet> = sets.set

/** A search of {@link arbitraryTraces}. */
export const arbitrarySearch: fc.Arbitrary<SearchQuery> = fc
  .record({
    spans: sets.set,
    range: fc.option(fc.tuple(fc.nat(70), fc.nat(70)), { nil: undefined }),
    order: fc.constantFrom(...ORDERS),
    limit: fc.constantFrom(1, 2, 5, 50),
  })
  .map(({ range, ...query }) => {
    if (!range) return query
    const [first, length] = range
    return { ...query, from: T0 + BigInt(first) * MS, to: T0 + BigInt(first + length) * MS }
  })
