/**
 * The load generator, its own process: `load.ts <corpus> <requests> <origin ns> <first pass>`. Sends requests of a
 * corpus, several at a time, and counts what is acknowledged. Every pass over the corpus has ids, times and values of
 * its own; only with gzip the bytes are the same in each pass, because they are compressed beforehand.
 */
import { gzipSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import { answer, say } from '../process/child.ts'
import type { Request } from './corpus.ts'
import { createNamedCorpus, type CorpusName } from './named.ts'
import { createPass, writePatched } from './patch.ts'
import { createSender, type Protocol, type Sender } from './sender.ts'

export interface LoadOrder {
  readonly protocol: Protocol
  /** `host:port` */
  readonly address: string
  readonly gzip: boolean
  /** Connections; the requests in flight are spread over them. Default 1. */
  readonly connections?: number
  /** Requests in flight at the most, in all. Default 8. */
  readonly inFlight?: number
  /** Ends when this many spans are acknowledged, or after `maxMs`. */
  readonly spans: number
  readonly maxMs: number
  /** Spans a second, evenly; default: as many as are taken. */
  readonly rate?: number
}

/** The late requests of passes that were sent before. */
export interface LateOrder {
  readonly protocol: Protocol
  readonly address: string
  readonly passes: readonly number[]
}

export interface LoadResult {
  /** Acknowledged. */
  readonly spans: number
  readonly requests: number
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

const [corpusName, requestCount, originNs, firstPass] = process.argv.slice(2)
const corpus = createNamedCorpus(corpusName as CorpusName, Number(requestCount))
const origin = BigInt(originNs ?? '0')
const largest = Math.max(...[...corpus.requests, ...corpus.late].map((request) => request.bytes.length))
let nextPass = Number(firstPass)
let gzipped: readonly Buffer[] | undefined

async function load(order: LoadOrder): Promise<LoadResult> {
  if (order.gzip) gzipped ??= corpus.requests.map((request) => gzipSync(request.bytes))
  const passes: SentPass[] = []
  const started = performance.now()
  let taken = 0

  function* requests(): Generator<Outgoing> {
    for (;;) {
      const pass = passOf(nextPass++)
      for (const [i, request] of corpus.requests.entries()) {
        if (taken >= order.spans || performance.now() - started >= order.maxMs) return
        passes[pass.number - firstNumber] = { number: pass.number, requests: i + 1 }
        taken += request.spans
        yield { request, pass, gzipped: order.gzip ? gzipped?.[i] : undefined }
      }
    }
  }
  const firstNumber = nextPass
  return { ...(await sendAll(order, requests())), passes }
}

async function late(order: LateOrder): Promise<LoadResult> {
  const requests = order.passes.flatMap((number) => corpus.late.map((request) => ({ request, pass: passOf(number) })))
  return { ...(await sendAll({ ...order, gzip: false }, requests.values())), passes: [] }
}

interface Outgoing {
  readonly request: Request
  readonly pass: ReturnType<typeof createPass>
  /** The compressed body in place of the patched one. */
  readonly gzipped?: Buffer | undefined
}

const passOf = (number: number) => createPass(number, origin, corpus.stretched)

type Delivery = Pick<LoadOrder, 'protocol' | 'address' | 'gzip' | 'connections' | 'inFlight' | 'rate'>

async function sendAll(
  { protocol, address, gzip, connections = 1, inFlight = 8, rate = Infinity }: Delivery,
  requests: Iterator<Outgoing>,
): Promise<Omit<LoadResult, 'passes'>> {
  const senders = Array.from({ length: connections }, () => createSender(protocol, address, gzip))
  const started = performance.now()
  let [taken, spans, sent, refused] = [0, 0, 0, 0]
  const stream = async (sender: Sender): Promise<void> => {
    const { headroom } = sender
    // The buffer is used again when the peer has answered, and so has read it.
    const buffer = Buffer.allocUnsafeSlow(headroom + largest + 1024)
    for (;;) {
      const next = requests.next()
      if (next.done) return
      const { request, pass, gzipped: body = request.bytes } = next.value
      const early = started + (taken * 1_000) / rate - performance.now()
      taken += request.spans
      if (early > 0) await sleep(early)
      if (gzip) buffer.set(body, headroom)
      else writePatched(request, pass, buffer, headroom)
      while (!(await sender.send(buffer.subarray(0, headroom + body.length)))) {
        refused++
        await sleep(5)
      }
      spans += request.spans
      sent++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => stream(senders[i % connections]!)))
  const elapsedMs = performance.now() - started
  await Promise.all(senders.map((sender) => sender.close()))
  return { spans, requests: sent, refused, elapsedMs }
}

answer({ load, late })
say({})
