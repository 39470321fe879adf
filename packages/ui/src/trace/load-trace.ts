import { ApiFailure } from '../api/api-failure.ts'
import type { TraceSource } from '../files/opened-files.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import { ask } from '../worker/ask.ts'
import type { LoadedTrace, LoadReply, LoadRequest } from './loaded-trace.ts'

const startLoad = () => new Worker(new URL('./load.worker.ts', import.meta.url), { type: 'module' })

export interface LoadOptions {
  readonly signal: AbortSignal
  /** What there is of it already. */
  readonly known: LoadedTrace | undefined
  /** What it is in; else it comes from the store. */
  readonly source: TraceSource | undefined
  /** Its bytes, where they are here already; nothing is asked for then. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined
  /** Its times are moved to the clock of the request. */
  readonly isAligned: boolean
  /** It is of a file, open or not. */
  readonly isOfFile: boolean
}

/**
 * Loads a trace in a worker of its own. Resolves with `known` itself when the store has nothing new. Rejects with {@link ApiFailure} or
 * `WorkerFailure`; an abort ends the worker.
 */
export async function loadTrace(id: string, options: LoadOptions): Promise<LoadedTrace> {
  const { signal, known, source, isOfFile, isAligned } = options
  const bytes = options.bytes ?? source?.traces.find(({ traceId }) => traceId === id)?.bytes
  if (!bytes && (source ?? isOfFile)) throw new ApiFailure('not_open', 'It is not in a file that is open.')
  const request: LoadRequest = { id, bytes, isAligned, knownLength: known?.byteLength }
  const reply = await ask<LoadReply>(startLoad, request, { task: 'reads traces', signal })
  if (reply.kind === 'loaded') {
    const { services } = reply.loaded.trace
    return {
      ...reply.loaded,
      slots: Uint8Array.from(services, (service) => source?.slots?.[service] ?? slotOf(service)),
    }
  }
  if (reply.kind === 'unchanged' && known) return known
  throw reply.kind === 'failed' ? ApiFailure.of(reply.failure) : new Error('The trace did not come')
}
