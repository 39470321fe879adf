import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { SectionResult } from './report.ts'
import { withTable } from './readme.ts'
import { RESULTS, type RunRecord } from './results.ts'

const README = new URL('../../README.md', import.meta.url)
const readme = '# Spoor\n\n<!-- written by npm run bench -- --write -->\nold\n<!-- until here -->\n\nmore\n'

/** The newest of the folder, as a copy of the sources without their history has it, too. */
function newest(): RunRecord {
  const files = readdirSync(RESULTS).filter((name) => name.endsWith('.json'))
  const records = files.map((name) => JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as RunRecord)
  return records.filter(({ form }) => form === 'full').toSorted((a, b) => (a.at < b.at ? 1 : -1))[0]!
}

/** A full run with everything that the table has, and something else. */
function run(change: (results: SectionResult[]) => SectionResult[] = (results) => results): RunRecord {
  const last = newest()
  return { ...last, results: change(structuredClone([...last.results])) }
}

it('is what the newest results say', () => {
  const text = readFileSync(README, 'utf8')
  expect(withTable(text, newest())).toBe(text)
})

it('has what a run measured in place of what was there, and leaves the rest', () => {
  const changed = run((results) => {
    const figures = results.find(({ section }) => section === 'start')!.figures
    const [first, ...others] = figures.map((figure) => ({ ...figure, peer: { value: 40, runs: [40] } }))
    const start = { section: 'start', title: '', figures: [{ ...first!, value: 20 }, ...others] }
    return [start, ...results.filter(({ section }) => section !== 'start')]
  })
  const text = withTable(readme, {
    ...changed,
    at: '2026-12-24T10:00:00Z',
    commit: 'abcdef0123+',
    load: { before: 0, after: 1.25 },
  })
  expect(text).toMatch(/^# Spoor\n\n<!-- written by npm run bench -- --write -->\n\n\| \| Spoor/)
  expect(text).toMatch(/\n<!-- until here -->\n\nmore\n$/)
  expect(text).not.toContain('old')
  // The collector of the same row is behind: the row is in bold.
  expect(text).toMatch(
    /\| \*\*start until ready, store \/ collector\*\* \| 20 \/ [\d,]+ ms \| .*: 40 \/ 40 \| \*\*2 \/ [\d.]+\*\* \|/,
  )
  expect(text).toContain('Of 2026-12-24, commit abcdef0123; load average before and after 0.0, 1.3.')
  expect(
    withTable(text, {
      ...changed,
      at: '2026-12-24T10:00:00Z',
      commit: 'abcdef0123+',
      load: { before: 0, after: 1.25 },
    }),
  ).toBe(text)
})

it('says what was not measured beside its peer, and has no row of half of it', () => {
  const without = run((results) =>
    results.map((result) =>
      result.section === 'steady'
        ? { ...result, figures: result.figures.map(({ name, unit, value }) => ({ name, unit, value })) }
        : result,
    ),
  )
  expect(() => withTable(readme, without)).toThrow('README.md: steady, store, CPU: was not measured beside its peer')
  expect(() => withTable('# Spoor\n', run())).toThrow('README.md: its table is to stand between')
})
