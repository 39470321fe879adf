/** The program `spoor`, for those who start it in their own process: tests, benchmarks, other tools. */
export { defaultDataDirectory } from './data-directory.ts'
export { startSpoor, type Spoor, type SpoorOptions } from './spoor.ts'
export { SpoorError, type SpoorErrorCode } from './error.ts'
export { createLogger, type LogLevel } from './logging.ts'
export { version } from './version.ts'
export type * from './api.ts'
