import { buildTrace, criticalPath } from '@spoor/trace'
import type { Flame, FlameFrame, FlameOthers, FlameQuery } from '../contract.ts'
import { boundsOf } from './aggregate-model.ts'
import { expectedTraces } from './set-model.ts'
import { requestOf, type SentSpan } from './spans.ts'

/** A span, and the services and names on its way down from the top, its own last. */
interface Piece {
  readonly traceId: string
  readonly path: readonly string[]
  readonly isError: boolean
  readonly durationNs: number
  readonly selfNs: number
  readonly criticalNs: number
}

interface Frame {
  readonly path: readonly string[]
  readonly pieces: readonly Piece[]
}

/** The flame graph by the letter of the contract, from what the page makes of each trace's bytes. */
export function expectedFlame(
  sent: readonly SentSpan[],
  query: FlameQuery,
): Omit<Flame, 'complete' | 'spansScanned' | 'bytesRead' | 'elapsedMs' | 'bucketsFrom' | 'bucketNs'> {
  const { limit = 1_000, exemplars = 1 } = query
  const found = expectedTraces(sent, query)
  const pieces = found.flatMap(({ traceId }) => piecesOf(traceId, sent))
  const all = inOrder(
    [...Map.groupBy(pieces, ({ path }) => JSON.stringify(path)).values()].map((own) => ({
      path: own[0]!.path,
      pieces: own,
    })),
    [],
  )
  const weights = new Map(
    all.map((frame) => {
      const below = all.filter(({ path }) => startsWith(path, frame.path))
      return [frame, Math.max(...below.map(({ pieces: own }) => totalOf(own)))] as const
    }),
  )
  const kept = new Set(all.toSorted((a, b) => weights.get(b)! - weights.get(a)!).slice(0, limit))
  const told = all.filter((frame) => kept.has(frame))
  const places = told.map(({ path }) => JSON.stringify(path))
  /** The last frame on the way down that is told. */
  const lastTold = ({ path }: Frame): string => {
    const ways = path.map((_, i) => JSON.stringify(path.slice(0, i)))
    return ways.findLast((way) => places.includes(way)) ?? '[]'
  }
  const leftBelow = Map.groupBy(
    all.filter((frame) => !kept.has(frame)),
    lastTold,
  )
  const others = (path: readonly string[]): FlameOthers | undefined => {
    const left = leftBelow.get(JSON.stringify(path))
    if (!left) return undefined
    const direct = left.filter((frame) => frame.path.length === path.length + 1)
    return {
      frames: left.length,
      ...timesOf(left.flatMap((frame) => frame.pieces)),
      totalNs: totalOf(direct.flatMap((frame) => frame.pieces)),
    }
  }
  const frames = told.map(({ path, pieces: own }): FlameFrame => {
    const [service, name] = JSON.parse(path.at(-1)!) as [string, string]
    const above = JSON.stringify(path.slice(0, -1))
    const byTrace = [...Map.groupBy(own, ({ traceId }) => traceId)].map(([traceId, ofTrace]) => ({
      traceId,
      totalNs: totalOf(ofTrace),
    }))
    return {
      parent: places.indexOf(above),
      service,
      name,
      traces: byTrace.length,
      ...timesOf(own),
      exemplars: byTrace.sort((a, b) => b.totalNs - a.totalNs || (a.traceId < b.traceId ? -1 : 1)).slice(0, exemplars),
      others: others(path),
    }
  })
  const requestNs = pieces.reduce((sum, { criticalNs }) => sum + criticalNs, 0)
  return { ...boundsOf(sent, query), traces: found.length, requestNs, sampled: false, frames, others: others([]) }
}

function piecesOf(traceId: string, sent: readonly SentSpan[]): Piece[] {
  const trace = buildTrace(requestOf(sent.filter(({ span }) => span.traceId === traceId)))
  const segments = [...criticalPath(trace)]
  const operation = (row: number): string =>
    JSON.stringify([trace.services[trace.service[row]!], trace.names[trace.name[row]!]])
  const pathOf = (row: number): string[] => {
    const above = trace.parent[row]!
    return [...(above === -1 ? [] : pathOf(above)), operation(row)]
  }
  return Array.from({ length: trace.size }, (_, row) => ({
    traceId,
    path: pathOf(row),
    isError: trace.status[row] === 2,
    durationNs: trace.durationsNs[row]!,
    selfNs: trace.selfNs[row]!,
    criticalNs: segments
      .filter((segment) => segment.row === row)
      .reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0),
  }))
}

/** Each frame before those below it; siblings by their total time, then by service and name. */
function inOrder(frames: readonly Frame[], above: readonly string[]): Frame[] {
  const key = ({ path }: Frame): string => (JSON.parse(path.at(-1)!) as string[]).join('\u0000')
  return frames
    .filter(({ path }) => path.length === above.length + 1 && startsWith(path, above))
    .sort((a, b) => totalOf(b.pieces) - totalOf(a.pieces) || (key(a) < key(b) ? -1 : 1))
    .flatMap((frame) => [frame, ...inOrder(frames, frame.path)])
}

function startsWith(path: readonly string[], above: readonly string[]): boolean {
  return above.every((each, i) => path[i] === each)
}

function totalOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { durationNs }) => sum + durationNs, 0)
}

function timesOf(pieces: readonly Piece[]): Pick<FlameFrame, 'calls' | 'errors' | 'totalNs' | 'selfNs' | 'criticalNs'> {
  return {
    calls: pieces.length,
    errors: pieces.filter(({ isError }) => isError).length,
    totalNs: totalOf(pieces),
    selfNs: pieces.reduce((sum, { selfNs }) => sum + selfNs, 0),
    criticalNs: pieces.reduce((sum, { criticalNs }) => sum + criticalNs, 0),
  }
}
