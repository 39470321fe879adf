import { type DiagLogger, DiagLogLevel } from '@opentelemetry/api'

/** Milliseconds in which a warning of one kind is written once at most. */
const repeatAfterMs = 30_000
const diagRepeatAfterMs = 60_000
/** Kinds of SDK messages remembered for the repeat limit; beyond it the memory starts anew. */
const maxRememberedKinds = 200

export interface ReporterOptions {
  /** True: `say` writes nothing. */
  readonly quiet: boolean
  /** `NONE`: nothing is written at all. */
  readonly level: DiagLogLevel
  /** Gets whole lines. Default: stderr, which Node writes synchronously to files, terminals and POSIX pipes. */
  readonly write?: (line: string) => void
}

/** The few lines that tracing writes to stderr, each starting with `spoor: `. */
export interface Reporter {
  /** Good news. */
  say(text: string): void
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
  const write = options.write ?? ((line: string) => void process.stderr.write(line))
  const silent = options.level === DiagLogLevel.NONE
  const lastWritten = new Map<string, number>()

  function line(text: string): void {
    if (!silent) write(`spoor: ${text}\n`)
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
    return (message: string, ...details: unknown[]): void => {
      // The beginning tells the kind: what follows holds ids and counts that differ each time.
      const kind = `diag ${label} ${message.slice(0, 32)}`
      if (!isDue(kind, diagRepeatAfterMs)) return
      const rest = details.map((detail) => (detail instanceof Error ? detail.message : safeText(detail))).join(' ')
      line(`opentelemetry ${label}: ${message}${rest ? ` ${rest}` : ''}`.slice(0, 2_000))
    }
  }

  return {
    say(text) {
      if (!options.quiet) line(text)
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

function safeText(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}
