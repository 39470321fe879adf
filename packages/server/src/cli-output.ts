import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { Logger, LogsConfig } from '@spoor/collector'
import { ageOf, choiceOf, type OptionValue, waitOf } from './cli-values.ts'
import { endProcess } from './lifetime/end-process.ts'
import type { LifetimeOptions } from './lifetime/lifetime.ts'
import { SpoorError } from './error.ts'
import { createLogger, LOG_LEVELS } from './logging.ts'
import { version } from './version.ts'

/** Where the program prints. */
export interface Io {
  readonly stdout: Writable
  readonly stderr: Writable
}

/** How long a stop may take before what is left is given up, by default. Milliseconds. */
export const STOP_DEADLINE_MS = 10_000
/** The choices of `--log-level`. */
export const LEVELS = LOG_LEVELS.join(', ')

/** `logs`: what the configuration asks for. Throws SpoorError `option`, and where a file of the log cannot be written. */
export function loggerOf(options: Readonly<Record<string, OptionValue>>, logs?: LogsConfig): Logger {
  // A person at a terminal is told what matters by the lines of the start; a log that is kept should have the whole
  // story.
  const usual = process.stderr.isTTY ? 'warn' : 'info'
  const level = choiceOf('log-level', options['logLevel'], LOG_LEVELS) ?? (logs?.level === 'debug' ? 'debug' : usual)
  const { encoding, output_paths: paths } = logs ?? {}
  try {
    return createLogger(level, encoding === undefined ? process.stderr.isTTY : encoding === 'console', paths)
  } catch (error) {
    const message = `service.telemetry.logs.output_paths: cannot write the log: ${(error as Error).message}`
    throw new SpoorError('option', message, { cause: error })
  }
}

export function sayOf(io: Io): (line: string) => void {
  return (line) => io.stderr.write(`${styleText('red', 'spoor:', { stream: io.stderr })} ${line}\n`)
}

/** Descriptions of the options that {@link lifetimeOf} reads, of all programs that run. */
export const SHUTDOWN_DELAY =
  'How long it goes on after SIGTERM while /ready says no, as 5s, so that load balancers send elsewhere (default: 0s)'
export const SHUTDOWN_TIMEOUT = 'How long its stop may then take before what is left is given up (default: 10s)'

/** Throws SpoorError `option`. */
export function lifetimeOf(io: Io, logger: Logger, options: Readonly<Record<string, OptionValue>>): LifetimeOptions {
  const onStopping = () => io.stdout.write('  Stopping; Ctrl-C again gives up what is left\n')
  const delayMs = waitOf('shutdown-delay', options['shutdownDelay'])
  const deadlineMs = ageOf('shutdown-timeout', options['shutdownTimeout']) ?? STOP_DEADLINE_MS
  return { logger, onStopping, say: sayOf(io), delayMs, deadlineMs, endNow: endProcess }
}

/** What a newcomer wants to know, and nothing else. */
export function banner(io: Io, lines: readonly (readonly [string, string | undefined])[]): void {
  const shown = lines.filter(([, value]) => value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length)) + 3
  const gray = (text: string) => styleText('gray', text, { stream: io.stdout })
  const rows = shown.map(([name, value]) => `  ${gray(name.padEnd(width))}${value}\n`)
  io.stdout.write(
    `\n  ${styleText('yellow', '◇', { stream: io.stdout })} spoor ${gray(version)}\n\n${rows.join('')}\n  ${gray('Ctrl-C stops')}\n\n`,
  )
}
