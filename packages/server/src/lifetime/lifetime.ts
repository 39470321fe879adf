import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@spoor/collector'
import { SpoorError } from '../error.ts'

/** Something that runs until it is stopped. */
export interface Running {
  /** Resolves with the reason when it cannot go on. */
  readonly failed: Promise<Error>
  /** From now on it says that it is not ready, and does all of its work: who sends and asks goes elsewhere before it stops. */
  readonly drain?: () => void
  /** Resolves when all has stopped. Rejects with SpoorError `hung`, which names what did not stop in time. */
  stop(deadlineMs: number): Promise<void>
}

export interface LifetimeOptions {
  readonly logger: Logger
  /** Tells a person that a stop has begun. */
  readonly onStopping: () => void
  /** Prints a line for a person, whatever the level of the log. */
  readonly say: (line: string) => void
  /** What a SIGHUP does, where it does not end the program. */
  readonly onHangup?: () => void
  /** How long it goes on after a signal, {@link Running.drain drained}, before it stops, in milliseconds. Default 0. */
  readonly delayMs?: number | undefined
  /** How long an orderly stop may take, in milliseconds; the delay is not in it. */
  readonly deadlineMs: number
  /** Ends the process at once, for good, with that exit code. */
  readonly endNow: (code: number) => never
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** What a stop may take beyond its deadline before the process is ended under it. Milliseconds. */
const GRACE_MS = 1_000
/** What a start that is broken off may take to give back what it has. Milliseconds. */
const START_GRACE_MS = 5_000

/** Why a program ends. */
type Cause = { readonly signal: NodeJS.Signals } | { readonly failure: Error }

/**
 * Runs a program until a signal or its failure ends it, and resolves with the exit code: 0 after a signal and an
 * orderly stop, 1 after a failure or where something did not stop in order. Rejects with what `start` rejects with.
 *
 * Nothing can make it wait for ever: a signal breaks off the start (`start`'s signal is aborted) or begins the stop,
 * which has `deadlineMs`; a second signal, and a stop that is not done a second after its deadline, end the process at
 * once (`endNow`) with a line that says so. The exit code is then 128 and the signal's number, or 1. Exceptions and
 * rejections that nobody caught are told with their stack and stop the program as a failure does.
 */
export async function runUntilStopped(
  start: (signal: AbortSignal) => Promise<Running>,
  options: LifetimeOptions,
): Promise<number> {
  const { logger, onStopping, onHangup, say, delayMs = 0, deadlineMs, endNow } = options
  const cause = Promise.withResolvers<Cause>()
  const starting = new AbortController()
  const over = new AbortController()
  let signals = 0

  function end(why: Cause): void {
    cause.resolve(why)
    starting.abort()
  }
  function onSignal(signal: NodeJS.Signals): void {
    if (signal === 'SIGHUP' && onHangup) {
      onHangup()
      return
    }
    if (++signals === 1) {
      end({ signal })
      return
    }
    say(`ended at once by a second ${signal}; what was still under way is given up`)
    endNow(128 + constants.signals[signal])
  }
  /** An exception, or a rejection, which Node makes one, that nobody caught. */
  function onDefect(thrown: unknown): void {
    const failure = thrown instanceof Error ? thrown : new Error(String(thrown))
    logger.error({ err: failure }, `a defect of Spoor, which stops because of it: ${failure.message}`)
    end({ failure })
  }

  async function run(): Promise<number> {
    const running = await Promise.race([start(starting.signal), startTimeout(cause.promise, over.signal)])
    const why = await Promise.race([running.failed.then((failure): Cause => ({ failure })), cause.promise])
    if ('failure' in why) say(`stopping, as it cannot go on: ${why.failure.message}`)
    else {
      onStopping()
      running.drain?.()
      // What fails meanwhile ends the waiting, and not the order of the stop.
      if (delayMs > 0) await Promise.race([delay(delayMs, undefined, { signal: over.signal }), running.failed])
    }
    await Promise.race([running.stop(deadlineMs), stopTimeout(deadlineMs, over.signal)])
    return 'failure' in why ? 1 : 0
  }

  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('uncaughtException', onDefect)
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof SpoorError)) throw error
    if (error.code === 'hung') {
      say(error.message)
      return endNow(1)
    }
    if (error.code !== 'stopped') throw error
    const why = await cause.promise
    if ('signal' in why) return 0
    say(`stopped, as it cannot go on: ${why.failure.message}`)
    return 1
  } finally {
    over.abort()
    for (const signal of SIGNALS) process.off(signal, onSignal)
    process.off('uncaughtException', onDefect)
  }
}

async function startTimeout(cause: Promise<Cause>, over: AbortSignal): Promise<never> {
  await cause
  await delay(START_GRACE_MS, undefined, { signal: over })
  throw new SpoorError('hung', 'told to stop while it was starting, which did not give way; ended')
}

async function stopTimeout(deadlineMs: number, over: AbortSignal): Promise<never> {
  await delay(deadlineMs + GRACE_MS, undefined, { signal: over })
  throw new SpoorError('hung', `the stop took longer than ${deadlineMs / 1000} s; ended`)
}
