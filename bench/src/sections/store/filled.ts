import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { constants } from 'node:fs'
import { join } from 'node:path'
import { PASS_NS, type SentPass, type StoreCorpus } from 'spoor/loadgen'
import { startSpoor, type Program } from '../../candidate/program.ts'
import type { Context } from '../../context.ts'
import { startLoad } from '../../measure.ts'
import { bytesByExtension } from '../../process/disk.ts'
import type { Belongings } from '../../process/together.ts'
import { cpuSeconds, peakMemory, threadCpuSeconds } from '../../process/usage.ts'
import type { LoadResult } from '../../workload/load.ts'
import { settled } from './settled.ts'

/** What a filled store holds, and what filling it has cost: kept beside it as `filled.json`. */
export interface Filled {
  readonly corpus: StoreCorpus
  /** Size of the corpus, in requests of 512 spans. */
  readonly requests: number
  /** When pass 0 starts, decimal nanoseconds since 1970. */
  readonly origin: string
  readonly spans: number
  readonly passes: readonly SentPass[]
  /** CPU nanoseconds a span: of the whole process until all was acknowledged, without sealing; and of sealing alone. */
  readonly ingestNs: number
  readonly sealingNs: number
  /** Most memory it has held, bytes. */
  readonly peakBytes: number
  /** Bytes of its files by extension: when all was acknowledged, and when all background work was done. */
  readonly openBytes: Readonly<Record<string, number>>
  readonly settledBytes: Readonly<Record<string, number>>
}

/** Passes that there is room for between the filled ones and now, for what is sent later. */
const LATER_PASSES = 300

/** Name of the thread that seals. */
const SEALER = 'spoor-sealer'

/** Names of the store and of what is said of it, in a folder. */
const STORE = 'store'
const NOTE = 'filled.json'

/**
 * The store of a corpus with that many spans: the one that an earlier run has left in `folder`, or a new one. It is
 * filled through the whole program, and left alone until its background work is done.
 */
export async function fill(
  context: Context,
  { own }: Belongings,
  folder: string,
  corpus: StoreCorpus,
  spans: number,
): Promise<Filled> {
  const { requests } = context.size
  const kept = await readNote(folder)
  if (kept && kept.corpus === corpus && kept.requests === requests && kept.spans >= spans) return kept
  if (kept) throw new Error(`${folder} holds ${kept.spans} spans of ${kept.corpus}: take another folder, or delete it`)

  context.progress(`store: filling ${corpus}`)
  await mkdir(folder, { recursive: true })
  const passes = Math.ceil(spans / (requests * 512)) + LATER_PASSES
  const origin = BigInt(Date.now()) * 1_000_000n - BigInt(passes) * BigInt(PASS_NS)
  const load = await own(startLoad(context, { corpus, origin }))
  const program = await own(startSpoor(join(folder, STORE)))
  const result = await load.call<LoadResult>('load', {
    protocol: 'grpc',
    gzip: false,
    address: program.grpc,
    spans,
    maxMs: Infinity,
  })
  const ingested = cpuSeconds(program.pid) - threadCpuSeconds(program.pid, SEALER)
  const openBytes = await bytesByExtension(join(folder, STORE))
  context.progress('store: waiting for its background work')
  await settled(program)
  const filled: Filled = {
    corpus,
    requests,
    origin: String(origin),
    spans: result.spans,
    passes: result.passes,
    ingestNs: (ingested * 1e9) / result.spans,
    sealingNs: (threadCpuSeconds(program.pid, SEALER) * 1e9) / result.spans,
    peakBytes: peakMemory(program.pid),
    openBytes,
    settledBytes: await bytesByExtension(join(folder, STORE)),
  }
  await Promise.all([load.stop(), program.stop()])
  await writeFile(join(folder, NOTE), JSON.stringify(filled, null, 2))
  return filled
}

/** Starts `spoor` on a copy of a filled store, so that what is sent to it does not change the next run. */
export async function startOnCopy(folder: string, belongings: Belongings): Promise<() => Promise<Program>> {
  const copy = copyIn(belongings)
  await cp(join(folder, STORE), copy, { recursive: true, mode: constants.COPYFILE_FICLONE })
  return () => belongings.own(startSpoor(copy))
}

/** Where {@link startOnCopy} has it. */
export const copyIn = ({ folder }: Belongings): string => join(folder, STORE)

async function readNote(folder: string): Promise<Filled | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, NOTE), 'utf8')) as Filled
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
