import { transferables } from '@spoor/trace'
import { ApiFailure } from '../api/api-failure.ts'
import { getBytes } from '../api/client.ts'
import { answer, type AtWork, type Handed } from '../worker/answer.ts'
import type { LoadReply, LoadRequest } from './loaded-trace.ts'
import { prepareTrace } from './prepare-trace.ts'

// Fetches a trace and builds its model off the page's thread: one request, one reply.
answer(load)

async function load(
  { id, bytes: given, knownLength, isAligned }: LoadRequest,
  { alive }: AtWork,
): Promise<Handed<LoadReply>> {
  try {
    const bytes = given ?? (await getBytes(`traces/${id}`, { onProgress: alive }))
    alive()
    if (bytes.length === knownLength) return { reply: { kind: 'unchanged' } }
    const loaded = prepareTrace(bytes, id, isAligned)
    const { offsets, startNs, endNs } = loaded.critical
    const { aheadNs } = loaded
    const ahead = aheadNs ? [aheadNs.buffer] : []
    const transfer = [...transferables(loaded.trace), offsets.buffer, startNs.buffer, endNs.buffer, ...ahead]
    return { reply: { kind: 'loaded', loaded }, transfer: transfer as ArrayBuffer[] }
  } catch (error) {
    if (error instanceof ApiFailure) return { reply: { kind: 'failed', failure: error.toPlain() } }
    throw error
  }
}
