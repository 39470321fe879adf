import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { summarize } from './summary.mjs'

const root = join(import.meta.dirname, '..')

/** What `npm test` has of a run of these files. */
async function reportOf(files) {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-summary-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const file = join(folder, 'report.json')
    const args = ['run', '--root', folder, '--globals', `--reporter=${join(root, 'scripts/reporter.mjs')}`]
    const env = { ...process.env, SPOOR_TEST_REPORT: file }
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], { env }).catch(
      () => {},
    )
    return JSON.parse(readFileSync(file, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

it('ends with what failed and why: in tests, hooks, files that cannot be loaded, and what nobody waited for', async () => {
  const report = await reportOf({
    'cart.test.js': `describe('a cart', () => {
  it('is empty', () => {
    expect([1]).toEqual([])
  })
  it('is there', () => {})
})
describe('a shop', () => {
  beforeAll(() => {
    throw new Error('it is closed')
  })
  it('sells', () => {})
})`,
    'order.js': `export const order = () => { throw new Error('nothing to order') }`,
    'order.test.js': `import { order } from './order.js'
it('is taken', () => {
  order()
})`,
    'stock.test.js': `import './nothing.js'`,
    'mail.test.js': `it('is sent', async () => {
  void Promise.reject(new Error('nobody waits'))
  await new Promise((done) => setTimeout(done, 50))
})`,
  })
  expect(report).toMatchObject({ passed: 2, failed: 2, skipped: 1 })
  expect(report.files.map(({ name }) => name.split(/[\\/]/).at(-1)).sort()).toEqual([
    'cart.test.js',
    'mail.test.js',
    'order.test.js',
    'stock.test.js',
  ])
  const rows = [
    { label: 'lint', ok: false, seconds: 1, note: '', last: ['a.ts:1:1: unused'] },
    { label: 'docs', ok: true, seconds: 1, note: '', last: ['fine'] },
    { label: 'unit', ok: false, seconds: 2, note: '2 passed', last: ['of vitest'], report },
  ]
  const text = summarize(rows, [], 3)
  expect(text).toContain('2 passed, 2 failed, 1 skipped, in 3 s')
  const end = text.slice(text.indexOf('✗ lint\n'))
  expect(end).toContain('  a.ts:1:1: unused')
  expect(end).toMatch(/cart\.test\.js:3 {2}a cart > is empty\n +expected \[ 1 \] to deeply equal \[\]\n/)
  expect(end).toMatch(/cart\.test\.js:9 {2}a shop\n +it is closed\n/)
  // Where the test is, though a helper threw.
  expect(end).toMatch(/order\.test\.js:3 {2}is taken\n +nothing to order\n/)
  expect(end).toMatch(/stock\.test\.js:1 {2}.*stock\.test\.js, as a whole\n +.*nothing\.js/)
  expect(end).toMatch(/mail\.test\.js {2}in or after "is sent"\n +nobody waits/)
  expect(end).not.toMatch(/fine|of vitest/)
})

it('tells what passed the second time, alone, as unsteady, and what failed again as failed', () => {
  const report = (failed, failures) => ({ passed: 7, failed, skipped: 0, files: [], failures })
  const late = { name: 'a cart > is quick', place: 'cart.test.js:3', message: 'it was not' }
  const row = (label, ok, more) => ({ label, ok, seconds: 1, note: '', last: [], ...more })
  const rows = [
    row('unit', true, { report: report(1, [late]) }),
    row('e2e', false, { report: report(1, [{ ...late, name: 'a shop > sells' }]) }),
    row('unit again', true, { report: report(0, []), isSecond: true }),
    row('e2e again', false, { report: report(1, [{ ...late, name: 'a shop > sells' }]), isSecond: true }),
  ]
  const text = summarize(rows, [], 3)
  expect(text).toContain('14 passed, 1 failed, 1 unsteady, 0 skipped, in 3 s')
  expect(text).toMatch(/! unit, unsteady: .*\n {2}cart\.test\.js:3 {2}a cart > is quick\n +it was not\n/)
  expect(text).toMatch(/✗ e2e\n {2}cart\.test\.js:3 {2}a shop > sells\n/)
})

it('stays short where nearly everything failed, and shows what a run printed last that left no report', () => {
  const failures = Array.from({ length: 1000 }, (_, index) => ({
    name: `test ${index}`,
    place: `a.test.ts:${index}`,
    message: 'm'.repeat(10_000),
  }))
  const report = { passed: 0, failed: 1000, skipped: 0, files: [], failures }
  const last = ['Error: out of memory']
  const text = summarize(
    [
      { label: 'e2e', ok: false, seconds: 1, note: 'no report', last },
      { label: 'unit', ok: false, seconds: 1, note: '', last: [], report },
    ],
    ['a-folder'],
    1,
  )
  expect(text.split('\n').length).toBeLessThan(100)
  expect(text).toContain('and 975 more')
  expect(text).toContain('out of memory')
  expect(text).toContain('Left in the temporary folder by tests: a-folder')
})
