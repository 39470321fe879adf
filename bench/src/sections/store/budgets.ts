import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreCorpus } from 'spoor/loadgen'
import { createClient } from '../../candidate/client.ts'
import type { Program } from '../../candidate/program.ts'
import type { Context } from '../../context.ts'
import type { Figure } from '../../figure.ts'
import { startLoad, type Load } from '../../measure.ts'
import { bytesByExtension, dropCaches } from '../../process/disk.ts'
import { timed } from '../../process/timed.ts'
import { together, type Belongings } from '../../process/together.ts'
import { threadCpuSeconds } from '../../process/usage.ts'
import type { LoadResult } from '../../workload/load.ts'
import { askMany, type Asked, type Question } from './ask.ts'
import { rowsOf, sizes } from './figures.ts'
import { copyIn, fill, startOnCopy, type Filled } from './filled.ts'
import { GIANT_SPANS, sendGiant } from './giant.ts'
import { byId, questionsOf } from './questions.ts'
import { search, told } from './search.ts'
import { besideArriving, LATE_PASSES, manyTraces, startEmpty, startUntilAnswer } from './store.ts'
import { createPicker } from './subjects.ts'

/** How long a question is asked, in milliseconds, before it is measured and while it is. */
const WARM_UP_MS = 2_000
const ROUND_MS = 4_000

/** Names of the threads that answer, as the system cuts them. */
const READERS = ['spoor-lookup-re', 'spoor-search-re']
/** How long the readers are watched while nobody asks, in milliseconds: spans that arrive are work for them, too. */
const WATCH_MS = 4_000

/** How much a later page may take more than the first one: what the machine makes of two measurements of the same. */
const LATER_SHARE = 1.25

/** How long a trace of very many spans is left alone before somebody looks for it, in milliseconds. */
const GIANT_REST_MS = 8_000

/**
 * All budgets of the store as they are meant: half of the spans sealed and half as they came, late spans for traces that are sealed, over HTTP, while spans
 * arrive, so that sealing rests; the 95th percentile of warm answers, and the CPU of the threads that answer. In the notes, the first answer with the system's caches dropped.
 */
export async function budgets(context: Context, corpus: StoreCorpus): Promise<readonly Figure[]> {
  const { spans, folder, fillOnly } = context.store
  return together(async (belongings) => {
    const place = `${folder ?? belongings.folder}/${corpus}-half`
    const filled = await fill(context, belongings, place, corpus, Math.ceil(spans / 2))
    if (fillOnly) return sizes(filled)
    return measured(context, belongings, place, filled)
  })
}

async function measured(context: Context, belongings: Belongings, place: string, filled: Filled): Promise<Figure[]> {
  const start = await startOnCopy(place, belongings)
  const empty = await startEmpty(belongings)
  const origin = BigInt(filled.origin)
  const load = await belongings.own(
    startLoad(context, { corpus: filled.corpus, origin, firstPass: filled.passes.length }),
  )
  const before = await start()
  context.progress('budgets: the half that is not sealed')
  const order = { protocol: 'grpc', gzip: false, address: before.grpc, maxMs: Infinity } as const
  const spans = context.store.spans - filled.spans
  const { passes } = await load.call<LoadResult>('load', { ...order, spans })
  const late = wholePasses(filled).slice(0, LATE_PASSES)
  await load.call('late', { protocol: 'grpc', address: before.grpc, passes: late })
  await before.stop()

  const picker = createPicker({ ...filled, passes: [...filled.passes, ...passes] }, 11)
  for (const number of late) picker.lateSent.add(number)
  const { program, get, figure } = await startUntilAnswer(start, picker.pick().id, empty)
  const figures: Figure[] = [figure, await unsealed('log that is not sealed, at the beginning', belongings)]
  const day = { from: String(origin), to: String(origin + 86_400_000_000_000n) }
  figures.push(
    ...(await besideArriving(program, load, async () => {
      context.progress('budgets: finding what to ask for')
      const questions = await questionsOf(filled.corpus, get, picker, day)
      const ofLate = byId('by id, with late spans', get, picker, Array.from({ length: 100 }, picker.pickLate))
      return asked(context, program, [...questions, ofLate])
    })),
  )
  figures.push(await unsealed('log that is not sealed, at the end', belongings), await manyTraces(program, get))
  figures.push(await withGiant(context, program, load, day))
  return figures
}

