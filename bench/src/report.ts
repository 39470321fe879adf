import { goalText, numberText, ratioOf, verdictOf, type Figure } from './figure.ts'
import { describeMachine } from './machine.ts'

/** The figures of a section, or why there are none. */
export interface SectionResult {
  readonly title: string
  readonly figures: readonly Figure[]
  readonly error?: string
}

const HEADER = ['', 'Spoor', 'rival', 'ratio', 'goal', 'verdict', 'note']

function cells(figure: Figure): string[] {
  const ratio = ratioOf(figure)
  return [
    figure.name,
    `${numberText(figure.value)} ${figure.unit}`,
    figure.rival === undefined ? '' : numberText(figure.rival),
    ratio === undefined ? '' : `${numberText(ratio)} ×`,
    goalText(figure),
    verdictOf(figure) ?? '',
    figure.note ?? '',
  ]
}

/** One table for the terminal, columns aligned. */
export function renderText(results: readonly SectionResult[]): string {
  const rows = results.flatMap(({ figures }) => figures.map(cells))
  const widths = HEADER.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i >= 1 && i <= 3 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  const lines = [line(HEADER)]
  for (const { title, figures, error } of results) {
    lines.push('', title, ...figures.map((figure) => line(cells(figure))))
    if (error) lines.push(`not measured: ${error}`)
  }
  return lines.join('\n')
}

/** bench/RESULTS.md. */
export function renderMarkdown(results: readonly SectionResult[], date: Date): string {
  const row = (values: readonly string[]) => `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`
  const lines = [
    '# Results',
    '',
    'Written by `npm run bench -- --write`. What is measured, how, and against what:',
    '[docs/adr/0005-benchmarks.md](../docs/adr/0005-benchmarks.md).',
    '',
    `Measured on ${date.toISOString().slice(0, 10)}.`,
    '',
    '| | |',
    '|---|---|',
    ...describeMachine().map(row),
  ]
  for (const { title, figures, error } of results) {
    lines.push('', `## ${title}`, '')
    if (error) lines.push(`Not measured: ${error}`, '')
    if (figures.length === 0) continue
    lines.push(row(HEADER), '|---|---:|---:|---:|---|---|---|', ...figures.map((figure) => row(cells(figure))))
  }
  return `${lines.join('\n')}\n`
}
