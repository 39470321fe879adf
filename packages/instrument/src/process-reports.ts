/**
 * What this process knows of itself and its spans do not say, told to Spoor: as a header of requests without spans, where its spans go, so that the page shows it. Only to a
 * receiver that has asked for it: Spoor answers exports with the header `spoor-takes-reports`, and no other backend has that. Until such an answer has come nothing is told, and
 * nothing any more once an answer comes without it.
 */
import { randomUUID } from 'node:crypto'
import type { NeverEnded } from './open-spans.ts'
import { withoutTracing } from './without-tracing.ts'

/** How often. A process of which nothing comes for three times as long, and that has not said goodbye, is told to be gone. Milliseconds. */
const everyMs = 10_000
const maxKinds = 3
const maxText = 200

const reportHeader = 'spoor-process'

/** What is told each time. */
export interface ProcessFacts {
  readonly service: string
  readonly pid: number
  readonly host: string
  readonly sdk: string
  readonly runtime: string
  readonly exporter: string
  readonly sampler: string
  readonly propagators: string
  readonly patched: readonly string[]
  readonly awaited: readonly string[]
  readonly ended: number
  readonly exported: number
  readonly failed: number
  readonly dropped: number
  readonly waiting: number
  readonly notSampled: number
  readonly notSampledByCaller: number
  readonly open: number
  readonly neverEnded: readonly NeverEnded[]
  readonly firstError: string
}

export interface ProcessReports {
  /** A receiver that wants reports has taken something: the first one goes at once. */
  start(): void
  /** The header of the last request, once; undefined where nobody wants one. No report follows it. */
  goodbye(exitCode: number): Readonly<Record<string, string>> | undefined
  /** No report follows, nor a goodbye. */
  stop(): void
}

/** `send`: resolves with whether the receiver wants more. */
export function createProcessReports(
  facts: () => ProcessFacts,
  send: (headers: Readonly<Record<string, string>>) => Promise<boolean>,
): ProcessReports {
  const id = randomUUID()
  let timer: NodeJS.Timeout | undefined
  let isOver = false

  function header(end: { readonly goodbye: boolean; readonly exitCode: number }): Readonly<Record<string, string>> {
    const { neverEnded, ...rest } = facts()
    const kinds = neverEnded.slice(0, maxKinds).map(({ name, scope, count }) => ({ name: cut(name), scope, count }))
    const { firstError, ...plain } = rest
    const report = { id, everyMs, ...plain, firstError: cut(firstError), neverEnded: kinds, ...end }
    return { [reportHeader]: Buffer.from(JSON.stringify(report)).toString('base64url') }
  }

  async function tell(): Promise<void> {
    const isWanted = await send(header({ goodbye: false, exitCode: 0 }))
    if (isWanted || isOver) return
    clearInterval(timer)
    timer = undefined
  }

  function stop(): void {
    isOver = true
    clearInterval(timer)
    timer = undefined
  }

  return {
    start() {
      if (timer || isOver) return
      // Neither keeps the process alive, nor makes spans.
      timer = withoutTracing(() => setInterval(() => void tell(), everyMs).unref())
      void tell()
    },
    goodbye(exitCode) {
      const isWanted = timer !== undefined
      stop()
      return isWanted ? header({ goodbye: true, exitCode }) : undefined
    },
    stop,
  }
}

function cut(text: string): string {
  return text.slice(0, maxText)
}
