/** What goes into topics and comes out of them, at a real broker. */
import { decodeLogs, decodeMetrics, decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { startBroker, type Broker } from './broker.ts'
import { JARS, send, startExporter, startReceiver } from './fixture.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker(JARS)
})
afterAll(() => broker.close())

const DIRECT = { sending_queue: { enabled: false } }
let topics = 0
/** A name that no other test has. */
const fresh = (): string => `topic-${++topics}`

describe('from the exporter to the receiver', () => {
  test.for(
    ['none', 'gzip', 'snappy', 'lz4', 'zstd'].flatMap((codec) => [
      [codec, 'otlp_proto'] as const,
      [codec, 'otlp_json'] as const,
    ]),
  )('%s, %s: all three signals', async ([compression, encoding]) => {
    const [traces, metrics, logs] = [fresh(), fresh(), fresh()]
    const brokers = [broker.address]
    const { exporter } = await startExporter({
      brokers,
      traces: { topic: traces, encoding },
      metrics: { topic: metrics, encoding },
      logs: { topic: logs, encoding },
      producer: { compression },
      ...DIRECT,
    })
    const sent = { traces: tracesRequest({ spans: 50 }), metrics: metricsRequest(20), logs: logsRequest(30) }
    await send(exporter, sent.traces, 50)
    await send(exporter, sent.metrics, 20, 'metrics')
    await send(exporter, sent.logs, 30, 'logs')
    const { sinks } = await startReceiver(
      {
        brokers,
        group_id: traces,
        traces: { topics: [traces], encoding },
        metrics: { topics: [metrics], encoding },
        logs: { topics: [logs], encoding },
      },
      ['traces', 'metrics', 'logs'],
    )
    await Promise.all([
      sinks.get('traces')!.waitFor(50),
      sinks.get('metrics')!.waitFor(20),
      sinks.get('logs')!.waitFor(30),
    ])
    expect(decodeTraces(sinks.get('traces')!.bytes())).toEqual(decodeTraces(sent.traces))
    expect(decodeMetrics(sinks.get('metrics')!.bytes())).toEqual(decodeMetrics(sent.metrics))
    expect(decodeLogs(sinks.get('logs')!.bytes())).toEqual(decodeLogs(sent.logs))
  })
})
