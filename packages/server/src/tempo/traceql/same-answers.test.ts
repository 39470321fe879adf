import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatch, encodeTraces, type KeyValue, type Span } from '@spoor/otlp'
import { collectSearch, openLocalStore, type TraceStore, type TraceSummary } from '@spoor/storage'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readTraceSpans, type TraceSpan } from '../trace-spans.ts'
import { compileTraceql } from './compile.ts'
import { evaluate } from './evaluate.ts'
import { parseTraceql } from './parse.ts'
import type { TraceFacts } from './span-values.ts'

const T0 = 1_790_000_000_000_000_000n
const MS = 1_000_000n
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0')

const VALUES = ['x', 'y', '', '1', '200', 'true', 1n, 200n, 1.5, true, false]

function attributesOf(pairs: readonly (readonly [string, string | bigint | number | boolean])[]): KeyValue[] {
  return pairs.map(([key, value]) => {
    switch (typeof value) {
      case 'string':
        return { key, value: { type: 'string', value } }
      case 'bigint':
        return { key, value: { type: 'int', value } }
      case 'number':
        return { key, value: { type: 'double', value } }
      default:
        return { key, value: { type: 'bool', value } }
    }
  })
}

const someAttributes = fc
  .array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(...VALUES)), { maxLength: 2 })
  .map(attributesOf)

