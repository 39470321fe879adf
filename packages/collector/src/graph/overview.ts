import type { CollectorConfig, PipelineConfig } from '../config/index.ts'
import {
  aggregate,
  type ComponentOverview,
  type Kind,
  type Overview,
  type PipelineOverview,
  type StatusEvent,
} from '../component/index.ts'
import type { Node } from './node.ts'

/** The graph in the words of its configuration; what is between the components is left out. */
export function overviewOf(config: CollectorConfig, nodes: readonly Node[], startedAtMs: number): Overview {
  const byKey = new Map(nodes.map((node) => [node.key, node]))
  const of = (kind: Kind, id: string, place = ''): readonly ComponentOverview[] => {
    const node = byKey.get([kind, id, place].join(' '))
    return node ? [{ kind, id, status: node.status.event }] : []
  }
  const shared = (kind: 'receiver' | 'exporter', id: string): readonly ComponentOverview[] =>
    of(config.connectors.has(id) ? 'connector' : kind, id)
  const pipeline = ({ id, signal, receivers, processors, exporters }: PipelineConfig): PipelineOverview => {
    const components = [
      ...receivers.flatMap((each) => shared('receiver', each)),
      ...processors.flatMap((each) => of('processor', each, id)),
      ...exporters.flatMap((each) => shared('exporter', each)),
    ]
    return { id, signal, status: together(components), components }
  }
  const pipelines = [...config.pipelines.values()].map(pipeline)
  const extensions = [...config.extensions.keys()].flatMap((id) => of('extension', id))
  const components = [...extensions, ...pipelines.flatMap((each) => each.components)]
  return { startedAtMs, status: together(components), pipelines, extensions }
}

function together(components: readonly ComponentOverview[]): StatusEvent {
  return aggregate(new Map(components.map((component) => [`${component.kind} ${component.id}`, component.status])))
}
