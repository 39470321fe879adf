/** What the world shows: few aligned lines, bold and dim on terminals that have it. */
import { styleText } from 'node:util'
import type { Output } from '@spoor/example-models'

/** Writes lines, and one last line that is rewritten. */
export interface Screen {
  readonly output: Output
  /** Width of a line in columns. */
  readonly width: number
  line(text?: string): void
  /** The line above a table. */
  heading(text: string): void
  /** A name and what is to be said of it, aligned with the others. */
  fact(name: string, text: string): void
  good(text: string): void
  bad(text: string): void
  /** Replaces the line that is rewritten. Nothing where lines cannot be rewritten. */
  status(text: string): void
}

/** Columns of a fact's name. */
const NAME_WIDTH = 14

/** A screen on `output`. */
export function createScreen(output: Output): Screen {
  let statusShown = false
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    styleText(style, text, { stream: output })
  const line = (text = ''): void => {
    output.write(`${statusShown ? '\r\u001b[K' : ''}${text}\n`)
    statusShown = false
  }
  const width = output.isTTY ? (output.columns ?? 80) : 160
  return {
    output,
    width,
    line,
    heading: (text) => line(paint('dim', text)),
    fact: (name, text) => line(`  ${paint('bold', name.padEnd(NAME_WIDTH))}  ${text}`),
    good: (text) => line(`  ${paint('green', '✓')} ${text}`),
    bad: (text) => line(`  ${paint('red', '✗')} ${text}`),
    status: (text) => {
      if (!output.isTTY) return
      output.write(`\r\u001b[K${paint('dim', `  ${text}`.slice(0, width - 1))}`)
      statusShown = true
    },
  }
}
