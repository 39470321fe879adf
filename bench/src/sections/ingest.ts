import { join } from 'node:path'
import type { SentPass } from 'spoor/loadgen'
import { startSpoor, type Program } from '../candidate/program.ts'
import type { Context } from '../context.ts'
import type { Figure } from '../figure.ts'
import { compared, measureInTurns, originNs, spansPerCpuSecond, startLoad, type Subject } from '../measure.ts'
import { startChild } from '../process/start.ts'
import { diskBytes } from '../process/disk.ts'
import { createBelongings } from '../process/together.ts'
import { peakMemory } from '../process/usage.ts'
import type { LoadResult } from '../workload/load.ts'

/** What was sent to one of the two backends: enough to know every id in it. */
export interface Sent {
  spans: number
  readonly passes: SentPass[]
}

/** Spoor and its rival after the ingest runs, with what they hold. */
export interface Ingested {
  readonly figures: readonly Figure[]
  readonly originNs: bigint
  readonly spoor: Sent & { readonly directory: string; readonly program: Program }
  readonly rival: Sent & { readonly file: string }
  /** Stops what runs and removes the data. */
  close(): Promise<void>
}

/**
 * What it costs to take spans until they are durable and can be searched: the program `spoor` over gRPC against
 * grpc-js, protobufjs and SQLite. Leaves `size.storedSpans` spans in Spoor's store, for the queries.
 */
export async function ingest(context: Context): Promise<Ingested> {
  const belongings = await createBelongings()
  const { folder, own } = belongings
  try {
    const origin = originNs(1)
    const directory = join(folder, 'spoor')
    const file = join(folder, 'rival.db')
    const load = await own(startLoad(context, { origin }))
    const ours = await own(startSpoor(directory))
    const theirs = await own(startChild<{ grpc: string }>('rival/ingester.ts', [file]))

    const sent = { spoor: emptySent(), rival: emptySent() }
    const subject = (side: 'spoor' | 'rival', pid: number, address: string): Subject => ({
      name: `ingest: ${side}`,
      pid,
      side,
      order: { protocol: 'grpc', gzip: false, address },
      settled: (result) => {
        note(sent[side], result)
        return Promise.resolve()
      },
    })
    const { pairs, warmUpSpans, storedSpans } = context.size
    const spans = Math.ceil((storedSpans - warmUpSpans) / pairs)
    const subjects = [subject('spoor', ours.pid, ours.grpc), subject('rival', theirs.pid, theirs.ready.grpc)]
    const samples = await measureInTurns({ ...context, size: { ...context.size, spans } }, load, subjects)
    const memory = { spoor: peakMemory(ours.pid), rival: peakMemory(theirs.pid) }

    await load.stop()
    await theirs.stop()
    const perSecond = samples[0]?.map(({ result }) => (result.spans / result.elapsedMs) * 1000) ?? []
    const figures: Figure[] = [
      {
        name: 'durable and searchable',
        unit: 'spans/CPU s',
        ...compared(subjects, samples, spansPerCpuSecond),
        goal: { value: 250_000 },
        note: `${Math.round(Math.max(...perSecond) / 1000)} k spans/s at best, beside the load generator`,
      },
      {
        name: 'on disk',
        unit: 'bytes/span',
        value: (await diskBytes(directory)) / sent.spoor.spans,
        rival: (await diskBytes(file)) / sent.rival.spans,
        goal: { value: 110 },
      },
      {
        name: 'peak memory',
        unit: 'MB',
        value: memory.spoor / 1e6,
        rival: memory.rival / 1e6,
        goal: { value: 500 },
      },
    ]
    return {
      figures,
      originNs: origin,
      spoor: { ...sent.spoor, directory, program: ours },
      rival: { ...sent.rival, file },
      close: () => belongings.close(),
    }
  } catch (error) {
    await belongings.close()
    throw error
  }
}

const emptySent = (): Sent => ({ spans: 0, passes: [] })

function note(sent: Sent, { spans, passes }: LoadResult): void {
  sent.spans += spans
  sent.passes.push(...passes)
}
