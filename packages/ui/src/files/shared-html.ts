import { bytesToBase64 } from '@spoor/otlp'
import { get } from '../api/client.ts'
import type { LoadedTrace } from '../trace/loaded-trace.ts'
import { placeOfTrace, type SharedTrace, withTrace } from './shared-trace.ts'

/** One HTML file with a trace and all that shows it, as it is shown here: it opens without any server. */
export async function sharedHtml({ trace, slots }: LoadedTrace, signal: AbortSignal): Promise<Blob> {
  const viewer = new TextDecoder().decode(await get('/viewer.html', 'text/html', { signal }))
  if (!viewer.includes(placeOfTrace)) {
    throw new Error('This page and its server are not of one version. Reload the page, and try again.')
  }
  const packed = new Blob([trace.bytes as BlobPart]).stream().pipeThrough(new CompressionStream('gzip'))
  const shared: SharedTrace = {
    traceId: trace.traceId,
    search: location.search,
    sharedMs: Date.now(),
    slots: Object.fromEntries(trace.services.map((service, index) => [service, slots[index]!])),
    gzip: bytesToBase64(new Uint8Array(await new Response(packed).arrayBuffer())),
  }
  return new Blob([withTrace(viewer, shared)], { type: 'text/html' })
}
