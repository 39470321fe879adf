/** Traces of a system that is well, as several SDKs make them on machines that are busy; for tests that break it, each in one way. */
import { texts, type SpanSpec } from '../testkit.ts'

export const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5] as const
const INTERNAL = 1
const MS = 1_000_000
const ERROR = { code: 2, message: 'it failed' }

/** 0 up to 1. */
export type Chance = () => number

/** Mulberry32. */
export function chanceOf(seed: number): Chance {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let z = Math.imul(state ^ (state >>> 15), state | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** A service, the language of its SDK, how its SDK rounds times, and what its hosts' clocks are off by, as NTP leaves them. */
const SERVICES = {
  web: { language: 'webjs', grainNs: 100_000, offsetsNs: [0] },
  shop: { language: 'nodejs', grainNs: 1_000, offsetsNs: [0, 400_000] },
  catalog: { language: 'python', grainNs: 1, offsetsNs: [-300_000, 200_000] },
  stock: { language: 'java', grainNs: 1, offsetsNs: [100_000, -500_000] },
  // As older SDKs of JavaScript have it.
  mail: { language: 'nodejs', grainNs: MS, offsetsNs: [0] },
  bank: { language: 'go', grainNs: 1, offsetsNs: [600_000] },
} as const
type Service = keyof typeof SERVICES

/** The trace that begins `atMs` after the epoch of the tests; several where the work of one is linked, and not below it. */
export function healthy(chance: Chance, atMs: number): SpanSpec[][] {
  let id = 0
  const hosts = new Map<Service, number>()
  const between = (least: number, most: number): number => least + chance() * (most - least)
  // Now and then the machine has something else to do.
  const pause = (): number => (chance() < 0.03 ? between(1, 40) : 0)

  /** From and to in milliseconds. */
  const span = (
    service: Service,
    name: string,
    kind: number,
    from: number,
    to: number,
    more: Partial<SpanSpec> = {},
  ) => {
    const { language, grainNs, offsetsNs } = SERVICES[service]
    const host = hosts.get(service) ?? Math.floor(chance() * offsetsNs.length)
    hosts.set(service, host)
    const rounded = (ms: number): number =>
      Math.max(0, Math.floor((atMs * MS + ms * MS + offsetsNs[host]! + 2 * MS) / grainNs) * grainNs)
    return {
      id: ++id,
      service,
      name,
      kind,
      start: rounded(from),
      end: Math.max(rounded(from), rounded(to)),
      resource: { 'host.name': `${service}-${host}`, 'telemetry.sdk.language': language },
      ...more,
    } satisfies SpanSpec
  }
  const below = (parent: SpanSpec): { readonly parent: number } => ({ parent: parent.id })
  const http = (route: string, host?: string) => ({
    attributes: texts({
      'http.request.method': 'GET',
      'url.path': route,
      ...(host && { 'server.address': host, 'server.port': '8080' }),
    }),
  })

  /** A call of one service to another, as both see it. Begins at `from`, and takes what is given. */
  const call = (parent: SpanSpec, from: Service, to: Service, at: number, takes: number, failed = false) => {
    const travel = between(0.05, 0.8)
    const spent = pause()
    const end = at + takes + 2 * travel + spent
    const status = failed ? { status: ERROR } : {}
    const client = span(from, 'GET', CLIENT, at, end, { ...below(parent), ...http('/items', to), ...status })
    const begun = at + travel + spent / 2
    const server = span(to, 'GET /items', SERVER, begun, begun + takes, {
      ...below(client),
      ...http('/items', to),
      ...status,
    })
    return { client, server, end, begun, spans: [client, server] }
  }
  const query = (service: Service, parent: SpanSpec, name: string, at: number, takes: number) =>
    span(service, name, CLIENT, at, at + takes, {
      ...below(parent),
      attributes: texts({ 'db.system.name': 'postgresql', 'server.address': 'db' }),
    })

  const shapes: readonly [share: number, make: () => SpanSpec[][]][] = [
    [
      0.35,
      // An Express server whose handler ends a little after the answer; a call, and its queries.
      () => {
        const root = span('shop', 'GET /cart', SERVER, 0, 40 + pause(), http('/cart', 'shop'))
        const frame = span('shop', 'request handler - /cart', INTERNAL, 0.2, 40.6, below(root))
        const { server, begun, spans } = call(frame, 'shop', 'catalog', 2, between(8, 20))
        const queries = Array.from({ length: 1 + Math.floor(chance() * 4) }, (_, index) =>
          query('catalog', server, 'SELECT items', begun + 1 + index * 1.2, 1),
        )
        return [[root, frame, ...spans, ...queries]]
      },
    ],
    [
      0.2,
      // A page, its fetch, and what runs on after the answer.
      () => {
        const page = span('web', 'documentLoad', INTERNAL, 0, 300)
        const { server, begun, spans } = call(page, 'web', 'shop', 10, between(20, 60))
        const onward = call(server, 'shop', 'stock', begun + 1, 6)
        const late = span('shop', 'write the log', INTERNAL, begun + 15, begun + 15 + between(1, 500), below(server))
        return [[page, ...spans, ...onward.spans, late]]
      },
    ],
    [
      0.1,
      // An order: beside each other, a message, and a consumer in a trace of its own that links to it.
      () => {
        const root = span('shop', 'POST /orders', SERVER, 0, 80, http('/orders', 'shop'))
        const calls = Array.from({ length: 3 }, () => call(root, 'shop', 'stock', 1, between(5, 30)).spans).flat()
        const topic = { attributes: texts({ 'messaging.destination.name': 'orders' }) }
        const sent = span('shop', 'send orders', PRODUCER, 60, 60.5, { ...below(root), ...topic })
        const got = span('mail', 'process orders', CONSUMER, 61 + between(1, 900), 1_000 + between(1, 50), {
          ...topic,
          links: [
            {
              traceId: '1'.repeat(32),
              spanId: '2'.repeat(16),
              traceState: '',
              attributes: [],
              droppedAttributesCount: 0,
              flags: 0,
            },
          ],
        })
        return [[root, ...calls, sent], [got]]
      },
    ],
    [
      0.1,
      // gRPC, and somebody outside who is not traced.
      () => {
        const root = span('bank', 'bank.v1.Bank/Pay', SERVER, 0, 50, {
          attributes: texts({ 'rpc.system': 'grpc', 'server.address': 'bank', 'server.port': '8080' }),
        })
        const outside = span('bank', 'POST', CLIENT, 2, 45, {
          ...below(root),
          ...http('/v1/charge', 'api.card.example'),
        })
        return [[root, outside]]
      },
    ],
    // Callers that are not traced, at an address that is called by others, too.
    [0.1, () => [[span('catalog', 'GET /items', SERVER, 0, between(5, 20), http('/items', 'catalog'))]]],
    [0.1, () => [[span('shop', 'GET /healthz', SERVER, 0, 1, http('/healthz', 'shop'))]]],
    [
      0.05,
      // A call that fails, once or twice, and then does not.
      () => {
        const root = span('shop', 'GET /cart', SERVER, 0, 90, http('/cart', 'shop'))
        const failures = Array.from({ length: 1 + Math.floor(chance() * 2) }, (_, index) =>
          call(root, 'shop', 'stock', 1 + index * 20, 5, true),
        )
        return [[root, ...failures.flatMap(({ spans }) => spans), ...call(root, 'shop', 'stock', 60, 5).spans]]
      },
    ],
  ]
  let drawn = chance()
  const [, make] = shapes.find(([share]) => (drawn -= share) < 0) ?? shapes[0]!
  const traces = make()
  // One in a thousand loses a span on its way.
  return chance() < 0.001
    ? traces.map((trace) => trace.filter((_, index) => index !== Math.floor(chance() * trace.length)))
    : traces
}
