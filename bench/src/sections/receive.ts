import { startCollector } from '../candidate/program.ts'
import type { Context, Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import { compared, measureInTurns, spansPerCpuSecond, startLoad, type Subject } from '../measure.ts'
import { startChild } from '../process/start.ts'
import { together } from '../process/together.ts'

/** The ways in, as figures name them. */
export const WAYS = [
  { name: 'gRPC', protocol: 'grpc', gzip: false },
  { name: 'gRPC, gzip', protocol: 'grpc', gzip: true },
  { name: 'HTTP', protocol: 'http', gzip: false },
  { name: 'HTTP, gzip', protocol: 'http', gzip: true },
] as const

export type Way = (typeof WAYS)[number]

/** Whether the rival, which speaks gRPC alone, has its turn. */
export const hasRival = ({ size, peers }: Context, { protocol }: Way): boolean =>
  protocol === 'grpc' && (size.rivalsBesidePeers || peers.files.otelcol === undefined)

/** What it costs to take requests from the network, up to an exporter that drops them. */
export const receive: Section = {
  name: 'receive',
  title: 'Receive into a null exporter (peer: OpenTelemetry Collector; rival: grpc-js + protobufjs)',
  async run(context) {
    return together(async ({ own, folder }) => {
      const load = await own(startLoad(context))
      const { otelcol } = context.peers.files
      const ours = await own(startCollector(folder, { kind: 'nop' }))
      const theirs = otelcol === undefined ? undefined : await own(startCollector(folder, { kind: 'nop' }, otelcol))
      const rival = await own(startChild<{ grpc: string }>('rival/receiver.ts'))
      const figures: Figure[] = []
      for (const way of WAYS) {
        const { protocol, gzip } = way
        const subject = (side: Subject['side'], pid: number, address: string): Subject => ({
          name: `receive, ${way.name}: ${side}`,
          pid,
          side,
          order: { protocol, gzip, address },
        })
        const subjects = [
          subject('spoor', ours.pid, ours[protocol]),
          ...(theirs ? [subject('peer', theirs.pid, theirs[protocol])] : []),
          ...(hasRival(context, way) ? [subject('rival', rival.pid, rival.ready.grpc)] : []),
        ]
        const samples = await measureInTurns(context, load, subjects)
        figures.push({ name: way.name, unit: 'spans/CPU s', ...compared(subjects, samples, spansPerCpuSecond) })
      }
      return figures
    })
  },
}
