/**
 * A collector as a process of its own, whose memory is looked at from outside. argv: bytes a second that its exporter
 * takes. A line on stdout once it listens: `{ grpc, http }`. A line on stdin asks for one with `{ used, connections }`.
 */
import { createInterface } from 'node:readline'
import { createCounters, section, type Component, type Consumer, type ExporterFactory } from '../../component/index.ts'
import { createCollector } from '../../collector.ts'
import { builtinFactories } from '../../factories.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { tuneGarbageCollection } from '../../process.ts'

tuneGarbageCollection()
const bytesPerSecond = Number(process.argv[2])

/** One batch after the other at that rate, as a disk would. */
function createSlow(): Component & Consumer {
  let free = 0
  return {
    start: async () => {},
    shutdown: async () => {},
    async consume({ byteLength }) {
      const now = performance.now()
      free = Math.max(free, now) + (byteLength / bytesPerSecond) * 1000
      if (free > now + 1) await new Promise((resolve) => setTimeout(resolve, free - now))
    },
  }
}

const slow: ExporterFactory<object> = {
  kind: 'exporter',
  type: 'slow',
  signals: SIGNALS,
  config: section({}),
  create: createSlow,
}
const counters = createCounters()
const quiet = (): void => {}
const collector = createCollector({
  config: `
receivers: { otlp: { protocols: { grpc: { endpoint: 127.0.0.1:0 }, http: { endpoint: 127.0.0.1:0 } } } }
exporters: { slow: }
service: { pipelines: { traces: { receivers: [otlp], exporters: [slow] } } }`,
  factories: [...builtinFactories, slow],
  logger: { debug: quiet, info: quiet, warn: quiet, error: console.error },
  counters,
})
await collector.start()
const addressOf = (protocol: string): string | undefined =>
  collector.listening().find((listening) => listening.protocol === protocol)?.address
console.log(JSON.stringify({ grpc: addressOf('grpc'), http: addressOf('http') }))
createInterface({ input: process.stdin }).on('line', () => {
  const valueOf = (name: string): number =>
    counters.snapshot().reduce((sum, sample) => sum + (sample.name === name ? sample.value : 0), 0)
  console.log(
    JSON.stringify({
      used: valueOf('spoor_budget_bytes'),
      connections: valueOf('spoor_receiver_connections'),
      memory: process.memoryUsage(),
    }),
  )
})
