import { PassThrough } from 'node:stream'
import type { MigrateReport } from '@spoor/storage/clickhouse'
import { expect, it } from 'vitest'
import { migrateLines } from './migrate.ts'

const command = {
  directory: '/data',
  to: 'clickhouse://me:secret@ch/d',
  create: true,
  dryRun: false,
  spansPerSecond: undefined,
}
const output = { json: false, stdout: new PassThrough(), stderr: new PassThrough() }
const report: MigrateReport = {
  spans: 1_500,
  hours: 2,
  stored: 400,
  differences: [],
  complete: true,
  damage: undefined,
  vanished: false,
}
const hour = { hour: '2026-05-09T12:00Z', here: 1_000, there: 998, missing: 2, doubled: 0, others: 0 }
const lines = (change: Partial<MigrateReport>, dryRun = false): string =>
  migrateLines({ ...command, dryRun }, { ...report, ...change }, output).join('\n')

it('says that all is there, and of what others have', () => {
  expect(lines({ differences: [{ ...hour, missing: 0, others: 3 }] })).toBe(
    'stored 400 spans in ClickHouse at http://ch:8123, d.otel_traces\nall of 1,500 spans of 2 hours are there as often as here, by count and checksum of each hour\n3 spans of the same hours are there and not here',
  )
})

it('names the hours that differ, and the way out', () => {
  const told = lines({ complete: false, differences: [hour, { ...hour, hour: 'B', missing: 0, doubled: 1 }] })
  expect(told).toContain('2026-05-09T12:00Z  1,000 here, 998 there, 2 missing')
  expect(told).toContain('B  1,000 here, 998 there, 1 there more often')
  expect(told).toContain('run it again')
  expect(told).not.toContain('all of')
})

it('says in a dry run what would be stored', () => {
  const told = lines({ stored: 2, complete: false, differences: [hour] }, true)
  expect(told).toContain('/data has 1,500 spans of 2 hours; 2 spans would be stored in ClickHouse at http://ch:8123')
  expect(told).toContain('2026-05-09T12:00Z')
  expect(told).not.toMatch(/stored 2|run it again/)
})
