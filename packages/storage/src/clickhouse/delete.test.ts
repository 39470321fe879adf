import { expect, it } from 'vitest'
import type { DeleteSpec } from '../local/tools/delete.ts'
import { parseClickHouseUrl } from './address.ts'
import { countSql, deleteSql, placeIn } from './delete.ts'

const ADDRESS = parseClickHouseUrl('clickhouse://127.0.0.1/d', {})
const ID = '0123456789abcdef0123456789abcdef'

it.each([
  ['traces', { traceIds: [ID.toUpperCase()] }],
  ['attribute', { attribute: 'user.token', value: "o'r", from: 5n, to: 7n }],
] satisfies [string, DeleteSpec][])(
  'deletes by a statement for each table that has rows of it: %s',
  async (name, what) => {
    const statements = [countSql(ADDRESS, what), ...deleteSql('otel_traces', what, (table) => placeIn('d', table, []))]
    const told = statements.map(({ sql, parameters }) => `${sql}\n${JSON.stringify(parameters.values)}\n`)
    await expect(told.join('\n')).toMatchFileSnapshot(`sql/golden/delete-${name}.sql`)
    expect(statements.map(({ sql }) => sql).join('\n')).not.toMatch(/o'r|user\.token|abcdef/)
  },
)

it('deletes where the rows are: on each node of a cluster', () => {
  const engine = "Distributed('main', 'd', 'otel_traces_local', cityHash64(TraceId))"
  const place = placeIn('d', 'otel_traces', [['otel_traces', engine]])
  expect(place).toEqual({ cluster: 'main', database: 'd', table: 'otel_traces_local' })
  const [statement] = deleteSql('otel_traces', { traceIds: [ID] }, () => place)
  expect(statement!.sql).toMatch(
    /^ALTER TABLE `d`\.`otel_traces_local` ON CLUSTER `main` DELETE WHERE TraceId IN \{p0:/,
  )
  const plain = placeIn('d', 'otel_traces', [['otel_traces', 'MergeTree PARTITION BY toDate(Timestamp)']])
  expect(plain).toEqual({ cluster: undefined, database: 'd', table: 'otel_traces' })
})

it('refuses what means nothing, or cannot be asked exactly', () => {
  const refused: [DeleteSpec, RegExp][] = [
    [{ traceIds: ['x'] }, /"x" is not a trace id/],
    [{ traceIds: [] }, /no trace id/],
    [{ attribute: 'a', from: 2n, to: 1n }, /from 2 is after to 1/],
    [{ attribute: 'a', value: 1e300 }, /cannot be asked exactly/],
  ]
  for (const [what, message] of refused) expect(() => countSql(ADDRESS, what)).toThrow(message)
})