/** No two spans of a trace start at once, and nobody is his own ancestor. */
const someTraces = fc.array(
  fc.array(
    fc.record({
      parent: fc.oneof(fc.nat(7), fc.constant(undefined), fc.constant(99)),
      service: fc.constantFrom('x', 'y', undefined),
      name: fc.constantFrom('x', 'GET /', '200'),
      kind: fc.nat(5),
      ms: fc.constantFrom(0, 1, 2, 40, 500),
      status: fc.nat(2),
      attributes: someAttributes,
      resource: someAttributes,
      scope: someAttributes,
      event: fc.option(someAttributes, { nil: undefined }),
      link: fc.option(someAttributes, { nil: undefined }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  { minLength: 25, maxLength: 25 },
)

let directory: string
let store: TraceStore
/** Every trace, as it came back. */
const read: { readonly facts: TraceFacts; readonly spans: readonly TraceSpan[] }[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-traceql-'))
  store = await openLocalStore({ directory })
  const traces = fc.sample(someTraces, { seed: 7, numRuns: 1 })[0]!
  for (const [t, specs] of traces.entries()) {
    const traceId = hex(t + 1, 32)
    const resourceSpans = specs.map((spec, i) => {
      const start = T0 + BigInt(t * 100 + ((i * 5) % 8)) * MS
      const parent =
        spec.parent === undefined || spec.parent === 99 ? spec.parent : i === 0 ? undefined : (spec.parent % i) + 1
      const span: Span = {
        traceId,
        spanId: hex(i + 1, 16),
        parentSpanId: parent === undefined ? '' : hex(parent, 16),
        traceState: '',
        flags: 0,
        name: spec.name,
        kind: spec.kind,
        startTimeUnixNano: start,
        endTimeUnixNano: start + BigInt(spec.ms) * MS,
        attributes: spec.attributes,
        droppedAttributesCount: 0,
        events: spec.event
          ? [{ timeUnixNano: start + MS, name: spec.name, attributes: spec.event, droppedAttributesCount: 0 }]
          : [],
        droppedEventsCount: 0,
        links: spec.link
          ? [
              {
                traceId: hex(1, 32),
                spanId: hex(1, 16),
                traceState: '',
                attributes: spec.link,
                droppedAttributesCount: 0,
                flags: 0,
              },
            ]
          : [],
        droppedLinksCount: 0,
        status: { code: spec.status, message: spec.status === 2 ? 'x' : '' },
      }
      const own = spec.service === undefined ? [] : attributesOf([['service.name', spec.service]])
      return {
        resource: { attributes: [...own, ...spec.resource], droppedAttributesCount: 0 },
        schemaUrl: '',
        scopeSpans: [
          {
            scope: { name: spec.name, version: '1', attributes: spec.scope, droppedAttributesCount: 0 },
            schemaUrl: '',
            spans: [span],
          },
        ],
      }
    })
    const half = Math.ceil(resourceSpans.length / 2)
    for (const part of [resourceSpans.slice(0, half), resourceSpans.slice(half)]) {
      if (part.length === 0) continue
      const bytes = encodeTraces({ resourceSpans: part })
      await store.append(createBatch('traces', [{ bytes, items: part.length }]))
    }
  }
  await readAll()
})

async function readAll(): Promise<void> {
  const { traces } = await collectSearch(store.search({ limit: 100 }))
  for (const { traceId, rootName, rootService, durationNs } of traces) {
    const { spans } = await readTraceSpans(store.trace(traceId), { withTree: true, maxSpans: 1000, grow: () => true })
    read.push({ facts: { traceId, rootName, rootService, durationNs }, spans })
  }
  expect(read).toHaveLength(25)
}

afterAll(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

const compare = fc.constantFrom('=', '!=', '<', '<=', '>', '>=')
const attribute = fc.constantFrom(
  '.a',
  'span.a',
  'resource.a',
  'event.a',
  'link.b',
  'instrumentation.b',
  '.b',
  'resource.service.name',
)
const literal = fc.constantFrom('"x"', '"1"', '""', '1', '200', '1.5', '-1')
const leaf = fc.oneof(
  fc.tuple(attribute, compare, literal).map((parts) => parts.join(' ')),
  fc.tuple(literal, compare, attribute).map((parts) => parts.join(' ')),
  fc.tuple(attribute, fc.constantFrom('=', '!='), fc.constantFrom('true', 'false')).map((parts) => parts.join(' ')),
  fc
    .tuple(attribute, fc.constantFrom('=~', '!~'), fc.constantFrom('"x"', '"x|y"', '".*"', '"[xy]"', '"2.."'))
    .map((parts) => parts.join(' ')),
  fc.tuple(attribute, fc.constantFrom('= nil', '!= nil')).map((parts) => parts.join(' ')),
  attribute,
  attribute.map((name) => `!${name}`),
  fc
    .tuple(fc.constantFrom('duration', 'traceDuration'), compare, fc.constantFrom('1ms', '40ms', '0'))
    .map((parts) => parts.join(' ')),
  fc
    .tuple(
      fc.constantFrom('name', 'rootName', 'rootServiceName', 'statusMessage', 'event:name', 'instrumentation:name'),
      compare,
      fc.constantFrom('"x"', '"GET /"', '""'),
    )
    .map((parts) => parts.join(' ')),
  fc
    .tuple(
      fc.constantFrom('name', 'event:name', 'statusMessage'),
      fc.constantFrom('=~', '!~'),
      fc.constantFrom('"x"', '"G.*"'),
    )
    .map((parts) => parts.join(' ')),
  fc.constantFrom(
    'status = error',
    'status != ok',
    'kind = server',
    'kind != client',
    'nestedSetParent < 0',
    'nestedSetParent >= 0',
    'parent = nil',
    'parent != nil',
    'trace:id = "3"',
    'span:id = "2"',
    'span:parentID = "1"',
    'span:parentID = nil',
    'link:traceID = "1"',
    'link:spanID != "2"',
    'event:name != nil',
    'statusMessage != nil',
    'true',
    'false',
    '1 < 2',
  ),
)
/** What the store has no words for. */
const odd = fc.constantFrom(
  'span.a = resource.a',
  '.a + 1 > 1',
  'parent.a = "x"',
  'span:childCount > 1',
  'nestedSetLeft > 2',
  'event:timeSinceStart > 0',
  'rootName =~ "x.*"',
  'nestedSetParent > 0',
  '-.a < 0',
)
const parts = fc.letrec<{ expression: string; set: string; query: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 12, arbitrary: leaf },
    { weight: 1, arbitrary: odd },
    {
      weight: 4,
      arbitrary: fc
        .tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression'))
        .map(([a, sign, b]) => `(${a} ${sign} ${b})`),
    },
    { weight: 2, arbitrary: tie('expression').map((inner) => `!(${inner})`) },
  ),
  set: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 4, arbitrary: tie('expression').map((expression) => `{ ${expression} }`) },
    { weight: 1, arbitrary: fc.constant('{ }') },
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          tie('set'),
          fc.constantFrom(
            '&&',
            '||',
            '>',
            '>>',
            '<',
            '<<',
            '~',
            '!>',
            '!>>',
            '!<',
            '!<<',
            '!~',
            '&>',
            '&>>',
            '&<',
            '&<<',
            '&~',
          ),
          tie('set'),
        )
        .map(([left, sign, right]) => `(${left} ${sign} ${right})`),
    },
    { weight: 1, arbitrary: tie('query').map((query) => `(${query})`) },
  ),
  query: fc
    .tuple(
      tie('set'),
      fc.array(
        fc.oneof(
          fc
            .tuple(
              fc.constantFrom('count()', 'min(duration)', 'max(.a)', 'sum(span.a)', 'avg(.b)'),
              compare,
              fc.constantFrom('0', '1', '2', '200', '1ms'),
            )
            .map((all) => all.join(' ')),
          tie('set'),
          fc
            .tuple(tie('set'), fc.constantFrom('>', '<=', '='), tie('set'))
            .map(([left, sign, right]) => `(${left} | count()) ${sign} (${right} | count()) - 1`),
          fc.constantFrom('by(.a)', 'by(name)', 'coalesce()', 'select(.a, status)', 'max(.a) - min(.a) >= 0'),
        ),
        { maxLength: 2 },
      ),
    )
    .map(([first, rest]) => [first, ...rest].join(' | ')),
}))

/** What is found: traces by their ids, with their spans. */
type Found = Readonly<Record<string, readonly string[]>>

