import { ApiFailure } from '../api/client.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import { ask } from '../worker/ask.ts'
import type { LoadedTrace, LoadReply, LoadRequest } from './loaded-trace.ts'

const startLoad = () => new Worker(new URL('./load.worker.ts', import.meta.url), { type: 'module' })

/**
 * Loads a trace in a worker of its own. Resolves with `known` itself when the store has nothing new. Rejects with {@link ApiFailure} or
 * `WorkerFailure`; an abort ends the worker.
 */
export async function loadTrace(id: string, known: LoadedTrace | undefined, signal: AbortSignal): Promise<LoadedTrace> {
  const request: LoadRequest = { id, knownLength: known?.byteLength }
  const reply = await ask<LoadReply>(startLoad, request, { task: 'reads traces', signal })
  if (reply.kind === 'loaded') return { ...reply.loaded, slots: Uint8Array.from(reply.loaded.trace.services, slotOf) }
  if (reply.kind === 'unchanged' && known) return known
  throw reply.kind === 'failed' ? ApiFailure.of(reply.failure) : new Error('The trace did not come')
}
