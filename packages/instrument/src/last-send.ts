import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { serializeSpans } from './exporter.ts'
import type { Settings } from './settings.ts'

const headerBytes = 12
const maxReasonBytes = 500

/** What a last send achieved: the first `accepted` spans arrived; `reason` says why not all. */
export interface LastSendResult {
  readonly accepted: number
  readonly reason: string | undefined
}

/**
 * Sends spans synchronously, for moments at which the event loop turns no more: `process.exit()`, an uncaught
 * exception, the end of a script, a signal. A worker thread posts the requests while this thread sleeps in
 * `Atomics.wait`, at most `exitDeadlineMs`. One attempt, no retries. It costs 35 to 90 ms, most of it the start of
 * the thread, and nothing when there is nothing to send. Never throws.
 */
export function sendLast(spans: readonly ReadableSpan[], settings: Settings): LastSendResult {
  const { exporter, exitDeadlineMs, batch } = settings
  if (exitDeadlineMs === 0) return { accepted: 0, reason: 'exitDeadlineMs is 0' }
  if (exporter.url.startsWith('unix:')) return { accepted: 0, reason: 'a unix socket cannot be written to at exit' }
  try {
    // In batches, because receivers limit the size of a request.
    const batches = chunk(spans, batch.maxExportBatchSize)
    const shared = new SharedArrayBuffer(headerBytes + maxReasonBytes)
    const header = new Int32Array(shared, 0, 3)
    const worker = new Worker(workerUrl(), {
      workerData: {
        shared,
        url: exporter.url,
        protocol: exporter.protocol,
        headers: exporter.headers,
        compression: exporter.compression,
        bodies: batches.map((part) => serializeSpans(part, exporter.protocol)),
        tls: readCertificates(process.env),
      },
      // Neither the application's preloads nor its options belong in this thread.
      execArgv: [],
      env: {},
    })
    // Without a listener a failure of the thread would become an uncaught exception of the application.
    worker.on('error', () => {})
    const outcome = Atomics.wait(header, 0, 0, exitDeadlineMs)
    const acceptedBatches = Atomics.load(header, 1)
    const accepted = batches.slice(0, acceptedBatches).reduce((sum, part) => sum + part.length, 0)
    if (outcome === 'timed-out') return { accepted, reason: `no answer within ${exitDeadlineMs} ms` }
    const reason = Buffer.from(shared, headerBytes, Atomics.load(header, 2)).toString()
    return { accepted, reason: reason === '' ? undefined : reason }
  } catch (error) {
    return { accepted: 0, reason: (error as Error).message }
  }
}

function workerUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './last-send-worker.cts' : './last-send-worker.cjs', import.meta.url)
}

function chunk(spans: readonly ReadableSpan[], size: number): ReadableSpan[][] {
  const parts: ReadableSpan[][] = []
  for (let start = 0; start < spans.length; start += size) parts.push(spans.slice(start, start + size))
  return parts
}

/** The certificates that the SDK's exporters take from the environment. */
function readCertificates(env: NodeJS.ProcessEnv): Record<string, Uint8Array> {
  const variables = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' }
  const read: Record<string, Uint8Array> = {}
  for (const [option, suffix] of Object.entries(variables)) {
    const file = env[`OTEL_EXPORTER_OTLP_TRACES_${suffix}`] || env[`OTEL_EXPORTER_OTLP_${suffix}`]
    if (file) read[option] = new Uint8Array(readFileSync(file))
  }
  return read
}
