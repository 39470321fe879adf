import { setTimeout as sleep } from 'node:timers/promises'
import { startCollector } from '../candidate/program.ts'
import { processingConfig, type Ports, type Stages } from '../candidate/config.ts'
import type { Context, Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import { compared, measureInTurns, quiet, spansPerCpuSecond, startLoad, startSink, type Subject } from '../measure.ts'
import { together } from '../process/together.ts'

interface Case extends Stages {
  readonly name: string
  /** How many times better than the real collector is aimed at. */
  readonly goal: number
  /** Milliseconds that spans wait for a decision. */
  readonly waitMs?: number
}

const ATTRIBUTES = '{ actions: [{ key: deployment.environment.name, value: production, action: upsert }] }'
const FILTER = `{ trace_conditions: ['span.attributes["db.operation.name"] == "SELECT"'] }`
/** The real one looks once a second which traces have waited for long enough. */
const TICK_MS = 1_000
const WAIT_MS = 1_000

const CASES: readonly Case[] = [
  { name: 'an attribute set on every span', processors: { attributes: ATTRIBUTES }, goal: 4 },
  { name: 'spans dropped by an attribute', processors: { filter: FILTER }, goal: 4 },
  {
    name: 'both, and tail sampling by errors, duration and chance',
    processors: {
      attributes: ATTRIBUTES,
      filter: FILTER,
      tail_sampling: `{ decision_wait: ${WAIT_MS}ms, policies: [
        { name: errors, type: status_code, status_code: { status_codes: [ERROR] } },
        { name: slow, type: latency, latency: { threshold_ms: 1000 } },
        { name: some, type: probabilistic, probabilistic: { sampling_percentage: 10 } } ] }`,
    },
    goal: 3,
    waitMs: WAIT_MS + 2 * TICK_MS,
  },
  {
    name: 'spans counted by span_metrics',
    connectors: { spanmetrics: '{ metrics_flush_interval: 1s }' },
    goal: 3,
    waitMs: 1_500,
  },
]

/** What processors and connectors cost, from the network to the network, until nothing is left to be done. */
export const processing: Section = {
  name: 'process',
  title: 'Process OTLP → … → OTLP (peer: OpenTelemetry Collector, same YAML)',
  async run(context) {
    const figures: Figure[] = []
    for (const one of CASES) figures.push(await processed(context, one))
    return figures
  },
}

function processed(context: Context, { name, goal, waitMs = 0, ...stages }: Case): Promise<Figure> {
  return together(async ({ own, folder }) => {
    const load = await own(startLoad(context))
    const sink = await own(startSink())
    const came = { spoor: 0, peer: 0, rival: 0 }
    const sent = { spoor: 0, peer: 0, rival: 0 }
    let seen = 0
    const config = (ports: Ports): string => processingConfig(stages, sink.ready.grpc, ports)
    const subject = (side: Subject['side'], pid: number, address: string): Subject => ({
      name: `process, ${name}: ${side}`,
      pid,
      side,
      order: { protocol: 'grpc', gzip: false, address },
      async settled({ spans }) {
        await sleep(waitMs)
        await quiet(pid)
        const { spans: all } = await sink.call<{ spans: number }>('received', 0)
        came[side] += all - seen
        sent[side] += spans
        seen = all
      },
    })
    const ours = await own(startCollector(folder, config))
    const subjects = [subject('spoor', ours.pid, ours.grpc)]
    const { otelcol } = context.peers.files
    if (otelcol !== undefined) {
      const theirs = await own(startCollector(folder, config, otelcol))
      subjects.push(subject('peer', theirs.pid, theirs.grpc))
    }
    const samples = await measureInTurns(context, load, subjects)
    const share = (side: Subject['side']): string => `${((100 * came[side]) / sent[side]).toFixed(1)} %`
    return {
      name,
      unit: 'spans/CPU s',
      ...compared(subjects, samples, spansPerCpuSecond),
      goal: { ratio: goal },
      note: `${share('spoor')} of the spans came out${subjects.length > 1 ? `, of the peer ${share('peer')}` : ''}`,
    }
  })
}
