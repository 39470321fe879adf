/** The ports of TCP: that of gRPC and that of Thrift over HTTP, of which each speaks both, so that a sender with the wrong one loses nothing. */
import { protoFile } from '@spoor/otlp'
import { CollectorError } from '../../component/index.ts'
import { JAEGER_COLLECTOR_PROTOS, JAEGER_V2, POST_SPANS } from '../../jaeger-helper/index.ts'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import {
  maxMessageBytes,
  takeTranslated,
  translatedHandler,
  type HttpService,
  type Intake,
  type PortRules,
  type PortSettings,
  type UnaryHandler,
} from '../../receiver-helper/index.ts'
import { filled, type JaegerReceiverConfig } from './config.ts'
import { translateRequest } from './from-proto.ts'
import { translateBatch } from './from-thrift.ts'

/** A `PostSpansResponse`, which has no fields. */
const SUCCESS = messagePrefix(false, 0)
const THRIFT_TYPES = ['application/x-thrift', 'application/vnd.apache.thrift.binary']

/** Those that the config opens. */
export function portsOf({ protocols }: JaegerReceiverConfig): readonly PortSettings[] {
  const { grpc, thriftHttp } = filled(protocols)
  const rules: PortRules[] = []
  if (protocols.grpc) {
    const limit = { bytes: maxMessageBytes(grpc.max_recv_msg_size_mib), setting: 'max_recv_msg_size_mib' }
    rules.push(rulesOf('grpc', 'protocols.grpc', grpc, limit))
  }
  if (protocols.thrift_http) {
    const limit = { bytes: thriftHttp.max_request_body_size, setting: 'max_request_body_size' }
    rules.push(rulesOf('http', 'protocols.thrift_http', thriftHttp, limit))
  }
  return rules.map((one) => ({
    ...one,
    grpc: {
      maxConcurrentStreams: grpc.max_concurrent_streams,
      keepalive: grpc.keepalive,
      speaks: 'gRPC of Jaeger',
      methods: grpcMethods,
      services: () => [`${JAEGER_V2}.CollectorService`],
      protoFiles: () => JAEGER_COLLECTOR_PROTOS.map(protoFile),
    },
    http: {
      cors: one.transport === 'http' ? thriftHttp.cors : undefined,
      behaviour: thriftHttp,
      speaks: 'Thrift of Jaeger over HTTP',
      service: (intake) => httpService(intake, one, thriftHttp.compression_algorithms),
    },
  }))
}

function rulesOf(
  transport: PortRules['transport'],
  section: string,
  keys: Pick<ReturnType<typeof filled>['grpc'], 'endpoint' | 'transport' | 'tls' | 'auth' | 'include_metadata'>,
  limit: PortRules['limit'],
): PortRules {
  return {
    transport,
    endpoint: keys.endpoint,
    network: keys.transport,
    endpointSetting: `${section}.endpoint`,
    tls: keys.tls,
    auth: keys.auth,
    limit: { bytes: limit.bytes, setting: `${section}.${limit.setting}` },
    includeMetadata: keys.include_metadata,
  }
}

function grpcMethods(intake: Intake): ReturnType<NonNullable<PortSettings['grpc']>['methods']> {
  const postSpans: UnaryHandler = async ({ bytes }, call) => {
    await takeTranslated(intake, translateRequest, bytes, call)
    return SUCCESS
  }
  return (path) =>
    path === POST_SPANS
      ? postSpans
      : {
          error: new CollectorError('unimplemented', `unknown method ${path}; this port has ${POST_SPANS}`),
          reason: 'not_found',
        }
}

function httpService(intake: Intake, { limit, includeMetadata }: PortRules, codings: readonly string[]): HttpService {
  const options = { intake, limit, includeMetadata, codings, keepsCompressed: false }
  const handler = translatedHandler(options, (type) => {
    if (THRIFT_TYPES.includes(type)) return translateBatch
    const found = type === '' ? 'no content type' : `content type ${type.slice(0, 100)}`
    throw new CollectorError('invalid_data', `${found}; send one of ${THRIFT_TYPES.join(', ')}`)
  })
  return { handlers: new Map([['/api/traces', handler]]), unused: new Map() }
}
