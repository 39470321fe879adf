import { goalText, numberText, peerRatioOf, rivalRatioOf, runsText, verdictOf, type Figure } from './figure.ts'

/** The figures of a section, or why there are none. */
export interface SectionResult {
  readonly section: string
  readonly title: string
  readonly figures: readonly Figure[]
  readonly error?: string
}

/** What a table tells of the run besides its figures. */
export type Facts = readonly (readonly [what: string, value: string])[]

const HEADER = ['', 'Spoor', 'peer', 'times', 'rival', 'times', 'goal', 'verdict', 'note']

/** Columns of numbers. */
const isRight = (column: number): boolean => column >= 1 && column <= 5

function cells(figure: Figure): string[] {
  const timesText = (ratio: number | undefined): string => (ratio === undefined ? '' : `${numberText(ratio)} ×`)
  return [
    figure.name,
    runsText(figure, figure.unit),
    figure.peer ? runsText(figure.peer) : '',
    timesText(peerRatioOf(figure)),
    figure.rival === undefined ? '' : numberText(figure.rival),
    timesText(rivalRatioOf(figure)),
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
      .map((cell, i) => (isRight(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
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
export function renderMarkdown(results: readonly SectionResult[], facts: Facts): string {
  const row = (values: readonly string[]) => `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`
  const lines = [
    '# Results',
    '',
    'Written by `npm run bench -- --write`. What is measured, how, and against what:',
    '[docs/adr/0005-benchmarks.md](../docs/adr/0005-benchmarks.md).',
    '',
    '**peer** is the program that users run in its place (`npm run peers`), **rival** one of our own making in Node; the times behind each say how many times better',
    'Spoor is in this run, below 1 it is worse. ± is half of what lies between the best and the worst run.',
    '',
    '| | |',
    '|---|---|',
    ...facts.map(row),
  ]
  for (const { title, figures, error } of results) {
    lines.push('', `## ${title}`, '')
    if (error) lines.push(`Not measured: ${error}`, '')
    if (figures.length === 0) continue
    lines.push(
      row(HEADER),
      `|${HEADER.map((_, i) => (isRight(i) ? '---:' : '---')).join('|')}|`,
      ...figures.map((figure) => row(cells(figure))),
    )
  }
  return `${lines.join('\n')}\n`
}
