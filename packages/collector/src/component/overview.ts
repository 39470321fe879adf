/** What the collector says of itself to those of its extensions that show it. */
import type { Signal } from '@spoor/otlp'
import type { Kind, Listening } from './component.ts'
import type { StatusEvent } from './component-status.ts'

/** What a component has done since the start, in items of the pipeline's signal: spans, data points or log records. */
export interface Figures {
  /** Handed to it; undefined where that is not counted. */
  readonly in?: number
  /** Taken by what is behind it. */
  readonly out?: number
  /** Lost or handed back, by reason. */
  readonly failed: Readonly<Record<string, number>>
  /** Of an exporter with a sending queue, in the unit of its sizer. */
  readonly queue?: { readonly size: number; readonly capacity: number }
  /** Kept for it by a fan-out, as others have taken it already. */
  readonly kept?: number
}

/** Where a component stands in a pipeline: a connector is an exporter in one, and a receiver in another. */
export type Place = 'receiver' | 'processor' | 'exporter'

export interface ComponentOverview {
  readonly kind: Kind
  readonly id: string
  /** Undefined of an extension. */
  readonly place?: Place
  readonly status: StatusEvent
  /** A component that is in several pipelines of a signal has the same ones in each. */
  readonly figures: Figures
  readonly listening: readonly Listening[]
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

/** A place of the graph at which one can look at what goes through: what is handed to a component in a pipeline. */
export interface Edge {
  /** `PIPELINE:COMPONENT`, as `traces:batch`. */
  readonly id: string
  readonly pipeline: string
  readonly signal: Signal
  /** The components that hand it on. */
  readonly from: readonly string[]
  readonly to: string
}
