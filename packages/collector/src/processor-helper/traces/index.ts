/** What processors that gather traces are built from. */
export type { Detached, Fragment } from './fragments.ts'
export { holderKeys, TraceHolder } from './holder.ts'
export { NONE, TraceTable } from './trace-table.ts'
