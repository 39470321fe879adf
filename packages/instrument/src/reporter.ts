import { Console } from 'node:console'
import { type DiagLogger, DiagLogLevel } from '@opentelemetry/api'

/** Milliseconds in which a warning of one kind is written once at most. */
const repeatAfterMs = 30_000
const diagRepeatAfterMs = 60_000
/** Characters of an SDK message that are written. */
const maxDiagLength = 2_000
/** Kinds of SDK messages remembered for the repeat limit; beyond it the memory starts anew. */
const maxRememberedKinds = 200

export interface ReporterOptions {
  /** True: `say` writes nothing. */
  readonly quiet: boolean
  /** `NONE`: nothing is written at all. */
  readonly level: DiagLogLevel
}

/** The few lines that tracing writes to stderr, each starting with `spoor: `. */
export interface Reporter {
  /** Good news. */
  say(text: string): void
  /** Good news of this kind, once. */
  sayOnce(kind: string, text: string): void
  /** What somebody should act on. */
  warn(text: string): void
  /** A warning of this kind, at most every 30 s; `text` is only made when it is written. */
  warnSometimes(kind: string, text: () => string): void
  /** Lets the next warning of this kind through. */
  reset(kind: string): void
  /** For `diag.setLogger`: the SDK's own messages, each kind at most once a minute. */
  readonly diagLogger: DiagLogger
}

export function createReporter(options: ReporterOptions): Reporter {
  // A Console of our own survives a stderr that was closed, and a console that the application has replaced.
  let output: Console | undefined
  const silent = options.level === DiagLogLevel.NONE
  const lastWritten = new Map<string, number>()

  function line(text: string): void {
    if (silent) return
    output ??= new Console(process.stderr)
    output.error(`spoor: ${text}`)
  }

  function isDue(kind: string, intervalMs: number): boolean {
    const now = performance.now()
    const last = lastWritten.get(kind)
    if (last !== undefined && now - last < intervalMs) return false
    if (lastWritten.size >= maxRememberedKinds) lastWritten.clear()
    lastWritten.set(kind, now)
    return true
  }

  function diagLine(label: string) {
    // Declared as text, but instrumentations hand over errors too.
    return (message: unknown, ...details: unknown[]): void => {
      const text = [message, ...details].map(textOf).join(' ')
      if (isDue(`diag ${label} ${kindOf(text)}`, diagRepeatAfterMs)) {
        line(`opentelemetry ${label}: ${text}`.slice(0, maxDiagLength))
      }
    }
  }

  return {
    say(text) {
      if (!options.quiet) line(text)
    },
    sayOnce(kind, text) {
      if (!options.quiet && isDue(kind, Infinity)) line(text)
    },
    warn: line,
    warnSometimes(kind, text) {
      if (isDue(kind, repeatAfterMs)) line(text())
    },
    reset(kind) {
      lastWritten.delete(kind)
    },
    diagLogger: {
      error: diagLine('error'),
      warn: diagLine('warning'),
      info: diagLine('info'),
      debug: diagLine('debug'),
      verbose: diagLine('verbose'),
    },
  }
}

/** What messages have in common that differ in names, ids and counts only. */
function kindOf(text: string): string {
  return text
    .slice(0, 400)
    .replace(/^.* [0-9a-f]{32}-[0-9a-f]{16} - /, '')
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`|\S*\d\S*/g, '#')
    .slice(0, 80)
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return value.message
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // Circular: the kind of thing is all that can be said.
    return Object.prototype.toString.call(value)
  }
}
