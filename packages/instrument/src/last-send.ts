import { Worker } from 'node:worker_threads'
import type { EncodedBatch } from './otlp/batch-encoder.ts'
import { createSender, type SendFailure, type SenderSettings, type SendResult } from './otlp/sender.ts'

/** Batches go together up to so many bytes, which every receiver takes: at an exit each request is waited for. */
const maxRequestBytes = 2 * 1024 * 1024
const headerBytes = 12
const maxFailureBytes = 8_192

/** What a last send achieved: the first `accepted` batches arrived; `failure` says why not all. */
export interface LastSendResult {
  readonly accepted: number
  readonly failure: SendFailure | undefined
}

/** What the thread is given. */
interface Job {
  /** Int32: done (0, 1), bodies accepted, length of the failure; then the failure as JSON. */
  readonly shared: SharedArrayBuffer
  readonly settings: SenderSettings
  readonly bodies: readonly Uint8Array[]
}

/**
 * Sends batches synchronously, for moments at which the event loop turns no more: `process.exit()`, an uncaught
 * exception, the end of a script, a signal. A worker thread posts the requests while this thread sleeps in
 * `Atomics.wait`, at most `deadlineMs`. One attempt, no retries; without batches one request without spans. It costs 35 to 90 ms, most of it the start of
 * the thread.
 */
export function sendLast(
  batches: readonly EncodedBatch[],
  settings: SenderSettings,
  deadlineMs: number,
): LastSendResult {
  const timeout = { code: 'TIMEOUT', words: `no answer within ${deadlineMs} ms`, retryable: true }
  if (deadlineMs === 0) return { accepted: 0, failure: timeout }
  const requests = batches.length > 0 ? joined(batches, settings) : [[]]
  const batchesIn = (count: number): number => requests.slice(0, count).reduce((sum, part) => sum + part.length, 0)
  try {
    const shared = new SharedArrayBuffer(headerBytes + maxFailureBytes)
    const header = new Int32Array(shared, 0, headerBytes / 4)
    const { protocol, url, headers, compression, tls } = settings
    const job: Job = {
      shared,
      settings: { protocol, url, headers, compression, tls, timeoutMs: deadlineMs },
      bodies: requests.map((part) =>
        part.length > 0 ? Buffer.concat(part.map(({ body }) => body)) : emptyBody(protocol),
      ),
    }
    // Neither the application's preloads nor its options belong in this thread.
    const worker = new Worker(workerSource(), { eval: true, workerData: job, execArgv: [], env: {} })
    // Without a listener a failure of the thread would become an uncaught exception of the application.
    worker.on('error', () => {})
    const outcome = Atomics.wait(header, 0, 0, deadlineMs)
    const accepted = batchesIn(Atomics.load(header, 1))
    if (outcome === 'timed-out') return { accepted, failure: timeout }
    const text = Buffer.from(shared, headerBytes, Atomics.load(header, 2)).toString()
    return { accepted, failure: text === '' ? undefined : (JSON.parse(text) as SendFailure) }
  } catch (error) {
    const { name, message } = error as Error
    return { accepted: 0, failure: { code: name, words: message, retryable: false } }
  }
}

/** Of a request without spans, which carries headers alone. */
export function emptyBody(protocol: SenderSettings['protocol']): Uint8Array {
  return Buffer.from(protocol === 'http/json' ? '{}' : '')
}

/** Serialized requests laid end to end are one request; JSON's are not. */
function joined(batches: readonly EncodedBatch[], { protocol }: SenderSettings): EncodedBatch[][] {
  const requests: EncodedBatch[][] = []
  let bytes = Infinity
  for (const batch of batches) {
    bytes += batch.body.length
    if (bytes <= maxRequestBytes && protocol !== 'http/json') requests.at(-1)!.push(batch)
    else {
      requests.push([batch])
      bytes = batch.body.length
    }
  }
  return requests
}

/**
 * The thread, as text: a file of its own would be missing where a bundler has made one file of all. CommonJS, because
 * without the ES module loader it is ready in half the time. `__name` is what some compilers call in each function.
 */
function workerSource(): string {
  return `
const __name = (fn) => fn
;(${run.toString()})(${createSender.toString()}, process.getBuiltinModule('node:worker_threads').workerData)
`
}

/** Refers to nothing outside itself, either. */
async function run(create: typeof createSender, job: Job): Promise<void> {
  const header = new Int32Array(job.shared, 0, 3)
  const failureBytes = new Uint8Array(job.shared, 12)
  let failure: SendResult['failure']
  try {
    const { send } = create(job.settings)
    for (const body of job.bodies) {
      failure = (await send(body)).failure
      if (failure) break
      Atomics.add(header, 1, 1)
    }
  } catch (error) {
    const { name, message } = error as Error
    failure = { code: name, words: message, retryable: false }
  }
  if (failure) {
    // JSON grows by what it escapes, and must not be cut.
    const text = Buffer.from(JSON.stringify({ ...failure, words: failure.words.slice(0, 1_000) }))
    failureBytes.set(text)
    Atomics.store(header, 2, text.length)
  }
  Atomics.store(header, 0, 1)
  Atomics.notify(header, 0)
}
