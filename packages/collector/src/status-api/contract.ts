/** What the status API answers: JSON over HTTP, at the same paths in a collector and in Spoor. All times are milliseconds since 1970. */
import type { Edge, LedgerReport, Overview } from '../component/index.ts'

export const STATUS_PATHS = {
  pipelines: '/api/spoor/v1/pipelines',
  senders: '/api/spoor/v1/senders',
  config: '/api/spoor/v1/config',
  tap: '/api/spoor/v1/tap',
} as const

/** `GET /api/spoor/v1/pipelines`: the pipelines with their components, how they are, and totals since the start. */
export interface CollectorStatus extends Overview {
  /** Of Spoor. */
  readonly version: string
  /** When this was true; whoever asks twice makes rates of the difference. */
  readonly atMs: number
}

/** `GET /api/spoor/v1/tap`; with `edge=…` the next items there, as lines of OTLP/JSON. */
export interface EdgesStatus {
  readonly edges: readonly Edge[]
}

/** `GET /api/spoor/v1/senders`. */
export type SendersStatus = LedgerReport
