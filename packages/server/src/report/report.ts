import { joinBytes } from '@spoor/otlp'
import {
  buildTrace,
  criticalPath,
  endOf,
  problems,
  rootRow,
  serviceGraph,
  SpanFlag,
  spanIdOf,
  type Trace,
} from '@spoor/trace'
import type { TraceReportResponse, TraceRow } from '../api.ts'
import type { ReportKind } from './protocol.ts'

const ERROR = 2
/** Spans that are named for a problem; the rest is in its text as a number. */
const MAX_SPANS = 20

/** A trace in one row, as a search gives it. */
function rowOfTrace(trace: Trace): TraceRow {
  const root = rootRow(trace)
  const services = serviceGraph(trace).nodes.map(({ service, spans, errors, selfNs }) => {
    return { name: trace.services[service]!, spans, errors, selfTimeNs: selfNs }
  })
  return {
    traceId: trace.traceId,
    rootService: root === -1 ? '' : trace.services[trace.service[root]!]!,
    rootName: root === -1 ? '' : trace.names[trace.name[root]!]!,
    start: trace.start.toString(),
    durationNs: trace.durationNs,
    requestStart: (trace.start + BigInt(root === -1 ? 0 : trace.startNs[root]!)).toString(),
    requestDurationNs: root === -1 ? 0 : trace.durationsNs[root]!,
    tailNs: root === -1 ? 0 : trace.durationNs - endOf(trace, root),
    spans: trace.size,
    errors: trace.status.reduce((count, status) => count + (status === ERROR ? 1 : 0), 0),
    orphans: trace.flags.reduce((count, flags) => count + (flags & SpanFlag.orphan ? 1 : 0), 0),
    services: services.sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** What there is to say of a trace, for those who have no page to look at: scripts and agents. */
function reportOf(trace: Trace): TraceReportResponse {
  return {
    trace: rowOfTrace(trace),
    problems: problems(trace).map(({ code, severity, text, rows }) => {
      return { code, severity, text, spans: rows.slice(0, MAX_SPANS).map((row) => spanIdOf(trace, row)) }
    }),
    criticalPath: Array.from(criticalPath(trace), ({ row, startNs, endNs }) => ({
      spanId: spanIdOf(trace, row),
      service: trace.services[trace.service[row]!]!,
      name: trace.names[trace.name[row]!]!,
      startNs,
      durationNs: endNs - startNs,
    })),
  }
}

/** What is wanted of a trace, as JSON text in UTF-8. `chunks`: serialized `TracesData` that together are one message. */
export function makeReport(kind: ReportKind, chunks: readonly Uint8Array[], traceId: string): Uint8Array {
  const trace = buildTrace(joinBytes(chunks), traceId)
  return Buffer.from(JSON.stringify(kind === 'report' ? reportOf(trace) : rowOfTrace(trace)))
}
