/** What the measured collector does with what it receives. */
export type Exporter =
  | { readonly kind: 'nop' }
  | { readonly kind: 'otlp_grpc' | 'otlp_http'; readonly endpoint: string; readonly compression: 'none' | 'gzip' }

/** Ports of 127.0.0.1 that a program is told to listen on; 0 for a free one, where it says which. */
export interface Ports {
  readonly grpc: number
  readonly http: number
}

/** The part of a configuration that listens. */
export const receivers = ({ grpc, http }: Ports): string => `\
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '127.0.0.1:${grpc}' }
      http: { endpoint: '127.0.0.1:${http}' }`

/**
 * The collector's configuration, as a user would write it, for Spoor's and for the real one. Batches of 8,192 spans or
 * 200 ms where it forwards.
 */
export function configOf(exporter: Exporter, ports: Ports): string {
  const forwards = exporter.kind !== 'nop'
  return `
${receivers(ports)}
processors:
  batch: { send_batch_size: 8192, timeout: 200ms }
exporters:
  ${exporter.kind}: ${settingsOf(exporter)}
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], processors: [${forwards ? 'batch' : ''}], exporters: [${exporter.kind}] }
`
}

/** What is between OTLP and its export over gRPC in batches: the processors in their order, and what spans are counted by. */
export interface Stages {
  /** YAML by id. */
  readonly processors?: Readonly<Record<string, string>>
  readonly connectors?: Readonly<Record<string, string>>
}

/** The configuration with these stages. Spans go to `endpoint`, or where there is a connector to it alone; what it counts is dropped. */
export function processingConfig({ processors = {}, connectors = {} }: Stages, endpoint: string, ports: Ports): string {
  const exporter: Exporter = { kind: 'otlp_grpc', endpoint, compression: 'none' }
  const [ids, ends] = [Object.keys(processors), Object.keys(connectors)]
  const section = (entries: Readonly<Record<string, string>>): string =>
    Object.entries(entries)
      .map(([id, yaml]) => `  ${id}: ${yaml}\n`)
      .join('')
  return `
${receivers(ports)}
processors:
${section({ ...processors, batch: '{ send_batch_size: 8192, timeout: 200ms }' })}
exporters:
  otlp_grpc: ${settingsOf(exporter)}
  nop: {}
${ends.length > 0 ? `connectors:\n${section(connectors)}` : ''}
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces:
      receivers: [otlp]
      processors: [${[...ids, ...(ends.length > 0 ? [] : ['batch'])].join(', ')}]
      exporters: [${ends.length > 0 ? ends.join(', ') : 'otlp_grpc'}]
${ends.length > 0 ? `    metrics: { receivers: [${ends.join(', ')}], exporters: [nop] }` : ''}
`
}

function settingsOf(exporter: Exporter): string {
  if (exporter.kind === 'nop') return '{}'
  const { kind, endpoint, compression } = exporter
  if (kind === 'otlp_http') return `{ endpoint: 'http://${endpoint}', compression: ${compression} }`
  return `{ endpoint: '${endpoint}', tls: { insecure: true }, compression: ${compression} }`
}
