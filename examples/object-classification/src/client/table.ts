/** Classifications as lines for people: photograph, label, probability, time, link to the trace. */
import type { Classification } from './send.ts'

/** How wide things are. */
export interface TableLayout {
  /** Columns of the photographs' names. */
  readonly nameWidth: number
  /** Columns of the whole line; the link goes to a line of its own when it does not fit. */
  readonly width: number
  /** The page, such as `http://127.0.0.1:16686`. */
  readonly page: string
}

const LABEL_WIDTH = 24
const PROBABILITY_WIDTH = 5
const TIME_WIDTH = 7
const INDENT = '  '

/** The layout for these photographs on a line of `width` columns. */
export function tableLayout(names: readonly string[], width: number, page: string): TableLayout {
  const longest = names.reduce((most, name) => Math.max(most, name.length), 0)
  return { nameWidth: Math.max('photograph'.length, Math.min(longest, 28)), width, page }
}

/** The line above the table. */
export function tableHeader(layout: TableLayout): string {
  const cells = ['photograph'.padEnd(layout.nameWidth), 'label'.padEnd(LABEL_WIDTH)]
  const right = ['prob'.padStart(PROBABILITY_WIDTH), 'time'.padStart(TIME_WIDTH)]
  return `${INDENT}${[...cells, ...right, 'trace'].join('  ')}`
}

/** One classification, without a line end after it. */
export function tableRow(classification: Classification, layout: TableLayout): string {
  const { file, result, error, elapsedMs, traceId } = classification
  const name = fit(file, layout.nameWidth)
  const link = traceLink(layout.page, traceId)
  const row = result
    ? [name, fit(result.label, LABEL_WIDTH), percent(result.probability), duration(elapsedMs)].join('  ')
    : [name, `failed: ${error}`].join('  ')
  const line = `${INDENT}${row}  ${link}`
  return line.length <= layout.width && !error ? line : `${INDENT}${row}\n${INDENT}${INDENT}${link}`
}

/** Where the trace is shown. */
export function traceLink(page: string, traceId: string): string {
  return `${page}/trace/${traceId}`
}

function percent(probability: number): string {
  return `${Math.round(probability * 100)} %`.padStart(PROBABILITY_WIDTH)
}

/** `143 ms` or `1.20 s`. */
function duration(ms: number): string {
  return (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`).padStart(TIME_WIDTH)
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}
