import type { DependencyEdge, Operation } from '@spoor/storage'
import { RequestError } from '../api/params.ts'
import type { StoreQueries } from '../api/store-queries.ts'
import { startedTrace } from '../api/trace-bytes.ts'
import type { QueryCall } from '../http/query-call.ts'
import { adjustedOtlp } from './otlp.ts'
import { type JaegerTraceReader, readJaegerTrace } from './trace-json.ts'

/* What Jaeger's APIs answer over HTTP as over gRPC. */

/** Told in an answer that may lack something. */
export const INCOMPLETE =
  'the answer is not complete: the store was stopped by time, or a part of it cannot be read; ask for a shorter time range'

const KIND_NAMES = ['', 'internal', 'server', 'client', 'producer', 'consumer']

/** Operations with their kinds as Jaeger names them, of one kind where one is asked for. `unspecified`: what it calls spans without one. */
export function operationsOf(
  found: readonly Operation[],
  kind: string | undefined,
  unspecified: '' | 'internal',
): { name: string; spanKind: string }[] {
  return found
    .map((operation) => ({ name: operation.name, spanKind: KIND_NAMES[operation.kind] || unspecified }))
    .filter(({ spanKind }) => kind === undefined || spanKind === kind)
}

export const traceNotFound = () => new RequestError(404, 'not_found', 'trace not found')

/** The trace as it was sent. Rejects with RequestError 404 where there is none. */
export async function traceChunks(
  store: StoreQueries,
  id: string,
  call: QueryCall,
): Promise<AsyncGenerator<Uint8Array>> {
  const chunks = await startedTrace(store.trace(id, call))
  if (chunks === undefined) throw traceNotFound()
  return chunks
}

/** A trace as OTLP: as Jaeger shows it, or with `raw` as it was sent. `chunks`: of the trace. */
export function otlpOf(
  store: Pick<StoreQueries, 'trace'>,
  chunks: AsyncGenerator<Uint8Array>,
  id: string,
  raw: boolean,
  call: QueryCall,
): AsyncGenerator<Uint8Array> {
  if (raw) return chunks
  return adjustedOtlp(chunks, id, { again: () => store.trace(id, call), grow: roomForOne(call) })
}

/** Of each call, what has been taken of its room, and how much of that the trace at hand holds. */
const taken = new WeakMap<QueryCall, { bytes: number; held: number }>()

/** Room for a trace of an answer, whose traces are read one after the other: what the one before has held it may hold. */
function roomForOne(call: QueryCall): (bytes: number) => boolean {
  const room = taken.get(call) ?? { bytes: 0, held: 0 }
  taken.set(call, room)
  room.held = 0
  return (bytes) => {
    const more = room.held + bytes - room.bytes
    if (more > 0 && !call.room.grow(more)) return false
    room.bytes += Math.max(0, more)
    room.held += bytes
    return true
  }
}

/** Rejects with RequestError 404: there is no such trace, or no archive. */
export async function archiveTrace(store: StoreQueries, id: string, call: QueryCall): Promise<never> {
  const chunks = await traceChunks(store, id, call)
  await chunks.return(undefined)
  const message = 'archive span storage was not configured: Spoor keeps a trace as long as --max-age and --max-disk say'
  throw new RequestError(404, 'no_archive', message)
}

/** The trace in Jaeger's model; undefined where there is none. */
export async function readTrace(
  store: Pick<StoreQueries, 'trace'>,
  id: string,
  raw: boolean,
  call: QueryCall,
): Promise<JaegerTraceReader | undefined> {
  const chunks = await startedTrace(store.trace(id, call))
  const again = () => store.trace(id, call)
  return chunks && readJaegerTrace(chunks, id, { raw, again, grow: roomForOne(call) })
}

/**
 * The time that reading many traces for one answer may take in all, `timeoutMs` milliseconds. That in which the client takes what was read does not
 * count: `during` measures nothing else.
 */
export function readingTime(timeoutMs: number, nowMs: () => number = () => performance.now()) {
  let leftMs = timeoutMs
  return {
    get isOver(): boolean {
      return leftMs <= 0
    },
    async during<T>(read: () => Promise<T>): Promise<T> {
      const sinceMs = nowMs()
      try {
        return await read()
      } finally {
        leftMs -= nowMs() - sinceMs
      }
    },
    /** What is read, as long as there is time for it; then RequestError `timeout`, as that is not all. */
    async *reading<T>(chunks: AsyncGenerator<T>): AsyncGenerator<T> {
      try {
        for (;;) {
          if (leftMs <= 0) throw new RequestError(504, 'timeout', INCOMPLETE)
          const next = await this.during(() => chunks.next())
          if (next.done) return
          yield next.value
        }
      } finally {
        await chunks.return(undefined)
      }
    },
  }
}

/** Jaeger has one number for each two services, whatever the kind of the calls. Edges of a pair follow one another. */
export function pairsOf(edges: readonly DependencyEdge[]): { parent: string; child: string; callCount: number }[] {
  const pairs: { parent: string; child: string; callCount: number }[] = []
  for (const { parent, child, calls } of edges) {
    const last = pairs.at(-1)
    if (last && last.parent === parent && last.child === child) last.callCount += calls
    else pairs.push({ parent, child, callCount: calls })
  }
  return pairs
}
