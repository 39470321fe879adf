import { join } from 'node:path'
import { createNamedCorpus, createPass, SPANS_PER_REQUEST, traceIdIn, type CorpusName } from 'spoor/loadgen'
import { createClient } from '../candidate/client.ts'
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
}

/** Starts a load for backends; after each run the last whole trace of it is read back. */
export async function loadBackends(
  context: Context,
  { own }: Belongings,
  backends: readonly Backend[],
  corpusName: CorpusName,
): Promise<Loaded> {
  const origin = originNs()
  const load = await own(startLoad(context, { corpus: corpusName, origin }))
  const corpus = createNamedCorpus(corpusName, context.size.requests * SPANS_PER_REQUEST)

  const readBack = async ({ program }: Backend, { passes }: LoadResult): Promise<void> => {
    const pass = passes.at(-1)
    const trace = pass && corpus.traces.findLast(({ lastRequest }) => lastRequest < pass.requests)
    if (!pass || !trace) throw new Error('a run was too short to have a whole trace')
    const id = traceIdIn(createPass(pass.number, origin, corpus.stretched), trace.traceId)
    const { status, body } = await createClient(program.page)(`/api/traces/${id}`)
    if (status !== 200) throw new Error(`a trace that was acknowledged is not found: ${status} ${body.toString()}`)
    const { data } = JSON.parse(body.toString()) as { data: readonly { spans: readonly unknown[] }[] }
    const found = data[0]?.spans.length ?? 0
    if (found !== trace.spans)
      throw new Error(`a trace of ${trace.spans} acknowledged spans is read back with ${found}`)
  }

  const spans = { spoor: 0, peer: 0 }
  return {
    load,
    taken: (side) => spans[side],
    subjects: (name, senders) =>
      backends.map((backend) => {
        const { side, program } = backend
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
            return readBack(backend, result)
          },
        }
      }),
  }
}
