/** What each component may have, and all of them together must not: a way round from an exporter to a receiver that feeds it, and processors in an order that defeats them. */
import { isLoopback } from '../component/index.ts'
import type { PipelineConfig } from './config.ts'
import { isMapping } from './merge.ts'
import type { Path } from './places.ts'

export interface Habit {
  readonly path: Path
  readonly message: string
  /** False: it is worth a line, and the configuration is taken. */
  readonly isWrong: boolean
}

type Section = Readonly<Record<string, unknown>>

/** `root`: the whole configuration, expanded. */
export function habitsOf(root: Section, pipelines: ReadonlyMap<string, PipelineConfig>): Habit[] {
  const receivers = isMapping(root['receivers']) ? root['receivers'] : {}
  const exporters = isMapping(root['exporters']) ? root['exporters'] : {}
  return [...loops(receivers, exporters, pipelines), ...[...pipelines.values()].flatMap(orderOf)]
}

/** The port of an address that means this machine; undefined for any other. */
function ownPort(endpoint: unknown): string | undefined {
  if (typeof endpoint !== 'string') return undefined
  const [, host = '', port] = /^(?:https?:\/\/)?(\[[^\]]*\]|[^:/]*):(\d+)(?:\/.*)?$/.exec(endpoint.trim()) ?? []
  return isLoopback(host) || ['', '0.0.0.0', '[::]'].includes(host) ? port : undefined
}

/** Where receivers listen that have said nothing. */
const USUAL_PORTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  otlp: { grpc: '4317', http: '4318' },
  jaeger: { grpc: '14250', thrift_http: '14268' },
  zipkin: { '': '9411' },
}

function portsOf(id: string, config: unknown): string[] {
  const usual = USUAL_PORTS[id.split('/', 1)[0]!]
  if (!usual) return []
  const protocols = isMapping(config) && isMapping(config['protocols']) ? config['protocols'] : { '': config }
  return Object.entries(protocols).flatMap(([name, settings]) => {
    const endpoint = isMapping(settings) ? settings['endpoint'] : undefined
    return (endpoint === undefined ? usual[name] : ownPort(endpoint)) ?? []
  })
}

function loops(receivers: Section, exporters: Section, pipelines: ReadonlyMap<string, PipelineConfig>): Habit[] {
  const listening = Object.entries(receivers).flatMap(([id, config]) =>
    portsOf(id.trim(), config).map((port) => ({ id: id.trim(), port })),
  )
  return Object.entries(exporters).flatMap(([key, config]): Habit[] => {
    const endpoint = isMapping(config) ? config['endpoint'] : undefined
    const port = ownPort(endpoint)
    if (port === undefined || port === '0') return []
    const receiver = listening.find((one) => one.port === port && feeds(one.id, key.trim(), pipelines))
    if (!receiver) return []
    const message = `${String(endpoint)} is where the receiver ${receiver.id} listens, which feeds this exporter: what comes in would go round for ever; write the address of what is behind this collector`
    return [{ path: ['exporters', key, 'endpoint'], message, isWrong: true }]
  })
}

/** Whether what a receiver takes comes to an exporter, through pipelines and the connectors between them. */
function feeds(receiver: string, exporter: string, pipelines: ReadonlyMap<string, PipelineConfig>): boolean {
  const seen = new Set<PipelineConfig>()
  const waiting = [receiver]
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop())
    for (const pipeline of pipelines.values()) {
      if (seen.has(pipeline) || !pipeline.receivers.includes(from)) continue
      seen.add(pipeline)
      waiting.push(...pipeline.exporters)
    }
  return [...seen].some(({ exporters }) => exporters.includes(exporter))
}

function orderOf({ id, processors }: PipelineConfig): Habit[] {
  const types = processors.map((processor) => processor.split('/', 1)[0])
  const limiter = types.indexOf('memory_limiter')
  const batch = types.indexOf('batch')
  if (limiter < 0 || batch < 0 || limiter < batch) return []
  const rest = processors.filter((_, index) => index !== limiter)
  const message = `stands behind ${processors[batch]}, which has taken what it would refuse; write processors: [${[processors[limiter], ...rest].join(', ')}]`
  return [{ path: ['service', 'pipelines', id, 'processors', limiter], message, isWrong: false }]
}
