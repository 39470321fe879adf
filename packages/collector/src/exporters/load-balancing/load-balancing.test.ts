import { createBatch, decodeTraces, type TelemetryBatch } from '@spoor/otlp'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCollector } from '../../collector.ts'
import { CollectorError, EMPTY_CONTEXT, NO_OVERVIEW, section, type Host } from '../../component/index.ts'
import { builtinFactories } from '../../factories.ts'
import {
  createSink,
  createTestContext,
  createTestLogger,
  postOtlp,
  tracesRequest,
  type Sink,
} from '../../testkit/index.ts'
import { otlpGrpcExporter } from '../otlp-grpc/index.ts'
import { loadBalancingConfig } from './config.ts'
import { LoadBalancer } from './load-balancing.ts'
import { resolverOf } from './resolver.ts'
import { Ring } from './ring.ts'

const HOST: Host = { extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW }
const schema = loadBalancingConfig(otlpGrpcExporter.config)
const request = tracesRequest({ spans: 900, traces: 300, services: 5 })

function tracesIn(bytes: Uint8Array): Set<string> {
  return new Set(
    decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map(({ traceId }) => traceId)),
    ),
  )
}

function servicesIn(bytes: Uint8Array): Set<unknown> {
  return new Set(
    decodeTraces(bytes).resourceSpans.map(({ resource }) =>
      JSON.stringify(resource.attributes.find(({ key }) => key === 'service.name')),
    ),
  )
}

/** Backends that are sinks, whose addresses a name has that may change. */
async function start(input: object, addresses: string[] = ['10.0.0.1', '10.0.0.2', '10.0.0.3']) {
  const sinks = new Map<string, Sink>()
  const handedOver: string[] = []
  const stopped: string[] = []
  const context = createTestContext('load_balancing')
  const config = schema.parse({ resolver: { dns: { hostname: 'backends', interval: '1s' } }, ...input })
  const create: ConstructorParameters<typeof LoadBalancer>[2]['create'] = (about, { endpoint }) => {
    const sink = createSink()
    sinks.set(endpoint, sink)
    const exporter = sink.factory().create(about, section({}).parse({}))
    return {
      ...exporter,
      handOver: () => void handedOver.push(endpoint),
      shutdown: async () => void stopped.push(endpoint),
    }
  }
  const resolver = resolverOf(config, () => Promise.resolve([...addresses]))
  const exporter = new LoadBalancer(context, config, { create }, resolver)
  await exporter.start(HOST)
  onTestFinished(() => exporter.shutdown(AbortSignal.timeout(1000)))
  const send = (batch: TelemetryBatch = createBatch('traces', [{ bytes: request, items: 900 }])) =>
    exporter.consume(batch, EMPTY_CONTEXT)
  return { exporter, sinks, context, addresses, handedOver, stopped, send }
}

