import { setTimeout as sleep } from 'node:timers/promises'

/** A trace that has been acknowledged whole. */
export interface SentTrace {
  /** 32 hex digits. */
  readonly id: string
  readonly spans: number
}

export interface Verified {
  /** Traces that were asked for. */
  readonly asked: number
  readonly whole: number
  /** What is wrong with the others, each in a line. */
  readonly wrong: readonly string[]
}

export interface VerifyOptions {
  readonly repeated?: boolean
  readonly patienceMs?: number
  readonly signal?: AbortSignal | undefined
}

/** A backend with a batch in memory needs some of it. Milliseconds. */
const PATIENCE_MS = 10_000
const AGAIN_MS = 200

/**
 * Reads traces back over Jaeger's API, `/api/traces/ID`, and counts their spans. Rejects when nobody answers there.
 *
 * @param options `repeated`: the same spans were sent several times, which some backends show as often; `patienceMs`: how long a backend
 *   may take until what it has acknowledged can be read, default 10,000
 */
export async function verifyTraces(
  url: string,
  traces: readonly SentTrace[],
  { repeated = false, patienceMs = PATIENCE_MS, signal }: VerifyOptions = {},
): Promise<Verified> {
  const deadline = performance.now() + patienceMs
  const wrong: string[] = []
  for (const trace of traces) {
    let found: number
    while ((found = await spansOf(url, trace.id, signal)) < trace.spans && performance.now() < deadline) {
      await sleep(AGAIN_MS, undefined, signal && { signal })
    }
    const isWhole = repeated ? found > 0 && found % trace.spans === 0 : found === trace.spans
    if (!isWhole) wrong.push(`trace ${trace.id}: ${found} of ${trace.spans} spans are there`)
  }
  return { asked: traces.length, whole: traces.length - wrong.length, wrong }
}

async function spansOf(url: string, id: string, signal: AbortSignal | undefined): Promise<number> {
  const response = await fetch(new URL(`/api/traces/${id}`, url), { signal: signal ?? null })
  if (response.status === 404) return 0
  if (!response.ok)
    throw new Error(`${url}/api/traces/${id} answered ${response.status}: ${(await response.text()).slice(0, 200)}`)
  const { data } = (await response.json()) as { data?: readonly { spans: readonly unknown[] }[] }
  return data?.[0]?.spans.length ?? 0
}
