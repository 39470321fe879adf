/** What Spoor makes of a golden case. */
import { createHash } from 'node:crypto'
import {
  countItems,
  createBatch,
  joinBytes,
  logsFromJson,
  metricsFromJson,
  requestToJson,
  tracesFromJson,
  type Signal,
} from '@spoor/otlp'
import { stringify } from 'yaml'
import { createCollector } from '../../collector.ts'
import {
  CollectorError,
  EMPTY_CONTEXT,
  section,
  type Consumer,
  type DeliveryContext,
  type ExporterFactory,
  type ReceiverFactory,
} from '../../component/index.ts'
import { builtinFactories } from '../../factories.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { createTestLogger } from '../context.ts'
import { createSink, type Sink } from '../sink.ts'
import {
  byPipeline,
  exporterOf,
  exportersOf,
  INSTANCE_ID,
  pipelinesOf,
  scraped,
  sectionText,
  withoutMachine,
  withRanks,
  type GoldenCase,
} from './case.ts'

export interface Outcome {
  /** What came out, in the form that {@link comparable} gives. */
  readonly output?: readonly unknown[]
  readonly error?: string
}

export const FROM_JSON = { traces: tracesFromJson, metrics: metricsFromJson, logs: logsFromJson }

/** The exporter at the end. */
const SINK = 'sink/golden'

/** Where the requests of a case come from. */
const CLIENT = '127.0.0.1:51432'

/** Runs a case through a collector of its own. `pass`: lets so many milliseconds pass. */
export async function runHere(golden: GoldenCase, pass: (ms: number) => Promise<unknown>): Promise<Outcome> {
  const sinks = new Map<string, Sink>()
  const exporter: ExporterFactory<object> = {
    ...createSink().factory(),
    create(about, config) {
      const sink = createSink()
      sinks.set(about.id, sink)
      return sink.factory().create(about, config)
    },
  }
  let first: Consumer | undefined
  const source: ReceiverFactory<object> = {
    kind: 'receiver',
    type: 'source',
    config: section({}),
    signals: SIGNALS,
    create(_context, _config, next) {
      first = next.get(golden.signal)
      return { start: async () => {}, shutdown: async () => {} }
    },
  }
  let collector
  let leave = (): void => {}
  try {
    // Of the environment nothing is left behind: the next case has its own.
    const before = { ...process.env }
    Object.assign(process.env, golden.env)
    leave = () => {
      for (const key of Object.keys(golden.env)) {
        if (before[key] === undefined) delete process.env[key]
        else process.env[key] = before[key]
      }
    }
    collector = createCollector({
      config: [{ text: configText(golden), file: 'golden.yaml' }],
      env: {},
      factories: [...builtinFactories, source, exporter],
      logger: createTestLogger(),
    })
    await collector.start()
  } catch (error) {
    if (!(error instanceof CollectorError)) throw error
    return { error: error.message.replaceAll('golden.yaml:', '') }
  } finally {
    leave()
  }
  const context: DeliveryContext = { ...EMPTY_CONTEXT, peer: CLIENT, metadata: new Map(Object.entries(golden.headers)) }
  for (const request of golden.input) {
    const bytes = FROM_JSON[golden.signal](JSON.stringify(request))
    const items = countItems(golden.signal, bytes)
    await first!.consume(createBatch(golden.signal, [{ bytes, items }]), context)
    if (golden.pauseMs > 0) await pass(golden.pauseMs)
  }
  if (golden.kind === 'exporter') {
    const { address } = collector.listening().find(({ protocol }) => protocol === golden.type)!
    const output = await scraped(address, golden)
    await collector.shutdown()
    return { output }
  }
  await collector.shutdown()
  const requestsOf = (pipeline: string): object[] => {
    const { batches } = sinks.get(exporterOf(golden, SINK, pipeline))!
    return batches.map(({ signal, chunks }) => {
      for (const { bytes, items } of chunks) {
        const counted = countItems(signal, bytes)
        if (counted !== items) throw new Error(`a chunk of ${counted} items says that it has ${items}`)
      }
      return requestToJson(signal, joinBytes(chunks.map(({ bytes }) => bytes)))
    })
  }
  if (golden.isGenerated) return { output: [digestOf(golden, withRanks(golden, requestsOf('')))] }
  return {
    output: byPipeline(golden, (pipeline) => {
      const requests = withoutMachine(golden, withRanks(golden, requestsOf(pipeline)))
      return inOrder(
        golden,
        requests.map((request) => withoutZeros(request)),
        'requests',
      ) as unknown[]
    }),
  }
}

