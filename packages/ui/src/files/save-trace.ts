import type { LoadedTrace } from '../trace/loaded-trace.ts'
import { ask } from '../worker/ask.ts'
import { saveBlob } from './save-blob.ts'
import { sharedHtml } from './shared-html.ts'
import type { WriteRequest } from './write-trace.worker.ts'

/** What a trace is saved as. */
export type TraceForm = 'html' | 'otlp' | 'otlp-json' | 'jaeger-json'

const startWriting = () => new Worker(new URL('./write-trace.worker.ts', import.meta.url), { type: 'module' })

const endings: Readonly<Record<TraceForm, string>> = {
  html: '.html',
  otlp: '.otlp.pb',
  'otlp-json': '.otlp.json',
  'jaeger-json': '.jaeger.json',
}

/** Makes a file of a trace and has the browser save it. Rejects with words for the person at the page. */
export async function saveTrace(loaded: LoadedTrace, form: TraceForm): Promise<void> {
  const { bytes, traceId } = loaded.trace
  const signal = AbortSignal.timeout(600_000)
  saveBlob(await content(), `trace-${traceId}${endings[form]}`)

  function content(): Promise<Blob> | Blob {
    if (form === 'html') return sharedHtml(loaded, signal)
    if (form === 'otlp') return new Blob([bytes as BlobPart], { type: 'application/x-protobuf' })
    const request: WriteRequest = { bytes, traceId, form }
    return ask<Blob>(startWriting, request, { task: 'writes files', signal })
  }
}
