import { styleText } from 'node:util'
import { type ToolOutput, toned } from '../tools/output.ts'
import type { DoctorReport } from './doctor.ts'

/** The report for a person: what is in force, the way step by step, and what is wrong. */
export function doctorLines(report: DoctorReport, output: ToolOutput): string[] {
  const bold = (text: string): string => styleText('bold', text, { stream: output.stdout })
  const mark = (ok: boolean): string => toned(output, ok ? 'green' : 'red', ok ? '✓' : '✗')
  const width = Math.max(...report.settings.map(({ name }) => name.length))
  const lines = [
    '',
    bold('  Settings'),
    ...report.settings.map(
      ({ name, value, from }) => `    ${name.padEnd(width)}  ${value}  ${toned(output, 'gray', from)}`,
    ),
  ]
  lines.push('', bold('  The way of a span'))
  for (const { name, ok, detail } of report.steps) lines.push(`    ${mark(ok)} ${name.padEnd(9)} ${detail}`)
  for (const { ok, protocol, url, text, status } of report.probes)
    lines.push(
      `    ${mark(ok)} ${'probe'.padEnd(9)} ${protocol} → ${url}${ok ? '' : `: ${text || `status ${status}`}`}`,
    )
  for (const { name, ok, detail } of report.hops) lines.push(`    ${mark(ok)} ${name.padEnd(9)} ${detail}`)
  if (report.clockMs !== undefined)
    lines.push(
      `    ${mark(Math.abs(report.clockMs) < 5_000)} ${'clock'.padEnd(9)} ${Math.round(report.clockMs / 100) / 10} s apart, to half a second`,
    )
  if (report.python)
    lines.push(
      `    ${mark(report.python.interpreter !== undefined)} ${'python'.padEnd(9)} ${report.python.interpreter ?? 'no interpreter'}  ${Object.entries(
        report.python.packages,
      )
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
    )
  if (report.watched) {
    const { spans, services, set } = report.watched
    lines.push(
      `    ${mark(spans > 0)} ${'program'.padEnd(9)} ${spans} spans${services.length > 0 ? ` of ${services.join(', ')}` : ''}${set.length > 0 ? `; with ${set.join(' ')}` : ''}`,
    )
  }
  if (report.diagnoses.length === 0) return [...lines, '', `  ${mark(true)} All is well.`, '']
  lines.push('', bold('  What is wrong'))
  const signs = {
    error: toned(output, 'red', '✗'),
    warning: toned(output, 'yellow', '!'),
    info: toned(output, 'gray', '·'),
  }
  for (const { severity, what, mend, lines: mending, where, code } of report.diagnoses) {
    lines.push('', `  ${signs[severity]} ${what}  ${toned(output, 'gray', `${code}, ${where}`)}`, `    ${mend}`)
    for (const { text } of mending)
      lines.push(...text.split('\n').map((line) => `        ${toned(output, 'green', line)}`))
  }
  return [...lines, '']
}
