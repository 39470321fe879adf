import type { Logger } from '@spoor/collector'
import { StorageError } from '@spoor/storage'
import { SpoorError } from '../error.ts'

/** One thing to stop, in its turn. */
export interface StopPart {
  /** As in "the collector did not stop". */
  readonly name: string
  /** Its part of the time that is left when its turn comes, 0 to 1. */
  readonly share: number
  /** Stops it; must be done after `deadlineMs` milliseconds, and is not waited for longer. */
  readonly stop: (deadlineMs: number) => Promise<unknown> | undefined
}

/** What a part may take beyond its time, to say for itself what it gave up. Milliseconds. */
const SLACK_MS = 200

/**
 * Stops the parts one after another, each in its share of the time. One that fails or hangs does not keep the others from being
 * stopped. Rejects with SpoorError `hung` that names those which were not done in time, else with the first failure.
 */
export async function stopParts(parts: readonly StopPart[], deadlineMs: number, logger: Logger): Promise<void> {
  const ends = performance.now() + deadlineMs
  const hung: string[] = []
  const errors: unknown[] = []
  for (const { name, share, stop } of parts) {
    const shareMs = Math.max(0, ends - performance.now()) * share
    try {
      if ((await within(stop(shareMs), shareMs + SLACK_MS)) === HUNG) hung.push(name)
    } catch (error) {
      if (error instanceof StorageError && error.code === 'timeout') hung.push(name)
      else errors.push(error)
      logger.error({ err: error }, `${name} did not stop in order`)
    }
  }
  if (hung.length > 0) {
    const message = `${hung.join(' and ')} did not stop within ${deadlineMs / 1000} s; ended, and what was still under way is given up`
    throw new SpoorError('hung', message)
  }
  if (errors.length > 0) throw errors[0]
}

const HUNG = Symbol('hung')

/** The promise's end, or HUNG after that many milliseconds. */
export async function within<T>(
  promise: Promise<T> | undefined,
  timeoutMs: number,
): Promise<T | typeof HUNG | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof HUNG>((resolve) => (timer = setTimeout(resolve, timeoutMs, HUNG)))
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
