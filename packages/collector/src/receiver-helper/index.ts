/** What receivers that listen have in common: ports, TLS, limits, statuses, the accounts. */
export { Call } from './call.ts'
export {
  checkEndpoint,
  checkKeepalive,
  grpcServerKeys,
  httpServerKeys,
  maxMessageBytes,
  serverTls,
  serverTlsOptions,
  type ServerTls,
} from './config.ts'
export type { NoMethod } from './grpc.ts'
export type { UnaryHandler } from './grpc-call.ts'
export type { StreamHandler } from './grpc-stream.ts'
export { createHealth, HEALTH_SERVICE, healthProtoFile } from './health.ts'
export { factsOf, refusalStatus, refuseRequest, respond, type HttpHandler, type HttpService } from './http.ts'
export type { Intake } from './intake.ts'
export { joinReceivers } from './joined.ts'
export type { PortRules, PortSettings } from './port.ts'
export { ProtoFields } from './proto-fields.ts'
export { createReceiver } from './receiver.ts'
export { reflectionHandlers } from './reflection.ts'
export { takeBody, type BodyOptions, type RequestBody } from './request-body.ts'
export { BinaryReader, CompactReader, TYPES, type ThriftReader } from './thrift/index.ts'
export { inParts, takeTranslated, type Translate } from './translated.ts'
export { translatedHandler } from './translated-http.ts'
export { createUdpReceiver, type UdpSettings } from './udp.ts'
