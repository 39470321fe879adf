import { connect } from 'node:net'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSender, MARK, Message } from 'spoor/loadgen'
import { createClient } from './client.ts'

/** The addresses of a program that is being started; `page` is '' for one without a query API. */
export interface Addresses {
  readonly grpc: string
  readonly http: string
  readonly page: string
}

/** Resolves when a program is ready; rejects with the signal's reason when it is aborted before. */
export type Probe = (addresses: Addresses, signal: AbortSignal) => Promise<void>

/** How often is tried, in milliseconds. */
const AGAIN_MS = 5

export const waitUntil = {
  /** Its ports take connections. */
  accepting: async ({ grpc, http, page }, signal) => {
    const ports = [grpc, http, ...(page === '' ? [] : [new URL(page).host])]
    for (const port of ports) await again(signal, () => accepts(port))
  },
  /** It has acknowledged a span on both its OTLP ports, and answers with both where it has a query API. */
  serving: async ({ grpc, http, page }, signal) => {
    const [overHttp, overGrpc] = [randomBytes(16), randomBytes(16)]
    const sent = (protocol: 'grpc' | 'http', address: string, traceId: Buffer) =>
      again(signal, async () => {
        const sender = createSender(protocol, address)
        const body = Buffer.concat([Buffer.alloc(sender.headroom), oneSpan(traceId)])
        try {
          return (await sender.send(body)) === undefined
        } finally {
          await sender.close()
        }
      })
    await Promise.all([sent('http', http, overHttp), sent('grpc', grpc, overGrpc)])
    if (page === '') return
    const get = createClient(page)
    for (const id of [overHttp, overGrpc]) {
      await again(signal, async () => (await get(`/api/traces/${id.toString('hex')}`)).status === 200)
    }
  },
} satisfies Record<string, Probe>

async function again(signal: AbortSignal, attempt: () => Promise<boolean>): Promise<void> {
  signal.throwIfAborted()
  // What never answers is given up too.
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
  aborted.catch(() => undefined)
  while (!(await Promise.race([attempt().catch(() => false), aborted]))) await sleep(AGAIN_MS, undefined, { signal })
}

function accepts(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function oneSpan(traceId: Uint8Array): Uint8Array {
  const now = Date.now() * 1e6
  const name = new Message().string(1, 'service.name').message(2, new Message().string(1, 'ready'))
  const span = new Message().raw(1, traceId, MARK.traceId).raw(2, randomBytes(8), MARK.spanId).string(5, 'ready')
  span
    .uint(6, 1)
    .time(7, now)
    .time(8, now + 1_000)
  const scopeSpans = new Message().message(2, span)
  return new Message().message(1, new Message().message(1, new Message().message(1, name)).message(2, scopeSpans)).bytes
}
