import { expect, it } from 'vitest'
import type { Filter, Order, SpanSet } from '../../contract.ts'
import { candidatesSql } from './candidates.ts'
import { countedSql, totalSql } from './counted.ts'
import { filterSql } from './filter.ts'
import { HEADER_COLUMNS, isOfHeaders } from './headers.ts'
import { Parameters } from './parameters.ts'

const ATTRIBUTE = { attribute: 'http.route' }

const FILTERS: Readonly<Record<string, Filter>> = {
  service: { op: 'eq', target: { field: 'service' }, value: 'shop' },
  'not-name': { op: 'ne', target: { field: 'name' }, value: "o'r; DROP TABLE otel_traces" },
  status: { op: 'in', target: { field: 'status' }, values: ['error', 'ok'] },
  'slower-than': { op: 'gt', target: { field: 'duration' }, value: 1e9 },
  'started-before': { op: 'lt', target: { field: 'start' }, value: 1_735_689_600_000_000_000n },
  'has-parent': { op: 'exists', target: { field: 'parentId' } },
  'event-name': { op: 'eq', target: { field: 'eventName' }, value: 'exception' },
  'link-not': { op: 'ne', target: { field: 'linkTraceId' }, value: 'ab' },
  'attribute-anywhere': { op: 'eq', target: ATTRIBUTE, value: '/pay' },
  'attribute-of-span': { op: 'eq', target: { ...ATTRIBUTE, level: 'span' }, value: '/pay' },
  'attribute-not': { op: 'ne', target: { ...ATTRIBUTE, level: 'resource' }, value: '/pay' },
  'attribute-number': { op: 'gte', target: { ...ATTRIBUTE, level: 'span' }, value: 500 },
  'attribute-of-event': { op: 'exists', target: { ...ATTRIBUTE, level: 'event' } },
  'attribute-text-order': { op: 'lt', target: { ...ATTRIBUTE, level: 'span' }, value: 'm' },
  regex: { op: 'regex', target: { field: 'name' }, value: String.raw`^GET /pay\.js` },
  'regex-of-steps': { op: 'regex', target: { field: 'name' }, value: 'a{1000}' },
  word: { op: 'word', value: 'Abc1' },
  'not-both': {
    op: 'not',
    arg: {
      op: 'and',
      args: [
        { op: 'eq', target: { field: 'kind' }, value: 'server' },
        { op: 'regex', target: { field: 'name' }, value: 'x' },
      ],
    },
  },
}

function told(sql: string, { values }: Parameters): string {
  return `${sql}\n\n${Object.entries(values)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join('\n')}\n`
}

it.each(Object.entries(FILTERS))('says in SQL what can be said of a filter: %s', async (name, filter) => {
  const parameters = new Parameters()
  const { may, must } = filterSql(filter, parameters)
  await expect(told(`may: ${may}\nmust: ${must}`, parameters)).toMatchFileSnapshot(`golden/filter-${name}.sql`)
  // What somebody asks for never stands in a statement.
  expect(may).not.toMatch(/DROP|\/pay|shop/)
})

const STRUCTURAL: SpanSet = {
  op: 'related',
  relation: 'child',
  left: { op: 'spans', filter: FILTERS['service']! },
  right: {
    op: 'trace',
    field: 'errors',
    compare: 'gte',
    value: 1,
    among: { op: 'spans', filter: FILTERS['slower-than']! },
  },
}

it.each(['newest', 'longest', 'longest_match', 'most_errors'] satisfies Order[])(
  'finds traces that may match, in the order of what they may be: %s',
  async (order) => {
    const asked = { table: '`d`.`otel_traces`', set: STRUCTURAL, from: 5n, to: 2n ** 63n, order, limit: 100 }
    const after = { key: -5n, traceId: '0'.repeat(32) }
    const { sql, parameters } = candidatesSql({ ...asked, after, beyond: { bound: -7n, traceId: '1'.repeat(32) } })
    await expect(told(sql, parameters)).toMatchFileSnapshot(`golden/candidates-${order}.sql`)
  },
)

it('counts in SQL what that can say exactly, and fetches what is needed for the rest', async () => {
  const range = { from: 0n, to: 2n ** 64n - 1n }
  const table = '`d`.`otel_traces`'
  expect(totalSql(table, { ...range, set: STRUCTURAL })).toBeUndefined()
  const exact = { op: 'spans', filter: FILTERS['service']! } as const
  expect(totalSql(table, { ...range, set: { op: 'spans', filter: FILTERS['regex']! } })).toBeUndefined()
  const total = totalSql(table, { ...range, set: exact })!
  await expect(told(total.sql, total.parameters)).toMatchFileSnapshot('golden/total.sql')
  const ofTraces = countedSql(table, { ...range, set: STRUCTURAL, isOfTraces: true }, 'TraceId, SpoorSpan')
  await expect(told(ofTraces.sql, ofTraces.parameters)).toMatchFileSnapshot('golden/counted-traces.sql')
  const ofSpans = countedSql(table, { ...range, set: exact, isOfTraces: false }, HEADER_COLUMNS)
  await expect(told(ofSpans.sql, ofSpans.parameters)).toMatchFileSnapshot('golden/counted-spans.sql')
})

it('knows what is told by headers alone', () => {
  const spans = (filter: Filter): SpanSet => ({ op: 'spans', filter })
  const told = ['service', 'not-name', 'status', 'slower-than', 'started-before', 'has-parent', 'regex', 'not-both']
  for (const [name, filter] of Object.entries(FILTERS)) {
    const expected = told.includes(name) || name === 'regex-of-steps'
    expect([name, isOfHeaders(spans(filter))]).toEqual([name, expected])
  }
  expect(isOfHeaders(STRUCTURAL)).toBe(true)
  const of = { op: 'having', arg: STRUCTURAL, aggregate: 'max', compare: 'gt', value: 1 } as const
  expect([isOfHeaders(of), isOfHeaders({ ...of, of: { attribute: 'a' } })]).toEqual([true, false])
  expect(isOfHeaders({ op: 'without', arg: spans(FILTERS['word']!) })).toBe(false)
})
