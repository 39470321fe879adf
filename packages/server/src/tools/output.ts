import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { ToolProgress } from '@spoor/storage'

/** Where a tool prints, and in what form. */
export interface ToolOutput {
  /** One JSON value, or lines for a person. */
  readonly json: boolean
  readonly stdout: Writable
  readonly stderr: Writable
}

export type Tone = 'green' | 'yellow' | 'red' | 'gray'

/** Coloured where a person reads it. */
export function toned({ stdout }: ToolOutput, tone: Tone, text: string): string {
  return styleText(tone, text, { stream: stdout })
}

/** Prints the report as JSON, or the lines. */
export function print(output: ToolOutput, report: unknown, lines: () => readonly string[]): void {
  output.stdout.write(output.json ? `${JSON.stringify(report, undefined, 2)}\n` : `${lines().join('\n')}\n`)
}

/** How often the line of progress is written anew. Milliseconds. */
const PROGRESS_MS = 200

/** A line that tells a person at a terminal how far a tool is; nobody else. `end` takes it away again. */
export function progressOf({ stderr }: ToolOutput): { onProgress: (progress: ToolProgress) => void; end: () => void } {
  const isTerminal = (stderr as Writable & { isTTY?: boolean }).isTTY === true
  let next = performance.now() + PROGRESS_MS
  let isShown = false
  return {
    onProgress({ file, bytesDone, bytesTotal }) {
      if (!isTerminal || performance.now() < next) return
      next = performance.now() + PROGRESS_MS
      isShown = true
      const share = bytesTotal === 0 ? 0 : Math.floor((100 * bytesDone) / bytesTotal)
      stderr.write(`\r\u001B[K  ${String(share).padStart(3)} %  ${file}`)
    },
    end() {
      if (isShown) stderr.write('\r\u001B[K')
    },
  }
}

/** `1,204 spans`, `1 span`. */
export function counted(count: number, unit: string): string {
  return `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'}`
}
