import { configOf } from '../candidate/config.ts'
import { startCollector } from '../candidate/program.ts'
import type { Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import { cpuOf, measureInTurns, settledInSink, startLoad, startSink, type Subject } from '../measure.ts'
import { startChild } from '../process/start.ts'
import { together } from '../process/together.ts'

/** What it costs to receive, batch and export over gRPC, until the sink has it all. */
export const forward: Section = {
  name: 'forward',
  title: 'Forward OTLP → batch → OTLP, gRPC (rival: grpc-js + protobufjs)',
  async run(context) {
    const plain = await compare(context, false, ['none'])
    const gzip = await compare(context, true, ['gzip'])
    return [...plain, ...gzip]
  },
}

const NAMES = {
  none: 'plain',
  gzip: 'gzip',
} as const

/** The collector with each of the compressions, and the rival, on the same input. */
async function compare(
  context: Parameters<Section['run']>[0],
  gzip: boolean,
  compressions: readonly (keyof typeof NAMES)[],
): Promise<Figure[]> {
  return together(async ({ own, folder }) => {
    const load = await own(startLoad(context))
    const sink = await own(startSink())
    const settled = settledInSink(sink)
    const subjects: Subject[] = []
    for (const compression of compressions) {
      const config = configOf({ kind: 'otlp_grpc', endpoint: sink.ready.grpc, compression })
      const { pid, grpc } = await own(startCollector(folder, compression, config))
      const order = { protocol: 'grpc', gzip, address: grpc } as const
      subjects.push({ name: `forward ${NAMES[compression]}: spoor`, pid, side: 'spoor', order, settled })
    }
    const args = [sink.ready.grpc, gzip ? 'gzip' : 'none']
    const rival = await own(startChild<{ grpc: string }>('rival/forwarder.ts', args))
    subjects.push({
      name: `forward ${gzip ? 'gzip' : 'plain'}: rival`,
      pid: rival.pid,
      side: 'rival',
      order: { protocol: 'grpc', gzip, address: rival.ready.grpc },
      settled,
    })
    const samples = await measureInTurns(context, load, subjects)
    const against = 1e9 / cpuOf(samples.at(-1))
    return compressions.map((compression, i) => ({
      name: NAMES[compression],
      unit: 'spans/CPU s',
      value: 1e9 / cpuOf(samples[i]),
      rival: against,
      goal: { ratio: 10 },
    }))
  })
}
