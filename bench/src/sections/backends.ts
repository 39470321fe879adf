import { join } from 'node:path'
import { createNamedCorpus, createPass, SPANS_PER_REQUEST, traceIdIn, type CorpusName } from 'spoor/loadgen'
import { createClient, type Get } from '../candidate/client.ts'
import { startJaeger, startSpoor, type Program } from '../candidate/program.ts'
import type { Context } from '../context.ts'
import { originNs, quiet, startLoad, type Load, type Subject } from '../measure.ts'
import type { Belongings } from '../process/together.ts'
import type { LoadResult } from '../workload/load.ts'

/** A program that stores: Spoor, or Jaeger with its memory store where it is built. */
export interface Backend {
  readonly side: 'spoor' | 'peer'
  readonly program: Program
}

/** Spoor on an empty directory, and Jaeger beside it. */
export async function startBackends({ peers }: Context, { own, folder }: Belongings): Promise<readonly Backend[]> {
  const spoor = await own(startSpoor(join(folder, 'spoor')))
  const ours: Backend = { side: 'spoor', program: spoor }
  const { jaeger } = peers.files
  if (jaeger === undefined) return [ours]
  return [ours, { side: 'peer', program: await own(startJaeger(folder, jaeger)) }]
}

/** Backends under the load of one corpus. */
export interface Loaded {
  readonly load: Load
  /** That many senders, each with a connection and one request in flight, over gRPC. */
  readonly subjects: (name: string, senders: number) => readonly Subject[]
  /** Spans that one side has acknowledged so far. */
  readonly taken: (side: Backend['side']) => number
  /** The traces of which all spans were acknowledged in a run. */
  readonly wholeTraces: (result: LoadResult) => readonly SentTrace[]
}

export interface SentTrace {
  /** 32 hex digits. */
  readonly id: string
  readonly spans: number
}

/** Asks for a trace over Jaeger's API, and throws where it does not have all its spans. */
export async function readBack(get: Get, { id, spans }: SentTrace): Promise<void> {
  const { status, body } = await get(`/api/traces/${id}`)
  if (status !== 200) throw new Error(`a trace that was acknowledged is not found: ${status} ${body.toString()}`)
  const { data } = JSON.parse(body.toString()) as { data: readonly { spans: readonly unknown[] }[] }
  const found = data[0]?.spans.length ?? 0
  if (found !== spans) throw new Error(`a trace of ${spans} acknowledged spans is read back with ${found}`)
}

/** Starts a load for backends; after each run the last whole trace of it is read back. */
export async function loadBackends(
  context: Context,
  { own }: Belongings,
  backends: readonly Backend[],
  corpusName: CorpusName,
  origin = originNs(),
): Promise<Loaded> {
  const load = await own(startLoad(context, { corpus: corpusName, origin }))
  const corpus = createNamedCorpus(corpusName, context.size.requests * SPANS_PER_REQUEST)

  const wholeTraces = ({ passes }: LoadResult): readonly SentTrace[] =>
    passes.flatMap((sent) => {
      const pass = createPass(sent.number, origin, corpus.stretched)
      const whole = corpus.traces.filter(({ lastRequest }) => lastRequest < sent.requests)
      return whole.map((trace) => ({ id: traceIdIn(pass, trace.traceId), spans: trace.spans }))
    })

  const spans = { spoor: 0, peer: 0 }
  return {
    load,
    taken: (side) => spans[side],
    wholeTraces,
    subjects: (name, senders) =>
      backends.map(({ side, program }) => {
        return {
          name: `${name}: ${side}`,
          pid: program.pid,
          side,
          order: { protocol: 'grpc', gzip: false, address: program.grpc, connections: senders, inFlight: senders },
          rested: () => quiet(program.pid),
          // What Spoor has acknowledged is stored; Jaeger still has it in a batch.
          settled: () => (side === 'peer' ? quiet(program.pid) : Promise.resolve()),
          checked: (result) => {
            spans[side] += result.spans
            const trace = wholeTraces({ ...result, passes: result.passes.slice(-1) }).at(-1)
            if (!trace) throw new Error('a run was too short to have a whole trace')
            return readBack(createClient(program.page), trace)
          },
        }
      }),
  }
}
