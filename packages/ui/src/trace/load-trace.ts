import { ApiFailure } from '../api/client.ts'
import type { LoadedTrace, LoadReply, LoadRequest } from './loaded-trace.ts'

/**
 * Loads a trace in a worker of its own. Resolves with `known` itself when the store has nothing new. Rejects with {@link ApiFailure}; an abort ends
 * the worker.
 */
export function loadTrace(id: string, known: LoadedTrace | undefined, signal: AbortSignal): Promise<LoadedTrace> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./load.worker.ts', import.meta.url), { type: 'module' })
    const finish = (settle: () => void) => {
      worker.terminate()
      signal.removeEventListener('abort', abort)
      settle()
    }
    const abort = () => finish(() => reject(new DOMException('The trace is no longer wanted', 'AbortError')))
    signal.addEventListener('abort', abort)
    worker.addEventListener('error', (event) => {
      finish(() => reject(new ApiFailure('unreadable', event.message || 'The worker that reads traces did not start')))
    })
    worker.addEventListener('message', (event: MessageEvent<LoadReply>) => {
      const reply = event.data
      finish(() => {
        if (reply.kind === 'failed') reject(new ApiFailure(reply.code, reply.message))
        else if (reply.kind === 'loaded') resolve(reply.loaded)
        else if (known) resolve(known)
      })
    })
    const request: LoadRequest = { id, knownLength: known?.byteLength }
    worker.postMessage(request, [])
  })
}
