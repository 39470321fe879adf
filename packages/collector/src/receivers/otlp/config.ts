/** The config of the `otlp` receiver; keys and defaults as in the OpenTelemetry Collector's otlpreceiver. */
import { z } from 'zod'
import { section, withoutEffect } from '../../component/index.ts'
import { HTTP_PATHS } from '../../otlp-protocol/services.ts'
import { checkEndpoint, checkKeepalive, grpcServerKeys, httpServerKeys } from '../../receiver-helper/index.ts'

/** A slash at its start may be left out, as the collector has it. */
const urlPath = z.preprocess(
  (input) => (typeof input === 'string' && !input.startsWith('/') ? `/${input}` : input),
  z.string().refine((path) => !/[\s?#:]|%(?![0-9a-f]{2})/i.test(path), {
    message: 'not a path of URLs; write it like /v1/traces',
  }),
)

const grpc = section(grpcServerKeys('localhost:4317')).superRefine(checkEndpoint)

const http = section({
  ...httpServerKeys('localhost:4318'),
  traces_url_path: urlPath.default(HTTP_PATHS.traces),
  metrics_url_path: urlPath.default(HTTP_PATHS.metrics),
  logs_url_path: urlPath.default(HTTP_PATHS.logs),
  profiles_url_path: withoutEffect(urlPath.optional(), 'profiles are not taken'),
})
  .superRefine(checkEndpoint)
  .superRefine(checkKeepalive)

export const otlpReceiverConfig = section({
  protocols: section({ grpc: grpc.optional(), http: http.optional() }, ['grpc', 'http']),
}).refine(({ protocols }) => protocols.grpc !== undefined || protocols.http !== undefined, {
  message: 'must specify at least one protocol when using the OTLP receiver; write grpc: or http: (or both) in it',
  path: ['protocols'],
})

export type OtlpReceiverConfig = z.infer<typeof otlpReceiverConfig>
type Protocols = OtlpReceiverConfig['protocols']

/** The protocols with all their keys, and which of them have a port. */
export interface FilledProtocols {
  readonly grpc: NonNullable<Protocols['grpc']>
  readonly http: NonNullable<Protocols['http']>
}

/** Of a protocol that has no port of its own, the defaults hold on the other's. */
export function filled(protocols: Protocols): FilledProtocols {
  return { grpc: protocols.grpc ?? grpc.parse({}), http: protocols.http ?? http.parse({}) }
}
