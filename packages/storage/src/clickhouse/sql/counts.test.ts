import { expect, it } from 'vitest'
import type { Filter, GroupKey } from '../../contract.ts'
import { binEdge, binOf, DURATION_BINS } from '../../duration-bins.ts'
import { doubtSql, isCountable, oddSpansSql, oddTracesSql } from './counted-rows.ts'
import { cellsSql, countsSql, errorsSql, exemplarsSql, sharesSql } from './counts.ts'
import { binOfBegin } from './duration-bin.ts'
import { callsSql, linksSql } from './dependencies.ts'
import { HEADER_COLUMNS } from './headers.ts'
import type { Statement } from '../connection.ts'

const SERVICE: Filter = { op: 'eq', target: { field: 'service' }, value: 'shop' }
const SLOW: Filter = { op: 'gt', target: { field: 'duration' }, value: 1.5e9 }
const CODE: Filter = { op: 'gte', target: { attribute: 'http.status_code', level: 'span' }, value: 500 }
const KEYS: readonly GroupKey[] = [
  { field: 'service' },
  { attribute: 'http.route' },
  { attribute: 'exception.type', level: 'event' },
]
const SPANS = {
  table: '`d`.`otel_traces`',
  set: { op: 'spans', filter: { op: 'and', args: [SERVICE, SLOW] } },
  from: 5n,
  to: 2n ** 63n,
  of: 'spans',
  hasOdd: false,
} as const
const BOTH = { op: 'and', args: [SERVICE, SLOW].map((filter) => ({ op: 'spans', filter }) as const) } as const
const REQUESTS = { ...SPANS, set: BOTH, of: 'requests', hasOdd: true } as const
const TIME = { from: 5n, widthNs: 1_000n, count: 60 }

const STATEMENTS: Readonly<Record<string, Statement>> = {
  'counts-of-spans': countsSql(SPANS, KEYS, TIME),
  'counts-of-requests': countsSql(REQUESTS, KEYS.slice(0, 1), { ...TIME, count: 0 }),
  'counts-of-all': countsSql({ ...SPANS, set: undefined, from: 0n, to: 2n ** 64n - 1n }, [], { ...TIME, count: 0 }),
  'counts-exemplars': exemplarsSql(SPANS, KEYS.slice(0, 1), 3, 7n),
  'counts-heat-map': cellsSql(SPANS, TIME, 8),
  'counts-shares': sharesSql(SPANS, { ...SPANS, set: undefined }, KEYS.slice(0, 2), 10_000),
  'counts-errors': errorsSql(SPANS, TIME, 3),
  'counts-doubt': doubtSql({ ...SPANS, set: { op: 'spans', filter: { op: 'or', args: [SERVICE, CODE] } } })!,
  'counts-calls': callsSql(SPANS.table, 5n, 7n),
  'counts-calls-by-links': linksSql(SPANS.table, 5n, 7n),
  'counts-odd-traces': oddTracesSql(REQUESTS),
  'counts-odd-spans': oddSpansSql(REQUESTS, HEADER_COLUMNS),
}

it.each(Object.entries(STATEMENTS))('counts by a statement: %s', async (name, { sql, parameters }) => {
  const values = Object.entries(parameters.values).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  await expect(`${sql}\n\n${values.join('')}`).toMatchFileSnapshot(`golden/${name}.sql`)
  // What somebody asks for never stands in a statement.
  expect(sql).not.toMatch(/shop|http\.route|1500000000/)
})

it('counts sets whose filters tell of each span, and has no doubt of what SQL says exactly', () => {
  expect(isCountable(undefined)).toBe(true)
  expect(isCountable(BOTH)).toBe(true)
  expect(isCountable({ op: 'or', args: [BOTH, { op: 'spans' }] })).toBe(false)
  expect(isCountable({ op: 'without', arg: BOTH })).toBe(false)
  expect(doubtSql(SPANS)).toBeUndefined()
})

it('has every bin by where it begins', () => {
  const view = new DataView(new ArrayBuffer(8))
  const begins = new Set<number>()
  for (let bin = 0; bin < DURATION_BINS; bin++) {
    const edge = binEdge(bin)
    // Of few nanoseconds there are bins that no whole number is in.
    if (binOf(edge) === bin) begins.add(bin)
  }
  expect(binOfBegin(0n)).toBe(0)
  for (let octave = 0; octave < 63; octave++) {
    view.setFloat64(0, 2 ** octave)
    expect(binOfBegin(view.getBigUint64(0))).toBe(binOf(2 ** octave))
  }
  expect(begins.size).toBeGreaterThan(3_500)
})
