/**
 * The configuration of `spoor` without `--config`: OTLP in, stored in Spoor. Spoor stores traces only, so that there is
 * no pipeline for metrics and logs, and the receiver refuses them by name (HTTP 404, gRPC UNIMPLEMENTED) instead of
 * swallowing them.
 */
export const ALL_IN_ONE = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: \${env:SPOOR_OTLP_GRPC_ENDPOINT}
      http:
        endpoint: \${env:SPOOR_OTLP_HTTP_ENDPOINT}
exporters:
  spoor_storage:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [spoor_storage]
`
