/** Sends photographs at a rate, so many at a time at most. */
import { setTimeout as sleep } from 'node:timers/promises'
import { dueMs } from './pace.ts'
import { sendPhotograph } from './send.ts'
import type { Classification } from './send.ts'

/** What is sent, how fast, and who hears of it. */
export interface LoadOptions {
  /** The address that takes photographs. */
  readonly url: string
  /** Files, as many as are asked for. */
  readonly files: Iterator<string, string>
  /** Requests; Infinity: until `signal`. */
  readonly count: number
  /** Requests a second, above 0. */
  readonly rate: number
  /** Seconds in which the rate grows from nothing. */
  readonly rampSeconds: number
  /** Photographs that may be under way at once: when they are not answered, the next ones wait. At least 1. */
  readonly concurrency: number
  /** Put on the first span of each request. */
  readonly attributes: Readonly<Record<string, string>>
  readonly onAnswer: (classification: Classification) => void
  /** Nothing more is sent; what is under way is waited for. */
  readonly signal: AbortSignal
}

/** How it goes; read while it goes. */
export interface LoadState {
  sent: number
  underWay: number
  /** Requests that were sent later than they were due because others were not answered, and the most of it. */
  late: number
  mostLateMs: number
}

/** What a timer is allowed to be late, ms. */
const TIMER_LATE_MS = 50

/** Sends all and resolves when the last one is answered. `state` is written as it goes. */
export async function sendAll(options: LoadOptions, state: LoadState): Promise<void> {
  const { url, files, count, rate, rampSeconds, concurrency, attributes, onAnswer, signal } = options
  const started = performance.now()
  const underWay = new Set<Promise<void>>()
  for (let index = 0; index < count; index++) {
    const due = started + dueMs(index, rate, rampSeconds)
    await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => undefined)
    if (underWay.size >= concurrency) {
      await Promise.race(underWay)
      const lateMs = performance.now() - due
      if (lateMs > TIMER_LATE_MS) state.late++
      state.mostLateMs = Math.max(state.mostLateMs, lateMs)
    }
    if (signal.aborted) break
    const task: Promise<void> = sendPhotograph(files.next().value, url, attributes).then((classification) => {
      underWay.delete(task)
      state.underWay = underWay.size
      onAnswer(classification)
    })
    underWay.add(task)
    state.sent++
    state.underWay = underWay.size
  }
  await Promise.all(underWay)
}