describe('the load_balancing exporter', () => {
  it('sends each trace to one backend, the same each time, and all to some', async () => {
    const { sinks, send } = await start({})
    await send()
    await send()
    const parts = [...sinks.values()].map((sink) => tracesIn(sink.bytes()))
    expect(parts.map(({ size }) => size).every((size) => size > 20)).toBe(true)
    expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(tracesIn(request).size)
    expect([...sinks.values()].reduce((sum, { items }) => sum + items, 0)).toBe(1800)
  })

  it('sends each service to one backend', async () => {
    const { sinks, send } = await start({ routing_key: 'service' })
    await send()
    const parts = [...sinks.values()].map((sink) => servicesIn(sink.bytes()))
    expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(5)
    expect(parts.filter(({ size }) => size > 0).length).toBeGreaterThan(1)
  })

  it('hands on the very batch where there is one backend, or all of it goes to one', async () => {
    const alone = await start({}, ['10.0.0.1'])
    const batch = createBatch('traces', [{ bytes: request, items: 900 }])
    await alone.send(batch)
    expect([...alone.sinks.values()][0]!.batches[0]).toBe(batch)
    const several = await start({})
    const one = createBatch('traces', [{ bytes: tracesRequest({ spans: 9, traces: 1 }), items: 9 }])
    await several.send(one)
    expect([...several.sinks.values()].flatMap(({ batches }) => batches)).toEqual([one])
  })

  it('moves only the keys of a backend that comes or goes, and hands over what one that goes has', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { sinks, addresses, handedOver, stopped, send, context } = await start({})
    await send()
    const before = new Map([...sinks].map(([endpoint, sink]) => [endpoint, tracesIn(sink.bytes())]))
    addresses.shift()
    addresses.push('10.0.0.4')
    await vi.advanceTimersByTimeAsync(1000)
    expect([handedOver, stopped]).toEqual([['10.0.0.1:4317'], ['10.0.0.1:4317']])
    await send()
    const after = new Map(
      [...sinks].map(([endpoint, sink]) => [endpoint, tracesIn(sink.batches.at(-1)!.chunks[0]!.bytes)]),
    )
    const moved = [...before].flatMap(([endpoint, traces]) =>
      endpoint === '10.0.0.1:4317' ? [] : [...traces].filter((trace) => !after.get(endpoint)!.has(trace)),
    )
    // Those that the new one has taken, and no others.
    const taken = after.get('10.0.0.4:4317')!
    expect(taken.size).toBeGreaterThan(20)
    expect(moved.filter((trace) => !taken.has(trace))).toEqual([])
    expect(context.value('otelcol_loadbalancer_num_backends')).toBe(3)
  })

  it('keeps the backends that it knows where a name has no answer, and says so', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { sinks, addresses, send, context } = await start({})
    addresses.length = 0
    await vi.advanceTimersByTimeAsync(1000)
    await send()
    expect([...sinks.values()].reduce((sum, { items }) => sum + items, 0)).toBe(900)
    expect(context.value('otelcol_loadbalancer_num_resolutions', { success: 'false' })).toBe(1)
    expect(context.status.event).toMatchObject({ status: 'recoverable_error', message: 'the name has no addresses' })
  })

  it('refuses for now what comes before there is a backend', async () => {
    const { send } = await start({}, [])
    await expect(send()).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  })

  it('gives a batch that comes again to those who have not taken their part', async () => {
    const { sinks, send } = await start({})
    const [first] = [...sinks.values()]
    first!.intercept = () => {
      throw new CollectorError('unavailable', 'not now')
    }
    const batch = createBatch('traces', [{ bytes: request, items: 900 }])
    await expect(send(batch)).rejects.toMatchObject({ retryable: true })
    first!.intercept = undefined
    await send(batch)
    expect([...sinks.values()].reduce((sum, { items }) => sum + items, 0)).toBe(900)
  })

  it('sends to real backends', async () => {
    const sinks = [createSink(), createSink()]
    const backends = await Promise.all(
      sinks.map(async (sink) => {
        const config = `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}`
        const collector = createCollector({
          config,
          factories: [...builtinFactories, sink.factory()],
          logger: createTestLogger(),
        })
        onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
        await collector.start()
        return collector.listening()[0]!.address
      }),
    )
    const config = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters:
  load_balancing:
    protocol: {otlp: {tls: {insecure: true}, sending_queue: {enabled: false}}}
    resolver: {static: {hostnames: [${backends.map((each) => `"${each}"`).join(', ')}]}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [load_balancing]}}}`
    const front = createCollector({ config, factories: builtinFactories, logger: createTestLogger() })
    onTestFinished(() => front.shutdown({ deadlineMs: 1000 }))
    await front.start()
    expect(await postOtlp(front.listening()[0]!.address, 'traces', request)).toBe(200)
    expect(sinks[0]!.items + sinks[1]!.items).toBe(900)
    expect(sinks.every(({ items }) => items > 100)).toBe(true)
    const exporter = front.pipelines().pipelines[0]!.components.find(({ place }) => place === 'exporter')!
    expect(exporter.figures.out).toBe(900)
  })
})

interface GoldenRings {
  readonly cases: readonly { readonly backends: readonly string[]; readonly owners: Readonly<Record<string, string>> }[]
}
/** What the ring of loadbalancingexporter 0.160.0 says: for keys in hex who has them. */
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8')) as GoldenRings

describe('the ring', () => {
  it.each(golden.cases)(
    'gives each key to whom the OpenTelemetry Collector gives it, of $backends',
    ({ backends, owners }) => {
      const ring = new Ring(backends)
      const found = Object.keys(owners).map((key) => [key, ring.endpoints[ring.ownerOf(Buffer.from(key, 'hex'))]])
      const expected = Object.entries(owners).map(([key, owner]) => [
        key,
        /:\d+$/.test(owner) ? owner : `${owner}:4317`,
      ])
      expect(found).toEqual(expected)
    },
  )

  it('has the points of each endpoint', () => {
    const names = ['endpoint-1', 'endpoint-2']
    const ring = new Ring(names)
    const numbered = Buffer.alloc(4)
    for (const [owner, endpoint] of names.entries()) {
      for (let i = 0; i < 200; i++) {
        numbered.writeUInt32LE(i)
        expect(ring.ownerOf(Buffer.concat([Buffer.from(endpoint), numbered]))).toBe(owner)
      }
    }
  })

  it('gives each key to the next point, around the end', () => {
    const ring = new Ring(['b:1', 'a:1'])
    expect(ring.endpoints).toEqual(['a:1', 'b:1'])
    const owners = Array.from({ length: 1000 }, (_, i) => ring.ownerOf(Uint8Array.of(i >> 8, i & 255)))
    const share = owners.filter((owner) => owner === 0).length / owners.length
    expect(share).toBeGreaterThan(0.3)
    expect(share).toBeLessThan(0.7)
  })
})

describe('its config', () => {
  const problems = (input: object): unknown[] =>
    schema.safeParse(input).error?.issues.map(({ path, message }) => [path.join('.'), message.slice(0, 40)]) ?? []

  it('wants one resolver, and backends with ports that there are', () => {
    expect(problems({ resolver: {} })).toEqual([['resolver', 'exactly one resolver: write static: {hos']])
    expect(problems({ resolver: { static: { hostnames: ['a:99999'] } } })).toEqual([
      ['resolver.static.hostnames.0', expect.stringContaining('port out of range')],
    ])
    expect(problems({ resolver: { static: { hostnames: 'a, b' }, dns: { hostname: 'c' } } })).toHaveLength(1)
    expect(problems({ routing_key: 'metric', resolver: { dns: { hostname: 'c' } } })).toHaveLength(1)
  })

  it('takes the settings of otlp_grpc for each backend, but for a queue on the disk', () => {
    const { protocol } = schema.parse({
      protocol: { otlp: { timeout: '1s', tls: { insecure: true } } },
      resolver: { static: { hostnames: ['a'] } },
    })
    expect(protocol.otlp).toMatchObject({ timeout: 1000, tls: { insecure: true } })
    expect(
      problems({
        protocol: { otlp: { sending_queue: { storage: 'file_storage' } } },
        resolver: { dns: { hostname: 'c' } },
      }),
    ).toEqual([['protocol.otlp.sending_queue.storage', expect.any(String)]])
  })
})
