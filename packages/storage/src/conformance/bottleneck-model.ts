import { buildTrace, criticalPath } from '@spoor/trace'
import type { Bottleneck, BottleneckQuery, TimeShare } from '../contract.ts'
import { boundsOf } from './aggregate-model.ts'
import { expectedTraces } from './set-model.ts'
import { requestOf, type SentSpan } from './spans.ts'

/** One span's part in one trace. */
interface Piece {
  readonly traceId: string
  readonly service: string
  readonly name: string
  readonly isError: boolean
  readonly selfNs: number
  readonly criticalNs: number
  readonly isOnPath: boolean
}

/** Where the time went, trace by trace as the page draws them, from their bytes. */
export function expectedBottleneck(
  sent: readonly SentSpan[],
  query: BottleneckQuery,
): Pick<Bottleneck, 'traces' | 'requestNs' | 'services' | 'operations' | 'from' | 'to'> {
  const { limit = 50 } = query
  const found = expectedTraces(sent, query)
  const pieces = found.flatMap(({ traceId }) => piecesOf(traceId, sent))
  const byService = Map.groupBy(pieces, ({ service }) => service)
  const byOperation = Map.groupBy(pieces, ({ service, name }) => JSON.stringify([service, name]))
  return {
    ...boundsOf(sent, query),
    traces: found.length,
    requestNs: pieces.reduce((sum, { criticalNs }) => sum + criticalNs, 0),
    services: [...byService.values()].map(shareOf).sort(compare).slice(0, limit),
    operations: [...byOperation.values()]
      .map((own) => ({ ...shareOf(own), name: own[0]!.name }))
      .sort(compare)
      .slice(0, limit),
  }
}

function piecesOf(traceId: string, sent: readonly SentSpan[]): Piece[] {
  const bytes = requestOf(sent.filter(({ span }) => span.traceId === traceId))
  const trace = buildTrace(bytes)
  const path = [...criticalPath(trace)]
  return Array.from({ length: trace.size }, (_, row) => {
    const own = path.filter((segment) => segment.row === row)
    return {
      traceId,
      service: trace.services[trace.service[row]!]!,
      name: trace.names[trace.name[row]!]!,
      isError: trace.status[row] === 2,
      selfNs: trace.selfNs[row]!,
      criticalNs: own.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0),
      isOnPath: own.length > 0,
    }
  })
}

function shareOf(pieces: readonly Piece[]): TimeShare {
  const byTrace = [...Map.groupBy(pieces, ({ traceId }) => traceId)].map(([traceId, own]) => ({
    traceId,
    criticalNs: own.reduce((sum, { criticalNs }) => sum + criticalNs, 0),
    isOnPath: own.some(({ isOnPath }) => isOnPath),
  }))
  const onPath = byTrace.filter(({ isOnPath }) => isOnPath)
  const [most] = onPath.toSorted((a, b) => b.criticalNs - a.criticalNs || (a.traceId < b.traceId ? -1 : 1))
  return {
    service: pieces[0]!.service,
    spans: pieces.length,
    traces: byTrace.length,
    errors: pieces.filter(({ isError }) => isError).length,
    selfNs: pieces.reduce((sum, { selfNs }) => sum + selfNs, 0),
    criticalNs: onPath.reduce((sum, { criticalNs }) => sum + criticalNs, 0),
    criticalTraces: onPath.length,
    exemplar: most && { traceId: most.traceId, criticalNs: most.criticalNs },
  }
}

function compare(a: TimeShare & { readonly name?: string }, b: TimeShare & { readonly name?: string }): number {
  const key = (share: TimeShare & { readonly name?: string }): string => `${share.service}\u0000${share.name ?? ''}`
  return b.criticalNs - a.criticalNs || b.selfNs - a.selfNs || (key(a) < key(b) ? -1 : 1)
}
