import { startCollector } from '../candidate/program.ts'
import type { Exporter } from '../candidate/config.ts'
import type { Context, Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import {
  compared,
  measureInTurns,
  settledInSink,
  spansPerCpuSecond,
  startLoad,
  startSink,
  type Load,
  type Sink,
  type Subject,
} from '../measure.ts'
import { startChild } from '../process/start.ts'
import { together } from '../process/together.ts'
import { hasRival, WAYS, type Way } from './receive.ts'

/** How many times better than the real collector is aimed at. */
const GOALS: Readonly<Record<Way['name'], number>> = { gRPC: 5, 'gRPC, gzip': 8, HTTP: 6, 'HTTP, gzip': 8 }

/** What it costs to receive, batch and export the same way, until the sink has it all. */
export const forward: Section = {
  name: 'forward',
  title: 'Forward OTLP → batch → OTLP (peer: OpenTelemetry Collector, same YAML; rival: grpc-js + protobufjs)',
  async run(context) {
    return together(async ({ own }) => {
      const load = await own(startLoad(context))
      const sink = await own(startSink())
      const settled = settledInSink(sink)
      const figures: Figure[] = []
      for (const way of WAYS) figures.push(await forwarded(context, way, { load, sink, settled }))
      return figures
    })
  },
}

interface Ends {
  readonly load: Load
  readonly sink: Sink
  readonly settled: NonNullable<Subject['settled']>
}

function forwarded(context: Context, way: Way, { load, sink, settled }: Ends): Promise<Figure> {
  return together(async ({ own, folder }) => {
    const { protocol, gzip } = way
    const compression = gzip ? 'gzip' : 'none'
    const exporter: Exporter = { kind: `otlp_${protocol}`, endpoint: sink.ready[protocol], compression }
    const subject = (side: Subject['side'], pid: number, address: string): Subject => ({
      name: `forward, ${way.name}: ${side}`,
      pid,
      side,
      order: { protocol, gzip, address },
      settled,
    })
    const ours = await own(startCollector(folder, exporter))
    const subjects = [subject('spoor', ours.pid, ours[protocol])]
    const { otelcol } = context.peers.files
    if (otelcol !== undefined) {
      const theirs = await own(startCollector(folder, exporter, otelcol))
      subjects.push(subject('peer', theirs.pid, theirs[protocol]))
    }
    if (hasRival(context, way)) {
      const rival = await own(startChild<{ grpc: string }>('rival/forwarder.ts', [sink.ready.grpc, compression]))
      subjects.push(subject('rival', rival.pid, rival.ready.grpc))
    }
    const samples = await measureInTurns(context, load, subjects)
    return {
      name: way.name,
      unit: 'spans/CPU s',
      ...compared(subjects, samples, spansPerCpuSecond),
      goal: { ratio: GOALS[way.name] },
    }
  })
}
