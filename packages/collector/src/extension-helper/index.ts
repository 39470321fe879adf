export { createHttpEndpoint, type Answer } from './http-endpoint.ts'
export { createWatchedFile, type WatchedFile } from './watched-file.ts'
