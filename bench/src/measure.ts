import { setTimeout as sleep } from 'node:timers/promises'
import type { CorpusName } from 'spoor/loadgen'
import { median, runsOf, type Figure, type Runs } from './figure.ts'
import { cpuSeconds } from './process/usage.ts'
import { startChild, type Child } from './process/start.ts'
import type { Context } from './context.ts'
import type { LoadOrder, LoadResult } from './workload/load.ts'
import type { SinkReady } from './workload/sink.ts'

/**
 * CPU nanoseconds a span of two functions in this process, all its threads counted (so that the garbage collector's
 * are), in turns: five rounds of each after one of warm-up.
 *
 * @param spans spans that one call handles
 */
export function compareCpu(
  { size }: Context,
  spans: number,
  ours: () => unknown,
  rival: () => unknown,
): Pick<Figure, 'unit' | 'value' | 'runs' | 'rival'> {
  const round = (work: () => unknown): number => {
    let calls = 0
    const start = process.cpuUsage()
    for (;;) {
      work()
      calls++
      const { user, system } = process.cpuUsage(start)
      if (user + system >= size.roundMs * 1000) return ((user + system) * 1000) / (calls * spans)
    }
  }
  round(ours)
  round(rival)
  const samples = { ours: [] as number[], rival: [] as number[] }
  for (let i = 0; i < 5; i++) {
    samples.ours.push(round(ours))
    samples.rival.push(round(rival))
  }
  return { unit: 'ns/span', ...runsOf(samples.ours), rival: median(samples.rival) }
}

export type Load = Child<object>
export type Sink = Child<SinkReady>

/** What a load generator sends; see `workload/load.ts`. */
export interface LoadOptions {
  readonly corpus?: CorpusName
  /** When pass 0 starts, nanoseconds since 1970. */
  readonly origin?: bigint
  readonly firstPass?: number
}

/** The load generator; by default of the shop, from pass 0 on. */
export function startLoad({ size }: Context, options: LoadOptions = {}): Promise<Load> {
  const { corpus = 'shop', origin = originNs(), firstPass = 0 } = options
  return startChild('workload/load.ts', [corpus, String(size.requests), String(origin), String(firstPass)])
}

/** When pass 0 of a load starts: so long ago that a whole run's passes, of a minute each, lie in the past. */
export const originNs = (hours = 24): bigint => BigInt(Date.now() - hours * 3_600_000) * 1_000_000n

export const startSink = (): Promise<Sink> => startChild('workload/sink.ts')

/** A process under test and how it is loaded. */
export interface Subject {
  readonly name: string
  readonly pid: number
  readonly order: Omit<LoadOrder, 'spans' | 'maxMs'>
  /** Spoor and its peers have a number of spans to take, a rival a time to do what it can. */
  readonly side: 'spoor' | 'peer' | 'rival'
  /** Resolves when the process has done what is left of earlier runs, so that it is not counted with this one. */
  readonly rested?: () => Promise<void>
  /** Resolves when all work that came with these acknowledged spans is done. Rejects when some of them are lost. */
  readonly settled?: (result: LoadResult) => Promise<void>
  /** Looks at what came of a run, which is not counted with it. Rejects when something is wrong. */
  readonly checked?: (result: LoadResult) => Promise<void>
}

export interface Sample {
  readonly result: LoadResult
  readonly cpuSeconds: number
  readonly cpuNsPerSpan: number
}

/**
 * One run of load against a subject. CPU is that of the subject's whole process, from the first request until all
 * that came of it is done.
 */
export async function measure(context: Context, load: Load, subject: Subject, warmUp = false): Promise<Sample> {
  const { size } = context
  const timed = subject.side === 'rival'
  const order: LoadOrder = {
    ...subject.order,
    spans: timed ? Number.MAX_SAFE_INTEGER : warmUp ? size.warmUpSpans : size.spans,
    maxMs: timed ? (warmUp ? size.rivalWarmUpMs : size.rivalMs) : 120_000,
  }
  context.progress(`${subject.name}${warmUp ? ', warm-up' : ''}`)
  await subject.rested?.()
  const before = cpuSeconds(subject.pid)
  const result = await load.call<LoadResult>('load', order)
  await subject.settled?.(result)
  const seconds = cpuSeconds(subject.pid) - before
  await subject.checked?.(result)
  return { result, cpuSeconds: seconds, cpuNsPerSpan: (seconds * 1e9) / result.spans }
}

/** All subjects in turns, after a warm-up of each: the samples of each subject, in the order of the subjects. */
export async function measureInTurns(
  context: Context,
  load: Load,
  subjects: readonly Subject[],
): Promise<readonly (readonly Sample[])[]> {
  for (const subject of subjects) await measure(context, load, subject, true)
  const samples: Sample[][] = subjects.map(() => [])
  for (let pair = 0; pair < context.size.pairs; pair++) {
    for (const [i, subject] of subjects.entries()) samples[i]?.push(await measure(context, load, subject))
  }
  return samples
}

/**
 * A figure of what subjects that were measured in turns have given, each by what it is. `of` makes a run's figure of
 * its sample.
 */
export function compared(
  subjects: readonly Subject[],
  samples: readonly (readonly Sample[])[],
  of: (sample: Sample) => number,
): Pick<Figure, 'value' | 'runs' | 'peer' | 'rival'> {
  const side = (wanted: Subject['side']): Runs | undefined => {
    const taken = samples[subjects.findIndex((subject) => subject.side === wanted)]
    return taken && runsOf(taken.map(of))
  }
  const [peer, rival] = [side('peer'), side('rival')]
  return { ...side('spoor')!, ...(peer && { peer }), ...(rival && { rival: rival.value }) }
}

export const spansPerCpuSecond = ({ cpuNsPerSpan }: Sample): number => 1e9 / cpuNsPerSpan

/** CPU seconds that a process at rest uses in {@link QUIET_MS} at the most. */
const QUIET_SECONDS = 0.02
const QUIET_MS = 400
const QUIET_PATIENCE_MS = 120_000

/** Resolves when a process does nothing more. */
export async function quiet(pid: number): Promise<void> {
  const deadline = performance.now() + QUIET_PATIENCE_MS
  for (;;) {
    const before = cpuSeconds(pid)
    await sleep(QUIET_MS)
    if (cpuSeconds(pid) - before <= QUIET_SECONDS) return
    if (performance.now() > deadline) {
      throw new Error(`a process was still at work ${QUIET_PATIENCE_MS / 1000} s after its load`)
    }
  }
}

/** For a subject that forwards: waits for the sink, and makes sure that all acknowledged spans have come to it. */
export function settledInSink(sink: Sink): (result: LoadResult) => Promise<void> {
  let seen = 0
  return async ({ spans: acknowledged }) => {
    const expected = seen + acknowledged
    const { spans } = await sink.call<{ spans: number }>('received', expected)
    if (spans !== expected) {
      throw new Error(`${acknowledged} spans were acknowledged and ${spans - seen} came to the sink`)
    }
    seen = spans
  }
}
