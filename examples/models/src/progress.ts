/** Shows how a long step gets on: one line that is rewritten on a terminal, plain lines elsewhere. */

import { styleText } from 'node:util'

/** Where the lines go; `process.stdout` is one. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** A step that is under way. */
export interface Step {
  /** Reports how far it is: bytes done and, when it is known, bytes in all. */
  bytes(done: number, total?: number): void
  /** Replaces what is said beside the title. */
  note(text: string): void
  /** Ends the step with a line that stays. */
  done(text: string): void
}

const BAR_CELLS = 24
/** At most one rewrite in this time, ms; a download reports thousands of chunks. */
const REDRAW_MS = 80

/** Starts a step. `title` stands at the line's beginning, padded to `width` characters. */
export function startStep(output: Output, title: string, width = 0): Step {
  const label = `  ${styleText('bold', title.padEnd(width), { stream: output })}  `
  const room = (output.columns ?? 80) - width - 6
  let drawn = 0
  const draw = (text: string): void => {
    if (output.isTTY) output.write(`\r\u001b[K${label}${text.slice(0, room)}`)
  }
  draw('...')
  return {
    bytes(done, total) {
      const now = Date.now()
      if (now - drawn < REDRAW_MS) return
      drawn = now
      draw(total ? `${bar(done / total)}  ${megabytes(done)} of ${megabytes(total)} MB` : `${megabytes(done)} MB`)
    },
    note: draw,
    done(text) {
      output.write(`${output.isTTY ? '\r\u001b[K' : ''}${label}${text}\n`)
    },
  }
}

/** A number of bytes in millions, with one decimal. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

function bar(share: number): string {
  const filled = Math.max(0, Math.min(BAR_CELLS, Math.round(share * BAR_CELLS)))
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled)
}
