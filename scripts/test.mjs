// `npm test`: sets up what is missing, then checks everything: types (by the build), lint, format, unused code, what would be published, unit tests, end-to-end tests with the real
// world and a real browser. Prints one summary; exits 1 when anything failed. `npm test -- --fast` leaves the end-to-end tests out.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from './chromium.mjs'
import { environment, root, setup } from './setup.mjs'

const fast = process.argv.includes('--fast')
const scratch = mkdtempSync(join(tmpdir(), 'spoor-test-'))
const rows = []
const totals = { passed: 0, failed: 0, skipped: 0 }

function run(label, command, args, env = {}) {
  const started = Date.now()
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...environment, ...env },
    shell: process.platform === 'win32',
  })
  rows.push({ label, ok: result.status === 0, seconds: (Date.now() - started) / 1000, note: '' })
  return rows.at(-1)
}

function tests(label, config, env) {
  const file = join(scratch, `${label}.json`)
  const row = run(
    label,
    'vitest',
    ['run', '--config', config, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
    env,
  )
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    totals.passed += report.numPassedTests
    totals.failed += report.numFailedTests
    totals.skipped += report.numPendingTests + report.numTodoTests
    row.note = `${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests} skipped`
    if (report.numPassedTests === 0) row.ok = false
  } catch (error) {
    row.ok = false
    row.note = `no report: ${error.message}`
  }
}

setup()
run('lint', 'oxlint', ['--type-aware'])
run('format', 'oxfmt', ['--check'])
run('unused', 'knip', [])
for (const name of ['otlp', 'trace', 'collector', 'storage', 'server', 'instrument'])
  run(`pack ${name}`, 'publint', [`packages/${name}`])
tests('unit', 'vitest.config.ts', { NODE_OPTIONS: '--conditions=@spoor/source' })
if (!fast) {
  const browser = chromium()
  tests(
    'e2e',
    'e2e/vitest.config.ts',
    browser.path ? { CHROMIUM_PATH: browser.path } : { SPOOR_NO_BROWSER: browser.reason },
  )
  if (browser.reason)
    rows.push({ label: 'browser', ok: undefined, seconds: 0, note: `BROWSER TESTS DID NOT RUN: ${browser.reason}` })
}
rmSync(scratch, { recursive: true, force: true })

console.log('\nSummary')
for (const { label, ok, seconds, note } of rows) {
  console.log(
    `  ${ok === undefined ? '!' : ok ? '✓' : '✗'} ${label.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s  ${note}`,
  )
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exit(rows.some((row) => row.ok === false) ? 1 : 0)
