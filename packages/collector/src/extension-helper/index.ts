export { createHttpEndpoint, type Answer } from './http-endpoint.ts'
