import type { CollectorConfig, PipelineConfig } from '../config/index.ts'
import {
  aggregate,
  type Sample,
  type ComponentOverview,
  type Kind,
  type Overview,
  type PipelineOverview,
  type Place,
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
  const at = (place: Place, id: string, pipeline: PipelineConfig): readonly ComponentOverview[] => {
    const kind = config.connectors.has(id) && place !== 'processor' ? 'connector' : place
    const node = byKey.get(keyOf(kind, id, place === 'processor' ? pipeline.id : ''))
    return node ? [{ ...of(kind, id, node), place, figures: figuresOf(samples, kind, id, pipeline) }] : []
  }
  const pipeline = (pipeline: PipelineConfig): PipelineOverview => {
    const components = [
      ...pipeline.receivers.flatMap((id) => at('receiver', id, pipeline)),
      ...pipeline.processors.flatMap((id) => at('processor', id, pipeline)),
      ...pipeline.exporters.flatMap((id) => at('exporter', id, pipeline)),
    ]
    return { id: pipeline.id, signal: pipeline.signal, status: together(components), components }
  }
  const pipelines = [...config.pipelines.values()].map(pipeline)
  const extensions = [...config.extensions.keys()].flatMap((id) => {
    const node = byKey.get(keyOf('extension', id, ''))
    return node ? [of('extension', id, node)] : []
  })
  const components = [...extensions, ...pipelines.flatMap((each) => each.components)]
  return { startedAtMs, status: together(components), pipelines, extensions }
}

function of(kind: Kind, id: string, { status, component }: Node): ComponentOverview {
  return { kind, id, status: status.event, figures: { failed: {} }, listening: component.listening?.() ?? [] }
}

function together(components: readonly ComponentOverview[]): StatusEvent {
  return aggregate(new Map(components.map((component) => [`${component.kind} ${component.id}`, component.status])))
}
