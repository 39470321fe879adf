import type { Logger } from '@spoor/collector'

/** Something that runs until it is stopped. */
export interface Running {
  /** Resolves with the reason when it cannot go on. */
  readonly failed: Promise<Error>
  stop(deadlineMs: number): Promise<void>
}

export interface LifetimeOptions {
  readonly logger: Logger
  /** Tells a person that a stop has begun. */
  readonly onStopping: () => void
  /** How long an orderly stop may take, in milliseconds. */
  readonly deadlineMs: number
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a program until a signal or its failure ends it, and resolves with the exit code: 0 after a signal and an
 * orderly stop, 1 after a failure, 130 when a second signal came before the stop was done. A signal that comes
 * while the program still starts is kept until it can be stopped. Rejects with what `start` rejects with.
 */
export async function runUntilStopped(start: () => Promise<Running>, options: LifetimeOptions): Promise<number> {
  const { logger, onStopping, deadlineMs } = options
  const signalled = Promise.withResolvers<undefined>()
  const forced = Promise.withResolvers<number>()
  let signals = 0
  function onSignal(): void {
    if (++signals === 1) signalled.resolve(undefined)
    else forced.resolve(130)
  }

  async function run(): Promise<number> {
    const running = await start()
    const failure = await Promise.race([running.failed, signalled.promise])
    if (failure) logger.error({ err: failure }, 'a part failed; stopping')
    else onStopping()
    await running.stop(deadlineMs)
    return failure ? 1 : 0
  }

  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    return await Promise.race([run(), forced.promise])
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}
