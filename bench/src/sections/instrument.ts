import type { ApplicationReady, Tracing } from '../instrumented/application.ts'
import type { AskOrder } from '../instrumented/client.ts'
import type { Context, Section } from '../context.ts'
import { median, runsOf, type Figure } from '../figure.ts'
import { startSink, type Sink } from '../measure.ts'
import { startChild, type Child } from '../process/start.ts'
import { together } from '../process/together.ts'
import { cpuSeconds } from '../process/usage.ts'

const WAYS = ['none', 'vanilla', 'spoor'] as const satisfies readonly Tracing[]

/** Server, handler and client. */
const SPANS_PER_REQUEST = 3

/** How often an application is started for the CPU of its start. */
const STARTS = 5

interface Application {
  readonly tracing: Tracing
  readonly child: Child<ApplicationReady>
  readonly sink: Sink
  /** Spans that its sink has got. */
  spans: number
}

/** What tracing costs an application: none, OpenTelemetry's SDK and instrumentations as its guides set them up (the peer), and `@spoor/instrument`. */
export const instrument: Section = {
  name: 'instrument',
  title: 'A traced Express service, three spans a request (peer: OpenTelemetry JS SDK and its instrumentations)',
  async run(context) {
    const starts = await started(context)
    const requests = await asked(context)
    const added = (runs: Readonly<Record<Tracing, readonly number[]>>, tracing: Tracing): number[] =>
      runs[tracing].map((value) => value - median(runs.none))
    return [
      {
        name: 'CPU of a request',
        unit: 'µs/request',
        ...runsOf(requests.spoor),
        peer: runsOf(requests.vanilla),
        goal: { ratio: 1 / 0.7 },
        note: `without tracing ${Math.round(median(requests.none))}`,
      },
      {
        name: 'of it added by tracing',
        unit: 'µs/request',
        ...runsOf(added(requests, 'spoor')),
        peer: runsOf(added(requests, 'vanilla')),
      },
      {
        name: 'CPU of a start, added by tracing',
        unit: 'ms',
        ...runsOf(added(starts, 'spoor')),
        peer: runsOf(added(starts, 'vanilla')),
        goal: { value: 150 },
        note: `without tracing ${Math.round(median(starts.none))}`,
      },
    ] satisfies Figure[]
  },
}

function started(context: Context): Promise<Record<Tracing, number[]>> {
  return together(async ({ own }) => {
    const sink = await own(startSink())
    const runs: Record<Tracing, number[]> = { none: [], vanilla: [], spoor: [] }
    for (let i = -1; i < STARTS; i++) {
      for (const tracing of WAYS) {
        context.progress(`instrument, start: ${tracing}`)
        const child = await startApplication(tracing, sink)
        if (i >= 0) runs[tracing].push(child.ready.startMs)
        await child.stop()
      }
    }
    return runs
  })
}

/** CPU microseconds of a request until all its spans have come to the sink, in turns. */
function asked(context: Context): Promise<Record<Tracing, number[]>> {
  return together(async ({ own }) => {
    const client = await own(startChild<object>('instrumented/client.ts'))
    const applications: Application[] = []
    for (const tracing of WAYS) {
      const sink = await own(startSink())
      applications.push({ tracing, sink, child: await own(startApplication(tracing, sink)), spans: 0 })
    }
    const requests = context.size.smallRequests
    const runs: Record<Tracing, number[]> = { none: [], vanilla: [], spoor: [] }
    for (let i = -1; i < context.size.pairs; i++) {
      for (const application of applications) {
        context.progress(`instrument, requests: ${application.tracing}`)
        const seconds = await ask(application, client, requests)
        if (i >= 0) runs[application.tracing].push((seconds * 1e6) / requests)
      }
    }
    return runs
  })
}

async function ask(application: Application, client: Child<object>, requests: number): Promise<number> {
  const { child, sink, tracing } = application
  const before = cpuSeconds(child.pid)
  await client.call('ask', { url: child.ready.url, requests } satisfies AskOrder)
  await child.call('flush')
  const expected = application.spans + (tracing === 'none' ? 0 : requests * SPANS_PER_REQUEST)
  const { spans } = await sink.call<{ spans: number }>('received', expected)
  if (spans !== expected) {
    throw new Error(
      `${tracing}: ${requests} requests made ${spans - application.spans} spans, not ${SPANS_PER_REQUEST} each`,
    )
  }
  application.spans = spans
  return cpuSeconds(child.pid) - before
}

function startApplication(tracing: Tracing, sink: Sink): Promise<Child<ApplicationReady>> {
  return startChild<ApplicationReady>('instrumented/application.ts', [tracing, `http://${sink.ready.http}`])
}
