import { createHistogram, type Histogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Corpus, Request } from './corpus.ts'
import { writePatched, type Pass } from './patch.ts'
import { createSender, type Protocol, type Sender } from './sender.ts'

/** Where and how requests are sent. */
export interface Delivery {
  readonly protocol: Protocol
  /** `host:port`, or a URL. */
  readonly address: string
  readonly gzip: boolean
  /** Header fields, or gRPC's metadata, of each request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Connections; the requests in flight are spread over them. Default 1. */
  readonly connections?: number
  /** Requests in flight at the most, in all. Default 8. */
  readonly inFlight?: number
  /** Spans a second, evenly; default: as many as are taken. */
  readonly rate?: number
}

export interface ReplayOrder extends Delivery {
  /** Ends when this many spans are sent, or after `maxMs`. */
  readonly spans: number
  readonly maxMs: number
  /** Ends it, too; what is in flight then is waited for. */
  readonly signal?: AbortSignal
}

/** A pass over the corpus that was begun, and how many of its requests were sent: the first ones of the corpus. */
export interface SentPass {
  readonly number: number
  readonly requests: number
}

/** What has been sent; while it goes on, so far. */
export interface Sent {
  /** Acknowledged. */
  spans: number
  requests: number
  /** Refusals; each was sent again after a pause, until the time was over. */
  refused: number
  /** What the last refusal was told by. */
  refusal?: string
}

export interface ReplayResult extends Sent {
  readonly elapsedMs: number
  /** Without those of which something was not acknowledged. */
  readonly passes: readonly SentPass[]
  readonly latency: Latency
}

/** From handing over a request until it was acknowledged, milliseconds; refused attempts left aside. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export interface ReplayOptions {
  readonly corpus: Corpus
  /** The ids and times of a pass; called once when it is begun. */
  readonly passOf: (number: number) => Pass
  readonly firstPass?: number
  /** Passes that are compressed beforehand, and then sent again with the same ids: compressing costs more than sending. */
  readonly gzipPasses?: number
}

/** Replays prepared requests, several at a time, with ids, times and values of their own in every pass over the corpus. */
export interface Replay {
  /** Compresses what a first send with gzip would compress at its beginning. */
  compress(): void
  /** Sends what is ordered, going on with the next pass. Rejects when the peer cannot be reached, or refuses for good. */
  send(order: ReplayOrder, sent?: Sent): Promise<ReplayResult>
  /** Sends the late requests of passes that were sent before. */
  sendLate(delivery: Delivery, passes: readonly number[]): Promise<ReplayResult>
}

/** Pause before a refused request is sent again, milliseconds. */
const AGAIN_MS = 5

interface Outgoing {
  readonly request: Request
  readonly pass: Pass
  /** The compressed body in place of the patched one. */
  readonly gzipped?: Buffer | undefined
}

export function createReplay({ corpus, passOf, firstPass = 0, gzipPasses = 1 }: ReplayOptions): Replay {
  const largest = Math.max(...[...corpus.requests, ...corpus.late].map((request) => request.bytes.length))
  let nextPass = firstPass
  let gzipped: readonly (readonly Buffer[])[] | undefined

  function patched(request: Request, pass: Pass): Buffer {
    const body = Buffer.allocUnsafe(request.bytes.length)
    writePatched(request, pass, body, 0)
    return body
  }

  const compressedPasses = (): readonly (readonly Buffer[])[] =>
    Array.from({ length: gzipPasses }, (_, i) => {
      const pass = passOf(firstPass + i)
      return corpus.requests.map((request) => gzipSync(patched(request, pass), { level: 6 }))
    })

  async function sendAll(
    { protocol, address, gzip, headers, connections = 1, inFlight = 8, rate = Infinity }: Delivery,
    requests: Iterator<Outgoing>,
    sent: Sent,
    isOver: () => boolean,
    broken: Set<number>,
  ): Promise<Pick<ReplayResult, 'elapsedMs' | 'latency'>> {
    const senders = Array.from({ length: connections }, () => createSender(protocol, address, { gzip, headers }))
    const nanoseconds = createHistogram()
    const started = performance.now()
    let taken = 0
    const stream = async (sender: Sender): Promise<void> => {
      const { headroom } = sender
      // The buffer is used again when the peer has answered, and so has read it.
      const buffer = Buffer.allocUnsafeSlow(headroom + largest)
      for (;;) {
        const next = requests.next()
        if (next.done) return
        const { request, pass, gzipped: body } = next.value
        const early = started + (taken * 1_000) / rate - performance.now()
        taken += request.spans
        if (early > 0) await sleep(early)
        if (body) buffer.set(body, headroom)
        else writePatched(request, pass, buffer, headroom)
        const message = buffer.subarray(0, headroom + (body ?? request.bytes).length)
        for (;;) {
          const before = performance.now()
          const refusal = await sender.send(message)
          if (refusal === undefined) {
            nanoseconds.record(Math.max(1, Math.round((performance.now() - before) * 1e6)))
            sent.spans += request.spans
            sent.requests++
            break
          }
          sent.refused++
          sent.refusal = refusal
          if (isOver()) {
            broken.add(pass.number)
            return
          }
          await sleep(AGAIN_MS)
        }
      }
    }
    try {
      await Promise.all(Array.from({ length: inFlight }, (_, i) => stream(senders[i % connections]!)))
      return { elapsedMs: performance.now() - started, latency: latencyOf(nanoseconds) }
    } finally {
      await Promise.all(senders.map((sender) => sender.close()))
    }
  }

  return {
    compress: () => void (gzipped ??= compressedPasses()),
    async send(order, sent = noneSent()) {
      if (order.gzip) gzipped ??= compressedPasses()
      const passes: SentPass[] = []
      const firstIndex = nextPass - firstPass
      const deadline = performance.now() + order.maxMs
      const isOver = () => performance.now() >= deadline || order.signal?.aborted === true
      let taken = 0
      function* requests(): Generator<Outgoing> {
        for (;;) {
          const index = nextPass++ - firstPass
          const number = firstPass + (order.gzip ? index % gzipPasses : index)
          const bodies = order.gzip ? gzipped?.[index % gzipPasses] : undefined
          const pass = passOf(number)
          for (const [i, request] of corpus.requests.entries()) {
            if (taken >= order.spans || isOver()) return
            passes[index - firstIndex] = { number, requests: i + 1 }
            taken += request.spans
            yield { request, pass, gzipped: bodies?.[i] }
          }
        }
      }
      const broken = new Set<number>()
      const { elapsedMs, latency } = await sendAll(order, requests(), sent, isOver, broken)
      return { ...sent, elapsedMs, latency, passes: passes.filter(({ number }) => !broken.has(number)) }
    },
    async sendLate(delivery, numbers) {
      const sent = noneSent()
      const late = numbers.flatMap((number) => corpus.late.map((request) => ({ request, pass: passOf(number) })))
      const { elapsedMs, latency } = await sendAll(
        { ...delivery, gzip: false },
        late.values(),
        sent,
        () => false,
        new Set(),
      )
      return { ...sent, elapsedMs, latency, passes: [] }
    },
  }
}

function latencyOf(nanoseconds: Histogram): Latency {
  const at = (percent: number): number => (nanoseconds.count === 0 ? 0 : nanoseconds.percentile(percent) / 1e6)
  return { p50: at(50), p95: at(95), p99: at(99), max: at(100) }
}

export const noneSent = (): Sent => ({ spans: 0, requests: 0, refused: 0 })
