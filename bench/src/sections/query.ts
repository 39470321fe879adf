import {
  createCorpus,
  createPass,
  createRandom,
  orderId,
  SHOP_SERVICES,
  traceIdIn,
  type Corpus,
  type CorpusTrace,
  type Random,
} from 'spoor/loadgen'
import type { Context } from '../context.ts'
import { median, percentile, type Figure } from '../figure.ts'
import { startChild, type Child } from '../process/start.ts'
import { askOverHttp } from '../candidate/http.ts'
import { LATEST, type Asker } from './asker.ts'
import type { Ingested, Sent } from './ingest.ts'

/** The questions that are asked first and not counted. */
const WARM_UP = 20

/** A rival without an index for attributes reads every row: it is asked this often. */
const SLOW_QUESTIONS = 3

/**
 * How long answers take: over the HTTP of the running program, then from the store itself against SQLite. Every
 * answer is checked.
 */
export async function query(context: Context, ingested: Ingested): Promise<readonly Figure[]> {
  const corpus = createCorpus(context.size.requests)
  const { queries } = context.size
  const million = `${numberOf(ingested.spoor)} spans`

  context.progress('queries over HTTP')
  const http = askOverHttp(ingested.spoor.program.page)
  const overHttp = await askAll(http, corpus, ingested.spoor, ingested.originNs, queries, queries)
  await ingested.spoor.program.stop()

  context.progress('queries of the store')
  const ours = await withChild('candidate/store.ts', ingested.spoor.directory, (asker) =>
    askAll(asker, corpus, ingested.spoor, ingested.originNs, queries, queries),
  )
  context.progress('queries of the rival')
  const rival = await withChild('rival/querier.ts', ingested.rival.file, (asker) =>
    askAll(asker, corpus, ingested.rival, ingested.originNs, queries, SLOW_QUESTIONS),
  )

  const holds = `${million}; the rival holds ${numberOf(ingested.rival)}`
  const rows: readonly [kind: keyof Times, name: string, goal: boolean][] = [
    ['trace', 'by id', true],
    ['latest', `latest ${LATEST} of a service`, true],
    ['order', 'rare attribute value', false],
  ]
  return rows.flatMap(([kind, name, aimed]): Figure[] => {
    const goal = aimed ? { goal: { value: 5 } } : {}
    const own = ours[kind]
    const theirs = rival[kind]
    const wire = overHttp[kind]
    return [
      { name: `${name}, median`, unit: 'ms', value: median(own), rival: median(theirs), ...goal, note: holds },
      { name: `${name}, p95`, unit: 'ms', value: percentile(own, 95), rival: percentile(theirs, 95), ...goal },
      { name: `${name} over HTTP, median`, unit: 'ms', value: median(wire), ...goal, note: million },
      { name: `${name} over HTTP, p95`, unit: 'ms', value: percentile(wire, 95), ...goal },
    ]
  })
}

const numberOf = (sent: Sent): string => `${(sent.spans / 1e6).toFixed(2)} M`

interface Times {
  readonly trace: number[]
  readonly latest: number[]
  readonly order: number[]
}

/** Asks for random traces, services and orders of what was sent, and throws when an answer is wrong. */
async function askAll(
  asker: Asker,
  corpus: Corpus,
  sent: Sent,
  originNs: bigint,
  questions: number,
  slowQuestions: number,
): Promise<Times> {
  const random = createRandom(7)
  const times: Times = { trace: [], latest: [], order: [] }
  const pickTrace = createPicker(random, corpus.traces, sent, originNs)
  const ordered = corpus.traces.filter((trace) => trace.orders.length > 0)
  const pickOrdered = createPicker(random, ordered, sent, originNs)
  const warmUp = Math.min(WARM_UP, slowQuestions)
  for (let i = -WARM_UP; i < questions; i++) {
    const { trace, id } = pickTrace()
    const { ms, spans } = await asker.trace(id)
    if (spans !== trace.spans) throw new Error(`trace ${id} has ${trace.spans} spans, and the answer ${spans}`)
    if (i >= 0) times.trace.push(ms)
  }
  for (let i = -WARM_UP; i < questions; i++) {
    const service = random.pick(SHOP_SERVICES).name
    const { ms, ids } = await asker.latest(service)
    if (new Set(ids).size !== LATEST)
      throw new Error(`${service}: ${ids.length} traces instead of the ${LATEST} newest`)
    if (i >= 0) times.latest.push(ms)
  }
  for (let i = -warmUp; i < slowQuestions; i++) {
    const { trace, id, pass } = pickOrdered()
    const value = orderId(trace.orders[0] ?? 0, pass)
    const { ms, ids } = await asker.order(value)
    if (ids.length !== 1 || ids[0] !== id)
      throw new Error(`${value} is in trace ${id}, and the answer is [${ids.join()}]`)
    if (i >= 0) times.order.push(ms)
  }
  return times
}

/** Picks random traces of those that were sent whole. */
function createPicker(
  random: Random,
  traces: readonly CorpusTrace[],
  sent: Sent,
  originNs: bigint,
): () => { trace: CorpusTrace; id: string; pass: number } {
  const passes = sent.passes
    .map(({ number, requests }) => ({ number, whole: traces.filter((trace) => trace.lastRequest < requests) }))
    .filter(({ whole }) => whole.length > 0)
  return () => {
    const { number, whole } = random.pick(passes)
    const trace = random.pick(whole)
    return { trace, pass: number, id: traceIdIn(createPass(number, originNs), trace.traceId) }
  }
}

async function withChild<T>(module: string, data: string, work: (asker: Asker) => Promise<T>): Promise<T> {
  const child: Child<object> = await startChild(module, [data])
  try {
    return await work({
      trace: (id) => child.call('trace', id),
      latest: (service) => child.call('latest', service),
      order: (value) => child.call('order', value),
    })
  } finally {
    await child.stop()
  }
}
