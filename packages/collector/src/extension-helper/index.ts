export { httpEndpointKeys } from './config.ts'
export { createGrpcEndpoint } from './grpc-endpoint.ts'
export { createHttpEndpoint, type HttpEndpoint, refusal, type Answer } from './http-endpoint.ts'
export { createWatchedFile, type WatchedFile } from './watched-file.ts'
