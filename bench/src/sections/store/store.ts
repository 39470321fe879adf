import { join } from 'node:path'
import type { StoreCorpus } from 'spoor/loadgen'
import { createClient, okBody, type Get } from '../../candidate/client.ts'
import { startSpoor, type Program } from '../../candidate/program.ts'
import type { Context } from '../../context.ts'
import type { Figure } from '../../figure.ts'
import { startLoad, type Load } from '../../measure.ts'
import { dropCaches } from '../../process/disk.ts'
import { timed } from '../../process/timed.ts'
import { together, type Belongings } from '../../process/together.ts'
import { peakMemory, resetPeakMemory } from '../../process/usage.ts'
import type { LoadResult } from '../../workload/load.ts'
import { askMany, type Question } from './ask.ts'
import { rowsOf, sizes } from './figures.ts'
import { fill, startOnCopy, type Filled } from './filled.ts'
import { byId, questionsOf } from './questions.ts'
import { settled } from './settled.ts'
import { createPicker, type Picker } from './subjects.ts'

/** What arrives while questions are asked, spans a second. */
const ARRIVING = 20_000

/** Passes whose late requests are sent. */
export const LATE_PASSES = 4

/** How long a question is asked, in milliseconds, before it is measured and while it is. */
const WARM_UP_MS = 1_000
const ROUND_MS = 3_000

/** Traces of one large answer. */
const MANY = 10_000

/**
 * A large store through the whole program: bytes on disk, and what answers take at rest, after a start with nothing
 * in the caches, and while spans arrive. Without a rival: what stands beside is the budget.
 */
export async function store(context: Context, corpus: StoreCorpus): Promise<readonly Figure[]> {
  const { spans, folder } = context.store
  return together(async (belongings) => {
    const place = join(folder ?? belongings.folder, corpus)
    const filled = await fill(context, belongings, place, corpus, spans)
    const figures = sizes(filled)
    if (context.store.fillOnly) return figures
    return [...figures, ...(await questioned(context, belongings, place, filled))]
  })
}

async function questioned(context: Context, belongings: Belongings, place: string, filled: Filled): Promise<Figure[]> {
  const start = await startOnCopy(place, belongings)
  const picker = createPicker(filled, 11)
  const empty = await startEmpty(belongings)
  const { program, get, isCold: cold, figure } = await startUntilAnswer(start, picker.pick().id, empty)
  const figures: Figure[] = [figure]
  const origin = BigInt(filled.origin)
  const day = { from: String(origin), to: String(origin + 86_400_000_000_000n) }
  context.progress('store: finding what to ask for')
  const questions = await questionsOf(filled.corpus, get, picker, day)
  for (const question of cold ? questions.slice(0, 1) : []) {
    dropCaches()
    context.progress(`store: ${question.name}, caches dropped`)
    figures.push(...rowsOf(await askMany(program.pid, question, ROUND_MS), ', caches dropped'))
  }
  const quick: Question[] = []
  for (const question of questions) {
    context.progress(`store: ${question.name}`)
    const warmUp = await askMany(program.pid, { ...question, times: 10 }, WARM_UP_MS)
    const slow = warmUp.p50 > ROUND_MS
    figures.push(...rowsOf(slow ? warmUp : await askMany(program.pid, question, ROUND_MS)))
    if (!slow) quick.push(question)
  }
  figures.push(await manyTraces(program, get))

  const load = await belongings.own(
    startLoad(context, { corpus: filled.corpus, origin, firstPass: filled.passes.length }),
  )
  figures.push(...(await late(context, program, load, get, picker, filled)))
  await settled(program)
  figures.push(...(await whileArriving(context, program, load, quick)))
  return figures
}

/** Starts a program on a store, with the system's caches dropped where that is allowed, and asks for a trace. `emptyMs`: what the same takes on an empty store. */
export async function startUntilAnswer(
  start: () => Promise<Program>,
  traceId: string,
  emptyMs: number,
): Promise<{ readonly program: Program; readonly get: Get; readonly isCold: boolean; readonly figure: Figure }> {
  const isCold = dropCaches()
  const { ms, result } = await timed(async () => {
    const program = await start()
    const get = createClient(program.page)
    await okBody(get, `/api/spoor/v1/traces/${traceId}`)
    return { program, get }
  })
  const figure: Figure = {
    name: 'start until the first answer, beyond that of an empty store',
    unit: 'ms',
    value: ms - emptyMs,
    goal: { value: 700 },
    note: `${isCold ? 'caches dropped; ' : ''}the empty one takes ${emptyMs.toFixed(0)} ms`,
  }
  return { ...result, isCold, figure }
}

/** Milliseconds from starting the process on an empty directory until its first answer; caches dropped. */
export async function startEmpty({ own, folder }: Belongings): Promise<number> {
  dropCaches()
  const { ms, result } = await timed(async () => {
    const program = await own(startSpoor(join(folder, 'empty')))
    await createClient(program.page)(`/api/spoor/v1/traces/${'1'.repeat(32)}`)
    return program
  })
  await result.stop()
  return ms
}

/** The whole answer of 10,000 traces: what the process holds at the most for it. */
export async function manyTraces({ pid }: Program, get: Get): Promise<Figure> {
  resetPeakMemory(pid)
  const { ms, result } = await timed(() => okBody(get, `/api/spoor/v1/search?q=&order=newest&limit=${MANY}`))
  const { traces } = JSON.parse(result.toString()) as { traces: readonly unknown[] }
  return {
    name: 'peak memory of a search of 10,000 traces',
    unit: 'MB',
    value: peakMemory(pid) / 1e6,
    goal: { value: 400 },
    note: `the whole process; ${traces.length} traces in ${ms.toFixed(0)} ms`,
  }
}

/** Spans that come for traces that have long been stored. */
async function late(
  context: Context,
  program: Program,
  load: Load,
  get: Get,
  picker: Picker,
  filled: Filled,
): Promise<readonly Figure[]> {
  const passes = filled.passes.slice(0, LATE_PASSES).map(({ number }) => number)
  context.progress('store: late spans')
  const { spans } = await load.call<{ spans: number }>('late', { protocol: 'grpc', address: program.grpc, passes })
  if (spans === 0) return []
  for (const number of passes) picker.lateSent.add(number)
  const question = byId('by id, with late spans', get, picker, Array.from({ length: 100 }, picker.pickLate))
  return rowsOf(await askMany(program.pid, question, ROUND_MS))
}

/** Asks once more while spans arrive; not what takes seconds at rest already. */
function whileArriving(
  context: Context,
  program: Program,
  load: Load,
  questions: readonly Question[],
): Promise<Figure[]> {
  return besideArriving(program, load, async () => {
    const figures: Figure[] = []
    for (const question of questions) {
      context.progress(`store: ${question.name}, while spans arrive`)
      figures.push(...rowsOf(await askMany(program.pid, question, ROUND_MS), ', while spans arrive', false))
    }
    return figures
  })
}

/** Does it while {@link ARRIVING} spans a second arrive. Rejects where some of them were refused. */
export async function besideArriving<T>(program: Program, load: Load, work: () => Promise<T>): Promise<T> {
  const over = new AbortController()
  let refused = 0
  const arriving = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const order = { protocol: 'grpc', gzip: false, address: program.grpc, maxMs: Infinity } as const
      refused += (await load.call<LoadResult>('load', { ...order, spans: 2 * ARRIVING, rate: ARRIVING })).refused
    }
  }
  const [result] = await Promise.all([work().finally(() => over.abort()), arriving()])
  if (refused > 0) throw new Error(`${refused} requests were refused while questions were asked`)
  return result
}
