import { startCollector, type Program } from '../candidate/program.ts'
import type { Context, Section } from '../context.ts'
import { runsOf, type Figure, type Goal, type Runs, type Unit } from '../figure.ts'
import { originNs, quiet, settledInSink, startLoad, startSink, type Load } from '../measure.ts'
import { together } from '../process/together.ts'
import { cpuSeconds, residentMemory } from '../process/usage.ts'
import type { LoadResult } from '../workload/load.ts'
import { startBackends } from './backends.ts'

/** Spans a second. */
const RATE = 10_000

/** Seconds of load before the first run. */
const WARM_UP_SECONDS = 2

interface Steady {
  readonly kind: 'store' | 'collector'
  readonly side: 'spoor' | 'peer'
  readonly program: Program
  readonly settled?: (result: LoadResult) => Promise<void>
  readonly cpu: number[]
  readonly memory: number[]
}

/** CPU and memory at a rate as a small system has it, all day. */
export const steady: Section = {
  name: 'steady',
  title: 'At a steady 10,000 spans/s, gRPC (peers: Jaeger, memory store; OpenTelemetry Collector, forwarding)',
  async run(context) {
    return together(async (belongings) => {
      const { own, folder } = belongings
      const load = await own(startLoad(context, { origin: originNs() }))
      const sink = await own(startSink())
      const settled = settledInSink(sink)
      const exporter = { kind: 'otlp_grpc', endpoint: sink.ready.grpc, compression: 'none' } as const
      const subjects: Steady[] = (await startBackends(context, belongings)).map(({ side, program }) =>
        subjectOf('store', side, program),
      )
      const ours = await own(startCollector(folder, exporter))
      subjects.push({ ...subjectOf('collector', 'spoor', ours), settled })
      const { otelcol } = context.peers.files
      if (otelcol !== undefined) {
        const theirs = await own(startCollector(folder, exporter, otelcol))
        subjects.push({ ...subjectOf('collector', 'peer', theirs), settled })
      }
      for (const subject of subjects) await run(context, load, subject, WARM_UP_SECONDS)
      for (const { cpu, memory } of subjects) cpu.length = memory.length = 0
      for (let i = 0; i < context.size.pairs; i++) {
        for (const subject of subjects) await run(context, load, subject, context.size.steadySeconds)
      }
      return [
        figure('store, CPU', '% of a core', subjects, 'store', 'cpu', { ratio: 3 }),
        figure('store, memory at the end', 'MB', subjects, 'store', 'memory', { value: 180 }),
        figure('collector, CPU', '% of a core', subjects, 'collector', 'cpu', { ratio: 3 }),
        figure('collector, memory at the end', 'MB', subjects, 'collector', 'memory', { value: 100 }),
      ]
    })
  },
}

const subjectOf = (kind: Steady['kind'], side: Steady['side'], program: Program): Steady => ({
  kind,
  side,
  program,
  cpu: [],
  memory: [],
})

async function run(context: Context, load: Load, subject: Steady, seconds: number): Promise<void> {
  const { kind, side, program, settled, cpu, memory } = subject
  context.progress(`steady, ${kind}: ${side}`)
  await quiet(program.pid)
  const before = cpuSeconds(program.pid)
  const order = { protocol: 'grpc', gzip: false, address: program.grpc, maxMs: Infinity } as const
  const result = await load.call<LoadResult>('load', { ...order, spans: RATE * seconds, rate: RATE })
  await settled?.(result)
  cpu.push(((cpuSeconds(program.pid) - before) * RATE * 100) / result.spans)
  memory.push(residentMemory(program.pid) / 1e6)
}

function figure(
  name: string,
  unit: Unit,
  subjects: readonly Steady[],
  kind: Steady['kind'],
  what: 'cpu' | 'memory',
  goal: Goal,
): Figure {
  const of = (wanted: Steady['side']): Runs | undefined => {
    const found = subjects.find((subject) => subject.kind === kind && subject.side === wanted)
    return found && runsOf(found[what])
  }
  const peer = of('peer')
  return { name, unit, ...of('spoor')!, ...(peer && { peer }), goal }
}
