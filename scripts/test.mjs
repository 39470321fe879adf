// `npm test`: sets up what is missing, then checks everything: types (by the build), lint, format, unused code, what would be published, unit tests, end-to-end tests with the real
// world and a real browser. Prints one summary with the slowest test files; exits 1 when anything failed, or when tests left something in the temporary folder.
// `npm test -- --fast` leaves the end-to-end tests out.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { chromium } from './chromium.mjs'
import { environment, root, setup } from './setup.mjs'
import { temporaryFolder } from './temporary.mjs'
import { unitOptions } from './unit-options.mjs'

const fast = process.argv.includes('--fast')
const reports = mkdtempSync(join(tmpdir(), 'spoor-reports-'))
const temporary = temporaryFolder()
const started = Date.now()
const rows = []
const files = []
const totals = { passed: 0, failed: 0, skipped: 0 }

function run(label, command, args, env = {}) {
  const started = Date.now()
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...environment, ...temporary.environment, ...env },
    shell: process.platform === 'win32',
  })
  rows.push({ label, ok: result.status === 0, seconds: (Date.now() - started) / 1000, note: '' })
  if (result.signal === 'SIGINT' || result.status === 130) end(130)
  return rows.at(-1)
}

function tests(label, config, env) {
  const file = join(reports, `${label}.json`)
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
    for (const { name, startTime, endTime } of report.testResults) {
      files.push({ name: relative(root, name), seconds: (endTime - startTime) / 1000 })
    }
  } catch (error) {
    row.ok = false
    row.note = `no report: ${error.message}`
  }
}

/** Removes what this run made, and ends. */
function end(code) {
  const left = temporary.close()
  rmSync(reports, { recursive: true, force: true })
  if (left.length > 0) console.log(`\nLeft in the temporary folder by tests: ${left.join(', ')}`)
  process.exit(left.length > 0 ? code || 1 : code)
}

// Ctrl-C ends what runs, which is in the same process group; this script has to go on to clean up.
process.on('SIGINT', () => {})
setup()
run('lint', 'npm', ['run', '--silent', 'lint'])
run('format', 'npm', ['run', '--silent', 'format:check'])
run('unused', 'npm', ['run', '--silent', 'knip'])
run('docs', 'npm', ['run', '--silent', 'docs'])
for (const name of ['otlp', 'trace', 'collector', 'storage', 'server', 'instrument'])
  run(`pack ${name}`, 'publint', [`packages/${name}`])
tests('unit', 'vitest.config.ts', { NODE_OPTIONS: unitOptions })
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

console.log('\nSummary')
for (const { label, ok, seconds, note } of rows) {
  console.log(
    `  ${ok === undefined ? '!' : ok ? '✓' : '✗'} ${label.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s  ${note}`,
  )
}
console.log('\nSlowest test files')
for (const { name, seconds } of files.sort((a, b) => b.seconds - a.seconds).slice(0, 8)) {
  console.log(`  ${seconds.toFixed(1).padStart(6)} s  ${name}`)
}
const seconds = ((Date.now() - started) / 1000).toFixed(0)
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped, in ${seconds} s`)
end(rows.some((row) => row.ok === false) ? 1 : 0)
