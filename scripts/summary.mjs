// The end of `npm test`: what took how long, and what failed. Whoever reads only the last 150 lines, as those of a CI do, learns which tests failed and why.

/** Of each, the others are counted. */
const SHOWN_FAILURES = 25
const SHOWN_LENGTH = 300

/**
 * `rows`: the steps as they ended. Those with a `report` (see reporter.mjs) ran tests, the second time of what failed where `isSecond`: all is well (`ok`) with what passed then. Of
 * others that failed, and of those whose failures their report does not have, the lines that they printed `last` are shown. `left`: what tests left in the temporary folder. `seconds`: of the whole.
 */
export function summarize(rows, left, seconds) {
  const lines = ['', 'Summary']
  for (const { label, ok, seconds, note } of rows) {
    const mark = ok === undefined ? '!' : ok ? '✓' : '✗'
    lines.push(`  ${mark} ${label.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s  ${note}`)
  }
  const firsts = rows.filter(({ report, isSecond }) => report && !isSecond)
  const files = firsts.flatMap(({ report }) => report.files).sort((a, b) => b.seconds - a.seconds)
  lines.push('', 'Slowest test files')
  for (const { name, seconds } of files.slice(0, 8)) lines.push(`  ${seconds.toFixed(1).padStart(6)} s  ${name}`)
  const sum = (key) => firsts.reduce((total, { report }) => total + report[key], 0)
  const unsteady = firsts.filter(({ ok, report }) => ok && report.failures.length > 0)
  const passedAlone = unsteady.reduce((total, { report }) => total + report.failed, 0)
  const failed = `${sum('failed') - passedAlone} failed${passedAlone > 0 ? `, ${passedAlone} unsteady` : ''}`
  lines.push('', `${sum('passed')} passed, ${failed}, ${sum('skipped')} skipped, in ${seconds.toFixed(0)} s`)
  for (const row of unsteady)
    lines.push('', `! ${row.label}, unsteady: failed beside all else, passed alone`, ...failuresOf(row))
  if (left.length > 0) lines.push('', `Left in the temporary folder by tests: ${left.join(', ')}`)
  for (const row of rows) {
    if (row.ok === false) lines.push('', `✗ ${row.label}${row.note && ` (${row.note})`}`, ...failuresOf(row))
  }
  return lines.join('\n')
}

function failuresOf({ report, last }) {
  const failures = report?.failures ?? []
  if (failures.length === 0) return last.map((line) => `  ${line}`)
  const lines = failures
    .slice(0, SHOWN_FAILURES)
    .flatMap(({ name, place, message }) => [`  ${place}  ${name}`, `      ${message}`])
    .map((line) => (line.length > SHOWN_LENGTH ? `${line.slice(0, SHOWN_LENGTH)}…` : line))
  const others = failures.length - SHOWN_FAILURES
  return others > 0 ? [...lines, `  and ${others} more, above`] : lines
}
