/** What scenarios have in common: where they are tried, a span that is sent, and waiting for what is to come. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from './engine.ts'
import type { Image } from './images.ts'

/** Where a scenario is tried. */
export interface Setting {
  readonly engine: Engine
  readonly images: Readonly<Record<string, Image>>
  readonly workspace: string
  /** Where commands are typed. */
  readonly folder: string
  /** Where the shape of the application's trace is kept, as JSON, to be compared with that of other scenarios. */
  readonly shapeFile: string
  readonly say: (line: string) => void
}

export const PAGE = 'http://127.0.0.1:16686'
const PATIENCE_MS = 300_000

/** Jaeger's form of a trace: what is looked at. */
export interface JaegerTrace {
  readonly traceID: string
  readonly spans: readonly {
    readonly spanID: string
    readonly operationName: string
    readonly processID: string
    readonly references: readonly { readonly refType: string; readonly spanID: string }[]
    readonly tags: readonly { readonly key: string }[]
    readonly logs: readonly unknown[]
  }[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

/** A trace id that nobody else has. */
export function newTraceId(): string {
  return randomBytes(16).toString('hex')
}

/** A request of one span, as OTLP/JSON. */
export function spanRequest(traceId: string): string {
  const now = BigInt(Date.now()) * 1_000_000n
  const span = {
    traceId,
    spanId: randomBytes(8).toString('hex'),
    name: 'hello',
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
  }
  const service = { key: 'service.name', value: { stringValue: 'tutorial' } }
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: [service] }, scopeSpans: [{ spans: [span] }] }] })
}

/** Sends a span to the machine's port 4318. */
export async function sendSpan(traceId: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json' }
  const body = spanRequest(traceId)
  return (await fetch('http://127.0.0.1:4318/v1/traces', { method: 'POST', headers, body })).ok
}

/** Asks again and again. @throws When it is not so in five minutes, with the last error. */
export async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  let last = ''
  while (Date.now() < end) {
    try {
      if (await check()) return
      last = ''
    } catch (error) {
      last = `: ${(error as Error).message}`
    }
    await delay(250)
  }
  throw new Error(`not in ${PATIENCE_MS / 1000} s: ${what}${last}`)
}

/** Stops all containers; each has to end in order, as number 1 of its process namespace. */
export async function stopAll({ engine, say }: Setting): Promise<void> {
  // In the order in which nobody loses whom it sends to.
  for (const name of [...engine.containers.keys()].reverse()) {
    const code = await engine.stop(name)
    if (code !== 0) throw new Error(`${name} ended with ${code} when it was told to stop`)
  }
  say('  ✓ all ended in order')
}
