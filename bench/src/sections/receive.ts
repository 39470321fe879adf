import { configOf } from '../candidate/config.ts'
import { startCollector } from '../candidate/program.ts'
import type { Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import { cpuOf, measureInTurns, startLoad, type Subject } from '../measure.ts'
import { startChild } from '../process/start.ts'
import { together } from '../process/together.ts'

/** What it costs to take requests from the network, up to an exporter that drops them. */
export const receive: Section = {
  name: 'receive',
  title: 'Receive into a null exporter (rival: grpc-js + protobufjs, gRPC)',
  async run(context) {
    return together(async ({ own, folder }) => {
      const load = await own(startLoad(context))
      const ours = await own(startCollector(folder, 'receive', configOf({ kind: 'nop' })))
      const rival = await own(startChild<{ grpc: string }>('rival/receiver.ts'))
      const subject = (protocol: 'grpc' | 'http', gzip: boolean): Subject => ({
        name: `receive over ${protocol}${gzip ? ', gzip' : ''}: spoor`,
        pid: ours.pid,
        side: 'spoor',
        order: { protocol, gzip, address: ours[protocol] },
      })
      const figures: Figure[] = []
      for (const gzip of [false, true]) {
        const samples = await measureInTurns(context, load, [
          subject('http', gzip),
          subject('grpc', gzip),
          {
            name: `receive over grpc${gzip ? ', gzip' : ''}: rival`,
            pid: rival.pid,
            side: 'rival',
            order: { protocol: 'grpc', gzip, address: rival.ready.grpc },
          },
        ])
        const coding = gzip ? ', gzip' : ''
        const against = cpuOf(samples[2])
        figures.push(
          { name: `HTTP${coding}`, unit: 'ns/span', value: cpuOf(samples[0]), rival: against },
          { name: `gRPC${coding}`, unit: 'ns/span', value: cpuOf(samples[1]), rival: against },
        )
      }
      return figures
    })
  },
}
