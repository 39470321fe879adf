import { StorageError, type ToolOptions } from '@spoor/storage'
import { SpoorError } from '../error.ts'
import { counted, print, toned, type ToolOutput } from '../tools/output.ts'
import type { LoadgenCommand } from './command.ts'
import { PASS_NS, type Corpus } from './corpus.ts'
import { createNamedCorpus } from './named.ts'
import { createPass, traceIdIn, type Pass } from './patch.ts'
import { createRandom } from './random.ts'
import { createReplay, noneSent, type ReplayResult, type Sent } from './replay.ts'
import { verifyTraces, type SentTrace, type Verified } from './verify.ts'

/** Spans that are prepared at the most, and with gzip compressed, beforehand. */
const CORPUS_SPANS = 32_768
const GZIP_SPANS = 131_072

/** Traces that are read back. */
const VERIFIED = 50

/** A rate of which less than this share comes about is told. */
const REACHED = 0.9

/** How often is told how far it is. Milliseconds. */
const PROGRESS_MS = 1_000

/** The last spans of a pass end that long after it, nanoseconds. */
const TAIL_NS = 2_000_000_000

/**
 * `spoor loadgen`: sends prepared spans with ids and times of their own. 0: all that was to be sent was acknowledged and, where it was read
 * back, is there; 1: it was not. Rejects with SpoorError `unreachable` when the endpoint cannot be reached or refuses for good.
 */
export async function runLoadgen(
  command: LoadgenCommand,
  output: ToolOutput,
  { signal }: ToolOptions,
): Promise<number> {
  const { shape, seed, spansPerRequest, spanBytes, gzip, senders, rate, spans, durationMs, address, verify } = command
  const isLong = command.overMs !== undefined
  const lastsNs = command.overMs === undefined ? PASS_NS : command.overMs * 1e6
  const corpus = createNamedCorpus(shape, Math.min(spans, CORPUS_SPANS), {
    seed,
    lastsNs,
    ...(spansPerRequest !== undefined && { spansPerRequest }),
    ...(spanBytes !== undefined && { spanBytes }),
  })
  const bytes = corpus.requests.reduce((sum, request) => sum + request.bytes.length, 0) / corpus.spans
  const passOf = (number: number) => passNow(createPass(number, 0n, corpus.stretched || isLong, seed), lastsNs)
  const gzipPasses = Math.ceil(Math.min(spans, GZIP_SPANS) / corpus.spans)
  const { stderr } = output
  stderr.write(
    `${shape}, seed ${seed}: spans of ${Math.round(bytes)} bytes, ${Math.round(corpus.spans / corpus.requests.length)} a request, to ${address}\n`,
  )
  if (gzip && spans > GZIP_SPANS)
    stderr.write(`With gzip ids come again after ${counted(gzipPasses * corpus.spans, 'span')}.\n`)

  const replay = createReplay({ corpus, passOf, gzipPasses })
  if (gzip) replay.compress()
  const order = { ...command, connections: senders, inFlight: senders, maxMs: durationMs, ...(signal && { signal }) }
  const sent = noneSent()
  const ticker = setInterval(progress(sent, stderr), PROGRESS_MS)
  const before = process.cpuUsage()
  let result: ReplayResult
  try {
    result = await replay.send(order, sent)
  } catch (error) {
    throw new SpoorError(
      'unreachable',
      `${address}: ${reasonOf(error)}; ${counted(sent.spans, 'span')} were acknowledged before`,
      { cause: error },
    )
  } finally {
    clearInterval(ticker)
  }
  const { user, system } = process.cpuUsage(before)
  const verified =
    verify === undefined || signal?.aborted
      ? undefined
      : await readBack(
          verify,
          samplesOf(corpus, seed, result),
          gzip && result.spans > gzipPasses * corpus.spans,
          signal,
        )
  const cpuUs = (user + system) / Math.max(1, result.spans)
  const { passes: _, ...figures } = result
  const perSecond = (result.spans / result.elapsedMs) * 1000
  print(
    output,
    {
      shape,
      seed,
      ...figures,
      spansPerSecond: perSecond,
      ownCpuMicrosecondsPerSpan: cpuUs,
      ...(verified && { verified }),
    },
    () => [
      `${counted(result.spans, 'span')} in ${counted(result.requests, 'request')}, ${(result.elapsedMs / 1000).toFixed(1)} s: ${Math.round(perSecond).toLocaleString('en')} spans/s`,
      `acknowledged after ${latencyText(result)}`,
      ...(perSecond < rate * REACHED && Number.isFinite(rate)
        ? [
            toned(
              output,
              'yellow',
              `the rate of ${rate.toLocaleString('en')} spans/s was not reached: more --senders, or it is all that is taken`,
            ),
          ]
        : []),
      ...(result.refused > 0
        ? [toned(output, 'yellow', `${counted(result.refused, 'refusal')}, the last: ${result.refusal}`)]
        : []),
      ...(verified ? verifiedLines(output, verified) : []),
      `own CPU ${cpuUs.toFixed(2)} µs a span`,
    ],
  )
  if (signal?.aborted) throw new StorageError('cancelled', 'the load was stopped, as was asked for')
  return result.spans === 0 || (verified && verified.whole < verified.asked) ? 1 : 0
}

