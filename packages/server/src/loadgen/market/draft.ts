import type { Instance } from './instance.ts'

export type Value = string | number | boolean | readonly string[]
export type Attributes = Record<string, Value>

export interface Scope {
  readonly name: string
  readonly version: string
}

export interface EventDraft {
  readonly at: number
  readonly name: string
  readonly attributes: Attributes
}

export interface SpanId {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
}

export const KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

/** A span before it is written. Times are nanoseconds after the start of the pass, by a clock that is right. */
export interface SpanDraft extends SpanId {
  readonly parentSpanId: Uint8Array | undefined
  readonly instance: Instance
  readonly scope: Scope
  readonly name: string
  readonly kind: (typeof KIND)[keyof typeof KIND]
  readonly start: number
  end: number
  readonly attributes: Attributes
  readonly events: EventDraft[]
  readonly links: SpanId[]
  /** The message of its error status; undefined without an error. */
  error?: string
}
