/** `spoor collector top`: what a collector does, refreshed at a terminal, or once for scripts. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Io } from '../cli-output.ts'
import { findCollector, type StatusClient } from './status-client.ts'
import { terminalOf, type Terminal } from './terminal.ts'
import { topLines, type Look } from './top-view.ts'

const REFRESH_MS = 2_000
/** Between the two looks of `--once`, which make its rates. Milliseconds. */
const ONCE_MS = 1_000

/** From the top, over what is there, without a moment of nothing. */
const HOME = '\u001B[H'
const REST_OF_LINE = '\u001B[K\n'
const REST = '\u001B[J'
const ENTER = '\u001B[?1049h\u001B[?25l'
const LEAVE = '\u001B[?25h\u001B[?1049l'

export interface TopOptions {
  readonly endpoint: string | undefined
  /** One table and an end; so, too, where nobody reads at a terminal. */
  readonly once: boolean
}

/** Resolves with the exit code. Rejects with SpoorError `unreachable` where no collector is found. */
export async function top({ endpoint, once }: TopOptions, { stdout }: Io): Promise<number> {
  const client = await findCollector(endpoint)
  const terminal = terminalOf(stdout)
  const first = await lookAt(client)
  if (once || terminal.columns === undefined) {
    await delay(ONCE_MS)
    const lines = topLines(client.address, await lookAt(client), first, { ...terminal, columns: undefined })
    stdout.write(`${lines.join('\n')}\n`)
    return 0
  }
  const over = new AbortController()
  const end = (): void => over.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  stdout.write(ENTER)
  try {
    const show = (lines: readonly string[]): void => {
      stdout.write(`${HOME}${fit(lines, stdout as { rows?: number }).join(REST_OF_LINE)}${REST}`)
    }
    await refresh(client, first, terminal, show, over.signal)
  } finally {
    stdout.write(LEAVE)
    process.off('SIGINT', end).off('SIGTERM', end)
  }
  return 0
}

/** Shows the collector again and again until the signal aborts; one that gives no answer is asked on. */
async function refresh(
  client: StatusClient,
  first: Look,
  terminal: Terminal,
  show: (lines: readonly string[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let before: Look | undefined
  let now = first
  show(topLines(client.address, now, before, terminal))
  while (!signal.aborted) {
    await delay(REFRESH_MS, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      ;[before, now] = [now, await lookAt(client)]
      show(topLines(client.address, now, before, terminal))
    } catch (error) {
      const trouble = `  ${terminal.tone('red', 'no answer any more')}  ${(error as Error).message}; trying again`
      show([trouble, ...topLines(client.address, now, undefined, terminal)])
    }
  }
}

async function lookAt(client: StatusClient): Promise<Look> {
  const [pipelines, senders] = await Promise.all([client.pipelines(), client.senders()])
  return { pipelines, senders }
}

/** What the terminal has no line for is left out, with a line that says so. */
function fit(lines: readonly string[], { rows = 24 }: { rows?: number }): readonly string[] {
  return lines.length <= rows
    ? lines
    : [...lines.slice(0, rows - 1), `  … ${lines.length - rows + 1} more lines; see --once`]
}
