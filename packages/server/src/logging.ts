import { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { Logger } from '@spoor/collector'
import { pino } from 'pino'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const PINO_LEVELS: Readonly<Record<number, { name: string; color: 'gray' | 'cyan' | 'yellow' | 'red' }>> = {
  20: { name: 'debug', color: 'gray' },
  30: { name: 'info ', color: 'cyan' },
  40: { name: 'warn ', color: 'yellow' },
  50: { name: 'error', color: 'red' },
}

/**
 * Logs to stderr, or to `paths` (`stdout`, `stderr`, files, which are added to): one JSON object a line for machines, one line for a person, coloured at
 * a terminal. Throws where a file cannot be opened.
 */
export function createLogger(
  level: LogLevel,
  forPerson: boolean = process.stderr.isTTY,
  paths: readonly string[] = ['stderr'],
): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const isStderr = paths.length === 1 && paths[0] === 'stderr'
  // Logs are few; written at once, none is lost when the process ends.
  const out = forPerson && isStderr ? process.stderr : outputs(paths)
  const destination = forPerson ? prettyStream(out) : out
  const printer = pino({ ...options, level: 'info' }, destination)
  return Object.assign(pino(options, destination), {
    print: (fields: object, message: string) => printer.info(fields, message),
  })
}

interface Output {
  write(text: string): unknown
}

function outputs(paths: readonly string[]): Output {
  const all = paths.map((path) => {
    const fd = ['stdout', 'stderr'].indexOf(path) + 1
    return pino.destination(fd > 0 ? { fd, sync: true } : { dest: path, append: true, sync: true })
  })
  return { write: (text) => all.forEach((each) => each.write(text)) }
}

/** `12:31:07.218 warn  message  key=value key=value`; a text or a stack trace follows on lines of its own. */
function prettyStream(out: Output): Writable {
  return new Writable({
    write(line: Buffer, _, done) {
      const { level, time, msg, err, text, ...fields } = JSON.parse(line.toString()) as Record<string, unknown>
      const { name, color } = PINO_LEVELS[level as number] ?? { name: 'fatal', color: 'red' }
      const rest = Object.entries(fields).map(
        ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
      const details = rest.length > 0 ? `  ${styleText('gray', rest.join(' '))}` : ''
      const below = text ?? (err as { stack?: string } | undefined)?.stack
      out.write(
        `${styleText('gray', String(time).slice(11, 23))} ${styleText(color, name)} ${String(msg)}${details}\n${typeof below === 'string' ? `${below}\n` : ''}`,
      )
      done()
    },
  })
}
