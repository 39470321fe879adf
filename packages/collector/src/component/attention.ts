/** What somebody should know, and can mend: of a sender, of what it sent, of a service. Whoever knows it tells it in this one form. */
export interface Attention {
  /** The same for the same thing, however often it is told; where `code` and `where` tell it from others, absent. */
  readonly id?: string
  /** Stable, snake_case: `doubled_path`, `no_pipeline`, `tls_to_plain_port`, … */
  readonly code: string
  /** `error`: spans are lost. `warning`: other things are, or what is shown misleads. `info`: it works, and could be better. */
  readonly severity: 'error' | 'warning' | 'info'
  /** What is wrong: a sentence. */
  readonly what: string
  /** Who and where: `OTel-OTLP-Exporter-Python/1.45.0 on 127.0.0.1, at 127.0.0.1:4318`; or `service checkout`. */
  readonly where: string
  /** The way out in words: a sentence. */
  readonly mend: string
  /** The very lines, each to be pasted as it is; the first one mends it alone. May be empty. */
  readonly lines: readonly MendingLine[]
  /** Requests, or spans, that it was seen in; at least so many. */
  readonly count: number
  /** Milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** Spans that show it, at most 20; absent for what came of requests. */
  readonly spans?: readonly { readonly traceId: string; readonly spanId: string }[]
}

export interface MendingLine {
  /**
   * `env`: `NAME=value`, in the environment of the sender. `shell`: a command, or an option of the one that runs. `yaml`: in the
   * collector's configuration. `code`: in the sender's code.
   */
  readonly kind: 'env' | 'shell' | 'yaml' | 'code'
  readonly text: string
}

const RANK: Readonly<Record<Attention['severity'], number>> = { error: 0, warning: 1, info: 2 }

/** The gravest first, then the latest. */
export function byGravity(a: Attention, b: Attention): number {
  return RANK[a.severity] - RANK[b.severity] || b.lastSeenMs - a.lastSeenMs
}