async function fromStore(text: string): Promise<{ readonly found: Found; readonly isExact: boolean }> {
  const { set, inexactAt } = compileTraceql(parseTraceql(text).stages, text)
  const { traces } = await collectSearch(store.search({ ...(set && { spans: set }), limit: 100, matchesPerTrace: 100 }))
  const spansOf = ({ matched }: TraceSummary) => matched?.first.map(({ spanId }) => spanId)
  const found = Object.fromEntries(traces.map((trace) => [trace.traceId, (spansOf(trace) ?? ['all']).toSorted()]))
  return { found, isExact: inexactAt === undefined }
}

function byLooking(text: string): Found {
  const found: Record<string, readonly string[]> = {}
  for (const { facts, spans: all } of read) {
    const { traceId } = facts
    const groups = evaluate(parseTraceql(text).stages, all, facts)
    const spans = [...new Set(groups.flatMap(({ spans: own }) => own.map(({ span }) => span.spanId)))]
    if (spans.length > 0) found[traceId] = spans.toSorted()
  }
  return found
}

/** Whether the store has words for all of it. */
async function check(text: string): Promise<boolean> {
  const expected = byLooking(text)
  const { found, isExact } = await fromStore(text)
  if (isExact) {
    const isAll = Object.values(found).every(([first]) => first === 'all')
    expect(isAll ? Object.keys(found).toSorted() : found).toEqual(isAll ? Object.keys(expected).toSorted() : expected)
  } else {
    for (const [traceId, spans] of Object.entries(expected)) {
      const own = found[traceId]
      expect(own?.[0] === 'all' ? spans : own).toEqual(expect.arrayContaining([...spans]))
    }
  }
  return isExact
}

it('finds what a look at every span finds; what there are no words for it finds and more', async () => {
  let exact = 0
  await fc.assert(
    fc.asyncProperty(parts.query, async (text) => {
      try {
        if (await check(text)) exact++
      } catch (error) {
        // The tree that the store takes has its bounds.
        if (!/more than 1000 conditions|more cases at once|levels deep/.test(String(error))) throw error
      }
    }),
    { numRuns: 120, seed: 11 },
  )
  expect(exact).toBeGreaterThan(50)
}, 60_000)

it.each([
  '{ !(rootName = "x") && !(rootServiceName != "x") }',
  '{ !(traceDuration > 40ms || .a = 1) }',
  '{ traceDuration > 40ms && rootName != "x" || .a = "x" }',
  '{ .a != nil } | { traceDuration <= 40ms || name = "x" }',
  '({ .a != nil } && { .b != nil }) | { name = "x" }',
  '({ .a != nil } !> { .b != nil }) | count() > 1 | { name = "x" }',
  '{ } | by(.a) | ({ } !~ { .a != nil })',
  '{ } | by(name) | count() = 1',
  '{ parent.a = "x" } !>> { }',
  '({ .a != nil } | count()) > ({ .b != nil } | count())',
  '({ .a != nil } | by(name) | count()) + ({ .b != nil } | count()) >= 2 | { name = "x" }',
])('finds the same by %s', async (text) => {
  await check(text)
  expect(Object.keys(byLooking(text)).length).toBeGreaterThan(0)
})

it('tells of the spans of both sets whose numbers are compared', () => {
  const queries = ['({ .a != nil } | count()) > ({ .b != nil } | count())', '{ .a != nil }', '{ .b != nil }']
  const [more, withA, withB] = queries.map(byLooking) as [Found, Found, Found]
  const expected = Object.entries(withA).flatMap(([traceId, spans]) => {
    const others = withB[traceId] ?? []
    return spans.length > others.length ? [[traceId, [...new Set([...spans, ...others])].toSorted()]] : []
  })
  expect(expected.length).toBeGreaterThan(0)
  expect(more).toEqual(Object.fromEntries(expected))
})

it('says where the store has no words', () => {
  for (const [text, at] of [
    ['{ .a = 1 && span.b = resource.b }', 19],
    ['{ } | by(.a) | count() > 1', 23],
    ['{ parent.a = 1 }', 2],
    ['{ } | max(.a) - min(.a) > 1', 24],
  ] as const)
    expect([text, compileTraceql(parseTraceql(text).stages, text).inexactAt]).toEqual([text, at])
})

it('is done at once with what would take for ever', () => {
  const began = process.cpuUsage()
  for (const text of [
    `${'{ .a = 1 } || { .b = 1 } || '.repeat(5)}{ }${` | ${'{ .a = 1 } || { .b = 1 } || '.repeat(5)}{ }`.repeat(20)}`,
    `{ ${Array.from({ length: 200 }, (_, i) => `(traceDuration > ${i}s || .a = ${i})`).join(' && ')} }`,
  ])
    expect(() => compileTraceql(parseTraceql(text).stages, text)).toThrow('more cases at once')
  for (const text of [`{ }${' &> { }'.repeat(1000)}`, `{ .a${' || .b && .c'.repeat(500)} }`])
    expect(() => compileTraceql(parseTraceql(text).stages, text)).toThrow('levels deep, and a store takes 60')
  const { user, system } = process.cpuUsage(began)
  // Microseconds; some milliseconds without a load.
  expect(user + system).toBeLessThan(5e6)
})
