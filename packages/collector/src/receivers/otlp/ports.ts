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
  const rules = [...(protocols.grpc ? [grpcRules(all)] : []), ...(protocols.http ? [httpRules(all)] : [])]
  return rules.map((one) => withProtocols(one, all, converter))
}

function grpcRules({ grpc }: FilledProtocols): PortRules {
  return {
    transport: 'grpc',
    endpoint: grpc.endpoint,
    network: grpc.transport,
    endpointSetting: 'protocols.grpc.endpoint',
    tls: grpc.tls,
    auth: grpc.auth,
    limit: {
      bytes: maxMessageBytes(grpc.max_recv_msg_size_mib),
      setting: 'protocols.grpc.max_recv_msg_size_mib',
    },
    includeMetadata: grpc.include_metadata,
  }
}

function httpRules({ http }: FilledProtocols): PortRules {
  return {
    transport: 'http',
    endpoint: http.endpoint,
    network: http.transport,
    endpointSetting: 'protocols.http.endpoint',
    tls: http.tls,
    auth: http.auth,
    limit: { bytes: http.max_request_body_size, setting: 'protocols.http.max_request_body_size' },
    includeMetadata: http.include_metadata,
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
      service: (intake) => httpService(intake, rules, http.compression_algorithms, paths, converter),
    },
  }
}