/**
 * A pass that ends now. Passes of a minute follow each other; longer ones lie over each other, each nearly from its start to now, and none at the
 * very times of another.
 */
function passNow(pass: Pass, lastsNs: number): Pass {
  const nowNs = BigInt(Date.now()) * 1_000_000n
  if (lastsNs === PASS_NS) return { ...pass, epochNs: nowNs - BigInt(PASS_NS + TAIL_NS) }
  const stretch = 1 - (1 - pass.stretch) / 10
  return { ...pass, stretch, epochNs: nowNs - BigInt(Math.round((lastsNs + TAIL_NS) * stretch)) }
}

const latencyText = ({ latency: { p50, p95, p99, max } }: ReplayResult): string => {
  const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0)
  return `${ms(p50)} ms (p95 ${ms(p95)}, p99 ${ms(p99)}, at most ${ms(max)})`
}

function progress(sent: Sent, stderr: ToolOutput['stderr']): () => void {
  const started = performance.now()
  let last = { at: started, spans: 0 }
  return () => {
    const now = performance.now()
    const rate = ((sent.spans - last.spans) / (now - last.at)) * 1000
    last = { at: now, spans: sent.spans }
    const refused = sent.refused > 0 ? `, ${counted(sent.refused, 'refusal')}` : ''
    stderr.write(
      `  ${Math.round((now - started) / 1000)} s: ${counted(sent.spans, 'span')}, ${Math.round(rate).toLocaleString('en')}/s${refused}\n`,
    )
  }
}

function reasonOf(error: unknown): string {
  const { message, code, errors, cause } = error as Error & { code?: string; errors?: readonly Error[] }
  if (cause instanceof Error) return reasonOf(cause)
  return message.trim() || errors?.map((each) => each.message).join(', ') || code || String(error)
}

/** Traces here and there in what was sent, of which every span was acknowledged. */
function samplesOf(corpus: Corpus, seed: number, { passes }: ReplayResult): SentTrace[] {
  const random = createRandom(seed)
  const samples = new Map<string, SentTrace>()
  for (let i = 0; i < VERIFIED * 4 && samples.size < VERIFIED && passes.length > 0; i++) {
    const pass = random.pick(passes)
    const trace = random.pick(corpus.traces)
    if (trace.lastRequest < 0 || trace.lastRequest >= pass.requests) continue
    const id = traceIdIn(createPass(pass.number, 0n, corpus.stretched, seed), trace.traceId)
    samples.set(id, { id, spans: trace.spans - trace.lateSpans })
  }
  return [...samples.values()]
}

async function readBack(
  url: string,
  traces: readonly SentTrace[],
  repeated: boolean,
  signal: AbortSignal | undefined,
): Promise<Verified> {
  try {
    return await verifyTraces(url, traces, { repeated, signal })
  } catch (error) {
    throw new SpoorError('unreachable', `--verify ${url}: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

function verifiedLines(output: ToolOutput, { asked, whole, wrong }: Verified): string[] {
  if (asked === 0) return [toned(output, 'yellow', 'nothing could be read back: no trace was sent whole')]
  const tone = whole === asked ? 'green' : 'red'
  return [
    toned(output, tone, `${whole} of ${counted(asked, 'trace')} that were read back are whole`),
    ...wrong.slice(0, 10),
  ]
}
