/** How far a run is: one line that is rewritten on a terminal, a line now and then elsewhere. */
import type { Output } from '@spoor/example-models'
import type { LoadState } from './load.ts'
import type { Tally } from './summary.ts'

/** Time between two lines, ms: of one that is rewritten, and of lines that stay. */
const REDRAW_MS = 500
const LINE_MS = 10_000

/** Shows it until it is ended. `count`: Infinity where there is no end. */
export function showProgress(output: Output, count: number, state: LoadState, tally: Tally): { end: () => void } {
  const started = performance.now()
  const show = (): void => {
    const text = progressText(state, tally, count, (performance.now() - started) / 1000)
    output.write(output.isTTY ? `\r\u001b[K  ${text.slice(0, (output.columns ?? 80) - 3)}` : `  ${text}\n`)
  }
  const timer = setInterval(show, output.isTTY ? REDRAW_MS : LINE_MS)
  return {
    end: () => {
      clearInterval(timer)
      if (output.isTTY) output.write('\r\u001b[K')
    },
  }
}

/** `120 of 1000 sent, 19.9 a second, 2 failed, 12 under way`. */
export function progressText({ sent, underWay }: LoadState, tally: Tally, count: number, seconds: number): string {
  const of = Number.isFinite(count) ? ` of ${count}` : ''
  const rate = seconds > 0 ? `, ${(sent / seconds).toFixed(1)} a second` : ''
  const failed = tally.failed > 0 ? `, ${tally.failed} failed` : ''
  return `${sent}${of} sent${rate}${failed}, ${underWay} under way`
}
