/** What processors that gather traces are built from. */
export { Arena } from './arena.ts'
export { eachTrace } from './by-trace.ts'
export { FragmentLists, type Detached, type Fragment, type SpanStore } from './fragments.ts'
export { TraceLog } from './trace-log.ts'
export { NONE, TraceTable } from './trace-table.ts'
