/** Pages that are served on this machine, on whichever port: whoever can serve one here can send without a browser, too. */
const LOCAL_ORIGINS = ['http', 'https'].flatMap((scheme) =>
  ['localhost', '127.0.0.1', '[::1]'].flatMap((host) => [`${scheme}://${host}`, `${scheme}://${host}:*`]),
)

/**
 * The configuration of `spoor` without `--config`: OTLP in, stored in Spoor. Spoor stores traces only, so that there is
 * no pipeline for metrics and logs, and the receiver refuses them by name (HTTP 404, gRPC UNIMPLEMENTED) instead of
 * swallowing them. Browsers may send from pages of this machine, and of `corsOrigins`; any header, as exporters are given theirs by hand.
 */
export function allInOne(corsOrigins: readonly string[] = []): string {
  return `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: \${env:SPOOR_OTLP_GRPC_ENDPOINT}
      http:
        endpoint: \${env:SPOOR_OTLP_HTTP_ENDPOINT}
        cors:
          allowed_origins: ${JSON.stringify([...LOCAL_ORIGINS, ...corsOrigins])}
          allowed_headers: ['*']
          max_age: 7200
exporters:
  spoor_storage:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [spoor_storage]
`
}
