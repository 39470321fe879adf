import { buildTrace, endOf, rootRow } from '@spoor/trace'
import { isGzip, tracesOf } from '@spoor/trace/files'
import { answer, type AtWork, type Handed } from '../worker/answer.ts'
import type { FileTrace, OpenedFile } from './opened-files.ts'

// Reads a file off the page's thread: one request, one reply. Nothing of it leaves the browser.
answer(read)

async function read(file: File, { alive }: AtWork): Promise<Handed<OpenedFile>> {
  const bytes = await contentOf(file, alive)
  const { traces, refusals } = tracesOf(bytes, alive)
  const rows: FileTrace[] = []
  for (const [traceId, of] of traces) {
    // Pieces of the file share its memory, and each has to have its own to be handed over.
    rows.push(rowOf(traceId, of.slice()))
    alive()
  }
  const transfer = rows.map((row) => row.bytes.buffer)
  return { reply: { name: file.name, traces: rows, refusals }, transfer }
}

async function contentOf(file: File, alive: () => void): Promise<Uint8Array> {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer())
  const plain = isGzip(head) ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream()
  const heard = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      alive()
      controller.enqueue(chunk)
    },
  })
  return new Uint8Array(await new Response(plain.pipeThrough(heard)).arrayBuffer())
}

function rowOf(traceId: string, bytes: Uint8Array<ArrayBuffer>): FileTrace {
  const trace = buildTrace(bytes, traceId)
  const root = Math.max(0, rootRow(trace))
  let errors = 0
  for (let row = 0; row < trace.size; row++) if (trace.status[row] === 2) errors++
  return {
    traceId,
    rootService: trace.services[trace.service[root]!] ?? '',
    rootName: trace.names[trace.name[root]!] ?? '',
    start: trace.start,
    requestNs: trace.durationsNs[root] ?? 0,
    tailNs: Math.max(0, trace.durationNs - endOf(trace, root)),
    spans: trace.size,
    services: trace.services.length,
    errors,
    bytes,
  }
}
