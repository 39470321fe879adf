/** Sends one photograph through the services and waits for its result. The span that it makes is the root of the trace. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { withSpan } from '@spoor/instrument'
import type { PreprocessingAnswer } from '../preprocessing/service.ts'
import type { EnsembleResult, ErrorAnswer } from '../service/prediction.ts'
import { fault, happens } from '../service/faults.ts'
import { uploadUrl } from './target.ts'

/** What became of a photograph. One line of the client's JSON output. */
export interface Classification {
  /** The file's name without its folder. */
  readonly file: string
  /** 32 hex digits; all zeros when tracing is off. */
  readonly traceId: string
  /** From reading the file to having the result, ms. */
  readonly elapsedMs: number
  /** When it was classified. */
  readonly result?: EnsembleResult
  /** When it was not: the reason. */
  readonly error?: string
}

/** How long the whole may take, ms. */
const TIMEOUT_MS = 60_000

/**
 * Never rejects: what goes wrong is the classification's `error`, and on the span.
 *
 * @param url The preprocessing service, with its route or without.
 * @param attributes More to be said on the first span.
 */
export async function sendPhotograph(
  file: string,
  url: string,
  attributes: Readonly<Record<string, string>> = {},
): Promise<Classification> {
  const name = basename(file)
  const started = performance.now()
  let traceId = ''
  try {
    const result = await withSpan('classify a photograph', { attributes }, async (span) => {
      traceId = span.spanContext().traceId
      const bytes = spoil(await readFile(file))
      span.setAttributes({ 'file.name': name, 'file.size': bytes.length })
      const result = await classify(name, bytes, uploadUrl(url))
      span.setAttributes({ 'prediction.label': result.label, 'prediction.probability': result.probability })
      return result
    })
    return { file: name, traceId, elapsedMs: performance.now() - started, result }
  } catch (error) {
    return { file: name, traceId, elapsedMs: performance.now() - started, error: reasonOf(error) }
  }
}

/** A camera that now and then sends what is no image: half of one, or the error page of its own server. */
function spoil(bytes: Buffer): Buffer {
  const { percent = 0 } = fault('bad_images') ?? {}
  if (!happens(percent)) return bytes
  return happens(50) ? bytes.subarray(0, bytes.length / 2) : Buffer.from('<html>503 Service Unavailable</html>')
}

async function classify(name: string, bytes: Buffer, url: string): Promise<EnsembleResult> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const form = new FormData()
  form.append('file', new Blob([bytes]), name)
  const upload = await fetch(url, { method: 'POST', body: form, signal })
  const accepted = await read<PreprocessingAnswer>(upload)
  for (;;) {
    const answer = await fetch(accepted.result, { signal })
    const body = await read<EnsembleResult>(answer)
    // 202: it takes longer than the service holds a request open.
    if (answer.status !== 202) return body
  }
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as T
  throw new Error(`HTTP ${response.status}: ${messageIn(text)}`)
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as ErrorAnswer).error.message
  } catch {
    return text.slice(0, 200)
  }
}

/** fetch says no more than "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return cause.message || ('code' in cause ? String(cause.code) : error.message)
}
