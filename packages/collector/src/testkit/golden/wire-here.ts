/** What Spoor makes of a case that is not of OTLP alone. */
import { createBatch, countSpans, requestToJson, tracesFromJson } from '@spoor/otlp'
import { createCollector } from '../../collector.ts'
import {
  CollectorError,
  EMPTY_CONTEXT,
  section,
  type Consumer,
  type ExporterFactory,
  type Factory,
  type ReceiverFactory,
} from '../../component/index.ts'
import { createLoadBalancingExporter } from '../../exporters/load-balancing/index.ts'
import { otlpGrpcExporter } from '../../exporters/otlp-grpc/index.ts'
import { builtinFactories } from '../../factories.ts'
import { createTestLogger } from '../context.ts'
import { createSink, type Sink } from '../sink.ts'
import { postAll, spansIn, wireConfig, zipkinBody, type WireCase } from './wire-case.ts'
import { startWireServer } from './wire-server.ts'

export interface WireHere {
  readonly output?: unknown
  readonly error?: string
}

/** The answers, and what came out, as it is to be written. */
export async function runWireHere(golden: WireCase): Promise<WireHere> {
  const server = await startWireServer()
  const isReceiver = golden.kind === 'receiver'
  const sink = createSink()
  const backends = new Map<string, Sink>()
  let first: Consumer | undefined
  const source: ReceiverFactory<object> = {
    kind: 'receiver',
    type: 'source',
    config: section({}),
    signals: ['traces'],
    create(_context, _config, next) {
      first = next.get('traces')
      return { start: async () => {}, shutdown: async () => {} }
    },
  }
  // Its backends have addresses of their own, on which nobody needs to listen.
  const toBackends: ExporterFactory<{ readonly endpoint: string }> = {
    ...otlpGrpcExporter,
    config: otlpGrpcExporter.config,
    create(about, { endpoint }) {
      const backend = createSink()
      backends.set(endpoint, backend)
      return backend.factory().create(about, section({}).parse({}))
    },
  }
  const others = builtinFactories.filter(({ type }) => type !== 'load_balancing')
  const factories: Factory[] = [...others, createLoadBalancingExporter(toBackends), source, sink.factory()]
  try {
    const text = wireConfig(
      golden,
      { port: 0, server: server.address },
      {
        receivers: isReceiver ? {} : { source: {} },
        exporters: isReceiver ? { sink: {} } : {},
        pipelines: {
          traces: isReceiver
            ? { receivers: [golden.type], exporters: ['sink'] }
            : { receivers: ['source'], exporters: [golden.type] },
        },
      },
    )
    let collector
    try {
      collector = createCollector({
        config: [{ text, file: 'golden.yaml' }],
        env: {},
        factories,
        logger: createTestLogger(),
      })
      await collector.start()
    } catch (error) {
      if (!(error instanceof CollectorError)) throw error
      return { error: error.message.replaceAll('golden.yaml:', '') }
    }
    const answers = isReceiver ? await postAll(golden, collector.listening()[0]!.address) : []
    for (const request of golden.input) {
      const bytes = tracesFromJson(JSON.stringify(request))
      await first!.consume(createBatch('traces', [{ bytes, items: countSpans(bytes) }]), EMPTY_CONTEXT)
    }
    await collector.shutdown()
    const bytesOf = ({ batches }: Sink): Uint8Array[] =>
      batches.flatMap(({ chunks }) => chunks.map(({ bytes }) => bytes))
    if (isReceiver)
      return { output: { answers, requests: bytesOf(sink).map((bytes) => requestToJson('traces', bytes)) } }
    if (golden.backends.length === 0) return { output: server.bodies.map(zipkinBody) }
    return {
      output: Object.fromEntries(
        golden.backends.map((endpoint) => [endpoint, spansIn(bytesOf(backends.get(endpoint) ?? createSink()))]),
      ),
    }
  } finally {
    await server.close()
  }
}
