/** What processors that gather traces are built from. */
export type { Detached } from './fragments.ts'
export { holderKeys, TraceHolder } from './holder.ts'
export type { Found, Mark } from './trace-log.ts'
export { NONE, TraceTable } from './trace-table.ts'
