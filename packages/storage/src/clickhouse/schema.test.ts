import { expect, it } from 'vitest'
import { schemaOf } from './schema.ts'
import { WRITTEN_COLUMNS } from './write/columns.ts'

it.each([
  ['node', {}],
  ['cluster', { cluster: 'main', ttlDays: 14 }],
])('makes the tables of one node, and of a cluster: %s', async (name, more) => {
  const statements = schemaOf({ database: 'd', table: 'otel_traces', ...more })
  await expect(`${statements.join(';\n\n')};\n`).toMatchFileSnapshot(`sql/golden/schema-${name}.sql`)
})

it('has a column for all that is written', () => {
  const [, table] = schemaOf({ database: 'd', table: 't' })
  for (const name of WRITTEN_COLUMNS) expect(table).toMatch(new RegExp(String.raw`^ {4}${name.split('.')[0]} `, 'm'))
})
