/**
 * The two ports of the OTLP receiver, of which each speaks both protocols. What is said of a port holds for whatever comes there: its TLS,
 * its limit, its include_metadata.
 */
import { otlpProtoFiles } from '@spoor/otlp'
import { maxMessageBytes, type PortRules, type PortSettings } from '../../receiver-helper/index.ts'
import { filled, type FilledProtocols, type OtlpReceiverConfig } from './config.ts'
import type { Converter } from './conversion.ts'
import { grpcMethods, grpcServices } from './grpc.ts'
import { httpService } from './http.ts'

/** The ports that the config opens. */
export function portsOf({ protocols }: OtlpReceiverConfig, converter: Converter): readonly PortSettings[] {
  const all = filled(protocols)
  const { grpc, http } = all
  const rules: PortRules[] = []
  if (protocols.grpc)
    rules.push(rulesOf('grpc', grpc, [maxMessageBytes(grpc.max_recv_msg_size_mib), 'max_recv_msg_size_mib']))
  if (protocols.http) rules.push(rulesOf('http', http, [http.max_request_body_size, 'max_request_body_size']))
  return rules.map((one) => withProtocols(one, all, converter))
}

function rulesOf(
  transport: keyof FilledProtocols,
  keys: FilledProtocols[keyof FilledProtocols],
  limit: readonly [bytes: number, key: string],
): PortRules {
  const section = `protocols.${transport}`
  return {
    transport,
    endpoint: keys.endpoint,
    network: keys.transport,
    endpointSetting: `${section}.endpoint`,
    tls: keys.tls,
    auth: keys.auth,
    limit: { bytes: limit[0], setting: `${section}.${limit[1]}` },
    includeMetadata: keys.include_metadata,
  }
}

function withProtocols(rules: PortRules, { grpc, http }: FilledProtocols, converter: Converter): PortSettings {
  const paths = { traces: http.traces_url_path, metrics: http.metrics_url_path, logs: http.logs_url_path }
  return {
    ...rules,
    grpc: {
      maxConcurrentStreams: grpc.max_concurrent_streams,
      keepalive: grpc.keepalive,
      speaks: 'OTLP/gRPC',
      methods: (intake) => grpcMethods(intake, converter),
      services: grpcServices,
      protoFiles: otlpProtoFiles,
    },
    http: {
      // Browsers are let in on the port of HTTP only.
      cors: rules.transport === 'http' ? http.cors : undefined,
      behaviour: http,
      speaks: 'OTLP/HTTP',
      tracesPath: paths.traces,
      service: (intake) => httpService(intake, rules, http.compression_algorithms, paths, converter),
    },
  }
}
