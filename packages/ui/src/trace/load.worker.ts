import { transferables } from '@spoor/trace'
import { ApiFailure, getBytes } from '../api/client.ts'
import type { LoadReply, LoadRequest } from './loaded-trace.ts'
import { prepareTrace } from './prepare-trace.ts'

// Fetches a trace and builds its model off the page's thread: one request, one reply.
addEventListener('message', (event: MessageEvent<LoadRequest>) => {
  void load(event.data).then(([reply, transfer]) => postMessage(reply, { transfer }))
})

async function load({ id, knownLength }: LoadRequest): Promise<[LoadReply, ArrayBuffer[]]> {
  try {
    const bytes = await getBytes(`traces/${id}`)
    if (bytes.length === knownLength) return [{ kind: 'unchanged' }, []]
    const loaded = prepareTrace(bytes, id)
    const { offsets, startNs, endNs } = loaded.critical
    const transfer = [...transferables(loaded.trace), offsets.buffer, startNs.buffer, endNs.buffer] as ArrayBuffer[]
    return [{ kind: 'loaded', loaded }, transfer]
  } catch (error) {
    const code = error instanceof ApiFailure ? error.code : 'unreadable'
    return [{ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) }, []]
  }
}
