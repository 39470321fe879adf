/**
 * One trace as a columnar model, and what can be said of it. Pure: no I/O, no clock, no Node; the same in a browser, in
 * a worker and on a server.
 */
export type { CriticalSegment, Problem, Trace } from './model.ts'
export { SpanFlag } from './model.ts'
export { buildTrace, UNKNOWN_SERVICE } from './build.ts'
export { resourceStartOf, rowOfSpanId, spanIdOf, spanOf, transferables, type SpanDetail } from './access.ts'
export { childrenOf, endOf, rootRow, topRows } from './children.ts'
export { clocksOf, type ClockShift, type TraceClocks } from './clocks.ts'
export { criticalPath, criticalPathOfShape } from './critical-path.ts'
export { CriticalPath } from './critical-segments.ts'
export { errorKindOf, type ErrorKind, type RecordedError } from './error-kind.ts'
export { problems } from './problems.ts'
export { shapeOf, shaping, type TraceShape } from './shape.ts'
export { verdictOf, type Verdict, type VerdictShare } from './verdict.ts'
export { createFindings, type Findings } from './findings/findings.ts'
export type { Finding } from './findings/finding.ts'
export { SPAN_BYTES, SpanTable } from './span-table.ts'
export { serviceGraph, type ServiceEdge, type ServiceGraph, type ServiceNode } from './service-graph.ts'
