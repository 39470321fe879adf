/** What the measured collector does with what it receives. */
export type Exporter =
  | { readonly kind: 'nop' }
  | { readonly kind: 'otlp_grpc'; readonly endpoint: string; readonly compression: 'none' | 'gzip' }

/** The collector's configuration, as a user would write it. Batches of 8,192 spans or 200 ms where it forwards. */
export function configOf(exporter: Exporter): string {
  const receivers = `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '127.0.0.1:0' }
      http: { endpoint: '127.0.0.1:0' }
`
  if (exporter.kind === 'nop') {
    return `${receivers}
exporters:
  nop: {}
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [nop] }
`
  }
  return `${receivers}
processors:
  batch: { send_batch_size: 8192, timeout: 200ms }
exporters:
  otlp_grpc:
    endpoint: '${exporter.endpoint}'
    tls: { insecure: true }
    compression: ${exporter.compression}
service:
  pipelines:
    traces: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
`
}
