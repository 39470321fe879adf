/** What the collector says of itself to those of its extensions that show it. */
import type { Signal } from '@spoor/otlp'
import type { StatusEvent } from './component-status.ts'

export interface ComponentOverview {
  readonly kind: 'receiver' | 'processor' | 'exporter' | 'connector' | 'extension'
  readonly id: string
  readonly status: StatusEvent
}

export interface PipelineOverview {
  /** `signal[/name]`. */
  readonly id: string
  readonly signal: Signal
  readonly status: StatusEvent
  /** Receivers, processors, exporters, each in the order of the configuration; a connector is in two pipelines. */
  readonly components: readonly ComponentOverview[]
}

export interface Overview {
  /** Milliseconds since 1970. */
  readonly startedAtMs: number
  /** Of all components together. */
  readonly status: StatusEvent
  readonly pipelines: readonly PipelineOverview[]
  readonly extensions: readonly ComponentOverview[]
}

/** Of a component that runs alone. */
export const NO_OVERVIEW: Overview = {
  startedAtMs: 0,
  status: { status: 'none', sinceMs: 0, message: '' },
  pipelines: [],
  extensions: [],
}
