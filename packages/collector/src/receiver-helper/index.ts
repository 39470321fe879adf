/** What receivers that listen have in common: ports, TLS, limits, statuses, the accounts. */
export { Call } from './call.ts'
export { grpcServerKeys, httpServerKeys, maxMessageBytes } from './config.ts'
export type { UnaryHandler } from './grpc.ts'
export { refusalStatus, refuseText, respond, type HttpHandler } from './http.ts'
export type { Intake } from './intake.ts'
export type { PortRules, PortSettings } from './port.ts'
export { createReceiver } from './receiver.ts'
export { takeBody, type RequestBody } from './request-body.ts'