/** What must have come out, in the form that outcomes are compared in. */
export function expectedOf(golden: GoldenCase): Outcome {
  const { to, output, here, kind } = golden
  if (here !== undefined) return { error: here.trimEnd() }
  if (golden.isGenerated || kind === 'exporter') return { output: output ?? [] }
  const compared = (requests: readonly object[]): unknown[] =>
    inOrder(
      golden,
      requests.map((request) => comparable(to, request)),
      'requests',
    ) as unknown[]
  if (golden.pipelines.length === 0) return { output: compared(output ?? []) }
  const [byName] = (output ?? [{}]) as Record<string, object[]>[]
  return { output: byPipeline(golden, (pipeline) => compared(byName![pipeline] ?? [])) }
}

/** What stands for requests that are too many to be read. */
export function digestOf(
  { to, unordered, without }: Pick<GoldenCase, 'to' | 'unordered' | 'without'>,
  requests: readonly object[],
): { readonly items: number; readonly sha256: string } {
  const hash = createHash('sha256')
  let items = 0
  const texts = requests.map((request) => {
    items += countItems(to, FROM_JSON[to](JSON.stringify(request)))
    return JSON.stringify(comparable(to, request), (key, value) =>
      without.includes(key) ? undefined : sortKeys(key, value),
    )
  })
  for (const text of unordered.includes('requests') ? texts.toSorted() : texts) hash.update(text)
  return { items, sha256: hash.digest('hex') }
}

/** The configuration, the component first, so that its own lines begin at the third. */
function configText(golden: GoldenCase): string {
  const ids = { receiver: 'source', component: golden.type, exporter: SINK }
  const rest = {
    receivers: { source: {} },
    exporters: Object.fromEntries(exportersOf(golden, SINK).map((id) => [id, {}])),
  }
  const telemetry = { resource: { 'service.instance.id': INSTANCE_ID } }
  const service = { pipelines: pipelinesOf(golden, 'golden', ids), telemetry }
  if (golden.kind === 'exporter')
    return `${sectionText(golden, golden.type).replaceAll('PORT', '0')}${stringify({ receivers: rest.receivers, service })}`
  return `${sectionText(golden, golden.type)}${stringify({ ...rest, service })}`
}

/** A request read and written once, without what means the same as nothing: what JSON says in several ways is one. */
function comparable(signal: Signal, request: object): unknown {
  return withoutZeros(requestToJson(signal, FROM_JSON[signal](JSON.stringify(request))))
}

/** With the lists sorted whose order the case leaves open, and without the keys that it leaves out. */
function inOrder(golden: GoldenCase, value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => inOrder(golden, item))
    return golden.unordered.includes(key) ? items.toSorted(byText) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !golden.without.includes(name))
  return Object.fromEntries(kept.map(([name, inner]) => [name, inOrder(golden, inner, name)]))
}

/** Values stay as they are: an attribute with an empty text is another than one without a value. */
function withoutZeros(value: unknown, key?: string): unknown {
  if (key === 'value' || key === 'body') return value
  if (Array.isArray(value)) return value.map((item) => withoutZeros(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]): [string, unknown] => [name, withoutZeros(inner, name)])
      .filter(([name, inner]) => name === 'value' || !isZero(inner)),
  )
}

/** By their JSON, with its keys in order. */
function byText(a: unknown, b: unknown): number {
  const [first, second] = [a, b].map((value) => JSON.stringify(value, sortKeys))
  return first! < second! ? -1 : 1
}

function sortKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === 0 || value === '0' || value === '' || value === false
}
