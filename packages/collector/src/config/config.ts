import type { Signal } from '@spoor/otlp'
import type { Factory, Kind } from '../component/index.ts'
import type { TelemetryConfig } from '../telemetry/index.ts'

export type FactoryOf<K extends Kind> = Extract<Factory, { readonly kind: K }>

/** A component's factory and its validated, frozen config, which is of the type that the factory wants. */
export interface ComponentConfig<K extends Kind = Kind> {
  readonly factory: FactoryOf<K>
  readonly config: unknown
}

export interface PipelineConfig {
  /** `signal[/name]`. */
  readonly id: string
  readonly signal: Signal
  /** Component ids; a connector's may be among receivers and exporters. */
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
}

/** What the graph is built from. Only components that a pipeline (or `service.extensions`) uses are in it. */
export interface CollectorConfig {
  readonly receivers: ReadonlyMap<string, ComponentConfig<'receiver'>>
  readonly processors: ReadonlyMap<string, ComponentConfig<'processor'>>
  readonly exporters: ReadonlyMap<string, ComponentConfig<'exporter'>>
  readonly connectors: ReadonlyMap<string, ComponentConfig<'connector'>>
  readonly extensions: ReadonlyMap<string, ComponentConfig<'extension'>>
  readonly pipelines: ReadonlyMap<string, PipelineConfig>
  /** `service.telemetry`. */
  readonly telemetry: TelemetryConfig
  /** As it was written, merged and expanded, without its secrets. */
  readonly effective: unknown
  /** What is not wrong but worth a line in the log, each with its place. */
  readonly warnings: readonly string[]
}
