/**
 * The load generator, its own process. Sends requests of a corpus, several at a time, and counts what is
 * acknowledged. Every pass over the corpus has ids, times and orders of its own; only with gzip the bytes are the
 * same in each pass, because they are compressed beforehand.
 */
import { gzipSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import { answer, say } from '../process/child.ts'
import { createCorpus, SPANS_PER_REQUEST } from './corpus.ts'
import { createPass, writePatched } from './patch.ts'
import { createSender, type Protocol } from './sender.ts'

export interface LoadOrder {
  readonly protocol: Protocol
  /** `host:port` */
  readonly address: string
  readonly gzip: boolean
  /** Ends when this many spans are acknowledged, or after `maxMs`. */
  readonly spans: number
  readonly maxMs: number
}

export interface LoadResult {
  /** Acknowledged. */
  readonly spans: number
  /** Refusals by the candidate; each was sent again after a pause. */
  readonly refused: number
  readonly elapsedMs: number
  /**
   * The passes over the corpus that were begun, and how many requests of each were sent: the first ones of the
   * corpus.
   */
  readonly passes: readonly SentPass[]
}

export interface SentPass {
  readonly number: number
  readonly requests: number
}

/** Requests in flight. */
const STREAMS = 8

const [requestCount, originNs] = process.argv.slice(2)
const corpus = createCorpus(Number(requestCount))
const origin = BigInt(originNs ?? '0')
let nextPass = 0
let gzipped: readonly Buffer[] | undefined

async function load(order: LoadOrder): Promise<LoadResult> {
  const sender = createSender(order.protocol, order.address, order.gzip)
  const { headroom } = sender
  if (order.gzip) gzipped ??= corpus.requests.map((request) => gzipSync(request.bytes))
  const compressed = order.gzip ? gzipped : undefined
  const largest = Math.max(...corpus.requests.map((request) => request.bytes.length))
  const goal = Math.ceil(order.spans / SPANS_PER_REQUEST)
  const passes: SentPass[] = []
  let pass = createPass(nextPass, origin)
  const firstPass = nextPass
  let index = corpus.requests.length
  let taken = 0
  let acknowledged = 0
  let refused = 0
  const started = performance.now()

  const fill = (buffer: Buffer): Buffer => {
    if (index === corpus.requests.length) {
      index = 0
      pass = createPass(nextPass++, origin)
    }
    const request = corpus.requests[index]
    const body = compressed ? compressed[index] : request?.bytes
    if (!request || !body) throw new RangeError('an empty corpus')
    index++
    taken++
    passes[pass.number - firstPass] = { number: pass.number, requests: index }
    if (compressed) buffer.set(body, headroom)
    else writePatched(request, pass, buffer, headroom)
    return buffer.subarray(0, headroom + body.length)
  }

  const goesOn = () => taken < goal && performance.now() - started < order.maxMs
  const stream = async (): Promise<void> => {
    // The buffer is used again when the peer has answered, and so has read it.
    const buffer = Buffer.allocUnsafeSlow(headroom + largest + 1024)
    while (goesOn()) {
      const message = fill(buffer)
      while (!(await sender.send(message))) {
        refused++
        await sleep(5)
      }
      acknowledged += SPANS_PER_REQUEST
    }
  }
  await Promise.all(Array.from({ length: STREAMS }, stream))
  const elapsedMs = performance.now() - started
  await sender.close()
  return { spans: acknowledged, refused, elapsedMs, passes }
}

answer({ load })
say({})