/** Those of which everything was sent: what comes late is then the rest of its traces. */
function wholePasses({ passes }: Filled): number[] {
  const requests = Math.max(...passes.map((pass) => pass.requests))
  return passes.filter((pass) => pass.requests === requests).map(({ number }) => number)
}

async function asked(context: Context, { pid }: Program, questions: readonly Question[]): Promise<Figure[]> {
  const ofReaders = (): number => READERS.reduce((sum, name) => sum + threadCpuSeconds(pid, name), 0)
  const idle = await shareOf(ofReaders)
  const figures: Figure[] = []
  const p95 = new Map<string, number>()
  for (const question of questions) {
    const isDropped = dropCaches()
    context.progress(`budgets: ${question.name}`)
    const warmUp = await askMany(pid, question, WARM_UP_MS)
    const began = performance.now()
    const warm = await askMany(pid, question, ROUND_MS, ofReaders)
    const cpu = Math.max(0, warm.cpu - (idle * (performance.now() - began)) / warm.times)
    p95.set(question.name, warm.p95)
    const first = `first ${warmUp.first.toFixed(0)} ms${isDropped ? ', caches dropped' : ''}`
    const told = warm.told === undefined ? first : `${first}; ${warm.told}`
    figures.push(...rowsOf(bounded({ ...warm, cpu, told }, p95)))
  }
  return figures
}

/** A later page has the budget of the first one, which was asked for before. */
function bounded(one: Asked, p95: ReadonlyMap<string, number>): Asked {
  const first = p95.get(one.question.name.replace(/^page \d+ /, 'page 1 '))
  if (!/^page (?!1 )\d+ /.test(one.question.name) || first === undefined) return one
  return { ...one, question: { ...one.question, budget: { p95: LATER_SHARE * first } } }
}

/** Cores that something takes while nobody asks. */
async function shareOf(seconds: () => number): Promise<number> {
  const [began, before] = [performance.now(), seconds()]
  await sleep(WATCH_MS)
  return ((seconds() - before) * 1e3) / (performance.now() - began)
}

async function unsealed(name: string, belongings: Belongings): Promise<Figure> {
  const { '.log': log = 0, '.seal': sealed = 0 } = await bytesByExtension(copyIn(belongings))
  return { name, unit: 'MB', value: log / 1e6, note: `${(sealed / 1e6).toFixed(0)} MB are sealed` }
}

/** What the first search takes that has a trace of a million spans among its results. */
async function withGiant(
  context: Context,
  program: Program,
  load: Load,
  day: Readonly<Record<'from' | 'to', string>>,
): Promise<Figure> {
  context.progress('budgets: a trace of a million spans')
  const { http, page } = program
  await sendGiant(http, BigInt(day.from))
  const get = createClient(page)
  return besideArriving(program, load, async () => {
    await sleep(GIANT_REST_MS)
    const parameters = { order: 'longest', ...day }
    const { ms, result } = await timed(() => search(get, { q: '', parameters, least: 1 }))
    const spans = result.traces.reduce((most, trace) => Math.max(most, trace.spans), 0)
    if (result.complete && spans < GIANT_SPANS)
      throw new Error(`of ${GIANT_SPANS} spans of one trace ${spans} were found`)
    return {
      name: `first search by the longest, with a trace of ${GIANT_SPANS} spans`,
      unit: 'ms',
      value: ms,
      goal: { value: 500 },
      note: told(result),
    }
  })
}
