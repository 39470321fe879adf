import type { Context, Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import { compared, measureInTurns, type Sample } from '../measure.ts'
import { together } from '../process/together.ts'
import { cpuSeconds } from '../process/usage.ts'
import { loadBackends, startBackends } from './backends.ts'
import { settled } from './store/settled.ts'

const microseconds = ({ cpuNsPerSpan }: Sample): number => cpuNsPerSpan / 1000

/** How many times better than Jaeger is aimed at, by the number of senders. */
const SENDERS = [
  { senders: 32, ratio: 4 },
  { senders: 4, ratio: 4 },
  { senders: 1, ratio: 3 },
]

/** What ingest costs by how many send at a time, with spans of 467 bytes; Spoor's are durable. */
export const senders: Section = {
  name: 'senders',
  title: 'Ingest by senders, each with one request of 512 spans in flight, gRPC (peer: Jaeger, memory store)',
  async run(context) {
    return together(async (belongings) => {
      const backends = await startBackends(context, belongings)
      const { load, subjects, taken } = await loadBackends(context, belongings, backends, 'shop')
      const [ours] = backends
      if (!ours) throw new Error('no backend')
      const figures: Figure[] = []
      const before = cpuSeconds(ours.program.pid)
      for (const { senders: count, ratio } of SENDERS) {
        const name = `${count} ${count === 1 ? 'sender' : 'senders'}`
        const turns = subjects(`ingest, ${name}`, count)
        const samples = await measureInTurns(context, load, turns)
        figures.push({ name, unit: 'µs/span', ...compared(turns, samples, microseconds), goal: { ratio } })
      }
      context.progress('ingest: sealing')
      await settled(ours.program)
      const spans = taken('spoor')
      figures.push({
        name: 'in all, with sealing',
        unit: 'µs/span',
        value: ((cpuSeconds(ours.program.pid) - before) * 1e6) / spans,
        note: `${(spans / 1e6).toFixed(1)} M spans and all that came of them, the warm-ups too`,
      })
      return figures
    })
  },
}

/** The same with small spans, of which what a span costs weighs more than its bytes. */
export const smallSpans: Section = {
  name: 'small-spans',
  title: 'Ingest of small spans as of a load generator, 512 a request, gRPC (peer: Jaeger, memory store)',
  run: (context) =>
    onCorpus(context, 'small-spans', [4], (name, figure) => ({
      name,
      unit: 'µs/span',
      ...figure(microseconds),
      goal: { ratio: 2 },
    })),
}

/** Spans in a small request, in the mean. */
const REQUEST_SPANS = 11

/** CPU microseconds a request that are aimed at, by the number of senders. */
const REQUEST_GOALS: Readonly<Record<number, number>> = { 1: 550, 32: 50 }

/** Small requests, as services send them: a trace each. */
export const smallRequests: Section = {
  name: 'small-requests',
  title: 'Small requests: a trace of 1 to 50 spans each, gRPC (peer: Jaeger, memory store)',
  run: (context) =>
    onCorpus(context, 'small-requests', [32, 1], (name, figure, count) => ({
      name,
      unit: 'µs/request',
      ...figure(({ cpuSeconds, result }) => (cpuSeconds * 1e6) / result.requests),
      goal: { value: REQUEST_GOALS[count] ?? 0 },
    })),
}

/** A lone sender waits for each answer, so that it is given fewer requests than many are. */
function sizedFor(corpus: 'small-spans' | 'small-requests', count: number, context: Context): Context {
  if (corpus === 'small-spans') return context
  const { size } = context
  const requests = size.smallRequests * (count === 1 ? 1 : 4)
  return { ...context, size: { ...size, spans: requests * REQUEST_SPANS, warmUpSpans: requests * 4 } }
}

type Compared = (of: (sample: Sample) => number) => ReturnType<typeof compared>

function onCorpus(
  context: Context,
  corpus: 'small-spans' | 'small-requests',
  counts: readonly number[],
  figureOf: (name: string, figure: Compared, count: number) => Figure,
): Promise<Figure[]> {
  return together(async (belongings) => {
    const backends = await startBackends(context, belongings)
    const { load, subjects } = await loadBackends(context, belongings, backends, corpus)
    const figures: Figure[] = []
    for (const count of counts) {
      const name = `${count} ${count === 1 ? 'sender' : 'senders'}`
      const turns = subjects(`${corpus}, ${name}`, count)
      const samples = await measureInTurns(sizedFor(corpus, count, context), load, turns)
      figures.push(figureOf(name, (of) => compared(turns, samples, of), count))
    }
    return figures
  })
}
