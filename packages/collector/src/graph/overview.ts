import type { CollectorConfig, PipelineConfig } from '../config/index.ts'
import {
  aggregate,
  type Sample,
  type ComponentOverview,
  type Kind,
  type Overview,
  type PipelineOverview,
  type StatusEvent,
} from '../component/index.ts'
import { figuresOf } from './figures.ts'
import { keyOf, type Node } from './node.ts'

/** The graph in the words of its configuration; what is between the components is left out. */
export function overviewOf(
  config: CollectorConfig,
  nodes: readonly Node[],
  samples: readonly Sample[],
  startedAtMs: number,
): Overview {
  const byKey = new Map(nodes.map((node) => [node.key, node]))
  const of = (kind: Kind, id: string, pipeline?: PipelineConfig): readonly ComponentOverview[] => {
    const node = byKey.get(keyOf(kind, id, kind === 'processor' && pipeline ? pipeline.id : ''))
    if (!node) return []
    const figures = pipeline ? figuresOf(samples, kind, id, pipeline) : { failed: {} }
    return [{ kind, id, status: node.status.event, figures, listening: node.component.listening?.() ?? [] }]
  }
  const isConnector = (id: string): boolean => config.connectors.has(id)
  const pipeline = (pipeline: PipelineConfig): PipelineOverview => {
    const components = [
      ...pipeline.receivers.flatMap((id) => of(isConnector(id) ? 'connector' : 'receiver', id, pipeline)),
      ...pipeline.processors.flatMap((id) => of('processor', id, pipeline)),
      ...pipeline.exporters.flatMap((id) => of(isConnector(id) ? 'connector' : 'exporter', id, pipeline)),
    ]
    return { id: pipeline.id, signal: pipeline.signal, status: together(components), components }
  }
  const pipelines = [...config.pipelines.values()].map(pipeline)
  const extensions = [...config.extensions.keys()].flatMap((id) => of('extension', id))
  const components = [...extensions, ...pipelines.flatMap((each) => each.components)]
  return { startedAtMs, status: together(components), pipelines, extensions }
}

function together(components: readonly ComponentOverview[]): StatusEvent {
  return aggregate(new Map(components.map((component) => [`${component.kind} ${component.id}`, component.status])))
}
