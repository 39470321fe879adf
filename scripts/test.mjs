// `npm test`: sets up what is missing, then checks everything: types (by the build), lint, format, unused code, what would be published, unit tests, end-to-end tests with the real
// world and a real browser. Checks, unit tests and end-to-end tests run beside each other, as tests wait much of their time. Prints one summary with the slowest test files, and at its
// end what failed and why; exits 1 when anything failed, or when tests left something in the temporary folder. Test files that failed are run once more, alone: tests that pass then are
// told as unsteady, and fail nothing. `npm test -- --fast` leaves the end-to-end tests out.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from './chromium.mjs'
import { setup } from './setup.mjs'
import { createSteps } from './steps.mjs'
import { summarize } from './summary.mjs'
import { temporaryFolder } from './temporary.mjs'
import { unitOptions } from './unit-options.mjs'

/** Where more test files failed than this, it was not for want of time. */
const MOST_TRIED_AGAIN = 5

const fast = process.argv.includes('--fast')
const started = Date.now()
let interrupted = false
// Ctrl-C ends what runs, which is in the same process group; this script has to go on to clean up.
process.on('SIGINT', () => (interrupted = true))
setup()
const reportFolder = mkdtempSync(join(tmpdir(), 'spoor-reports-'))
const temporary = temporaryFolder()
const { rows, run } = createSteps(temporary.environment)

async function checks() {
  const scripts = { lint: 'lint', format: 'format:check', unused: 'knip', docs: 'docs' }
  for (const [label, script] of Object.entries(scripts)) {
    if (!interrupted) await run(label, 'npm', ['run', '--silent', script])
  }
  for (const name of ['otlp', 'trace', 'collector', 'storage', 'server', 'instrument', 'web']) {
    if (!interrupted) await run(`pack ${name}`, 'publint', [`packages/${name}`])
  }
}

async function tests(label, config, env, files = []) {
  const file = join(reportFolder, `${label}.json`)
  const reporters = ['--reporter=default', `--reporter=${join(import.meta.dirname, 'reporter.mjs')}`]
  const row = await run(label, 'vitest', ['run', '--config', config, ...reporters, ...files], {
    ...env,
    SPOOR_TEST_REPORT: file,
  })
  row.again = () => tests(`${label} again`, config, env, failedFiles(row))
  try {
    row.report = JSON.parse(readFileSync(file, 'utf8'))
    const { passed, failed, skipped } = row.report
    row.note = `${passed} passed, ${failed} failed, ${skipped} skipped`
    if (passed === 0) row.ok = false
  } catch (error) {
    row.ok = false
    row.note = `no report: ${error.message}`
  }
  return row
}

const failedFiles = ({ report }) => [...new Set(report?.failures.map(({ file }) => file))]

/** What failed while everything else ran beside it, once more and alone. */
async function tryAgain() {
  for (const row of rows.filter(({ ok, again }) => !ok && again)) {
    const files = failedFiles(row)
    if (interrupted || files.length === 0 || files.length > MOST_TRIED_AGAIN || files.includes(undefined)) continue
    const second = await row.again()
    second.isSecond = true
    row.ok = second.ok
    if (row.ok) row.note += ', which passed alone'
  }
}

async function endToEnd() {
  const { path, reason } = await chromium()
  await tests('e2e', 'e2e/vitest.config.ts', path ? { CHROMIUM_PATH: path } : { SPOOR_NO_BROWSER: reason })
  if (reason) rows.push({ label: 'browser', ok: undefined, seconds: 0, note: `BROWSER TESTS DID NOT RUN: ${reason}` })
}

await Promise.all([checks(), tests('unit', 'vitest.config.ts', { NODE_OPTIONS: unitOptions }), !fast && endToEnd()])
await tryAgain()
const left = temporary.close()
rmSync(reportFolder, { recursive: true, force: true })
if (interrupted) process.exit(130)
console.log(summarize(rows, left, (Date.now() - started) / 1000))
// A test that failed the first time may not have come to its end, which removes what it made.
const leftFails = left.length > 0 && !rows.some(({ isSecond }) => isSecond)
process.exit(leftFails || rows.some((row) => row.ok === false) ? 1 : 0)
