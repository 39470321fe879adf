/**
 * Two exporters, one of which is in trouble, with real sockets: whatever the trouble and whatever is between, the healthy one gets each span
 * once, the senders are answered, and the other one gets or is charged with each span.
 */
import http from 'node:http'
import net from 'node:net'
import { gunzipSync } from 'node:zlib'
import grpc from '@grpc/grpc-js'
import { bytesToHex, createSpanColumns, encodeExportResponse, encodeStatus, scanSpans } from '@spoor/otlp'
import { describe, expect, test } from 'vitest'
import { createCollector, type Collector } from './collector.ts'
import { builtinFactories } from './factories.ts'
import { GRPC_PATHS } from './otlp-protocol/services.ts'
import { createTestLogger, freePort, tracesRequest, type TestLogger } from './testkit/index.ts'

type Protocol = 'http' | 'grpc'
/** What a peer does with a request. `throttle`: not now, come again in a while. `refuse`: never. `hole`: accepts connections and never reads. */
type Manner = 'take' | 'slow' | 'throttle' | 'refuse' | 'hole'

const SLOW_MS = 150
const THROTTLE_MS = 200
const REQUESTS = 15
const SPANS = 10
const ALL = REQUESTS * SPANS

/** A backend on a port of its own, which can go away and come back. */
interface Peer {
  readonly host: string
  readonly port: number
  /** How often each span came, by trace and span id. */
  readonly spans: Map<string, number>
  manner: Manner
  /** Requests that it has heard. */
  requests: number
  listen(): Promise<void>
  close(): Promise<void>
}

let peers = 0

/** An address for each peer where the system has more than one, so that nobody else takes its port while it is away. */
function nextHost(): string {
  peers++
  return process.platform === 'linux' ? `127.0.${1 + (peers >> 7)}.${1 + (peers & 127)}` : '127.0.0.1'
}

function note(spans: Map<string, number>, bytes: Uint8Array): void {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  for (let row = 0; row < columns.count; row++) {
    const trace = bytesToHex(columns.traceId, row * 16, row * 16 + 16)
    const id = `${trace} ${bytesToHex(columns.spanId, row * 8, row * 8 + 8)}`
    spans.set(id, (spans.get(id) ?? 0) + 1)
  }
}

function listenHttp(peer: Peer): Promise<() => Promise<void>> {
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (data: Buffer) => parts.push(data))
    request.on('end', () => {
      peer.requests++
      const take = (): void => {
        const body = Buffer.concat(parts)
        note(peer.spans, request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(encodeExportResponse({}))
      }
      if (peer.manner === 'throttle') response.writeHead(503, { 'retry-after': '1' }).end()
      else if (peer.manner === 'refuse') response.writeHead(400).end()
      else if (peer.manner === 'slow') setTimeout(take, SLOW_MS)
      else if (peer.manner === 'take') take()
    })
  })
  return new Promise((resolve) => {
    server.listen(peer.port, peer.host, () =>
      resolve(async () => {
        server.closeAllConnections()
        await new Promise((done) => server.close(done))
      }),
    )
  })
}

async function listenGrpc(peer: Peer): Promise<() => Promise<void>> {
  const server = new grpc.Server()
  const same = (bytes: Buffer): Buffer => bytes
  const shape = { requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same }
  const method = { ...shape, path: GRPC_PATHS.traces, responseSerialize: same, responseDeserialize: same } as const
  server.addService(
    { Export: method },
    {
      Export: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
        peer.requests++
        const take = (): void => {
          note(peer.spans, call.request)
          callback(null, Buffer.from(encodeExportResponse({})))
        }
        if (peer.manner === 'throttle') {
          const metadata = new grpc.Metadata()
          const status = encodeStatus({ code: 8, message: 'slow down', retryAfterMs: THROTTLE_MS })
          metadata.set('grpc-status-details-bin', Buffer.from(status))
          callback({ code: grpc.status.RESOURCE_EXHAUSTED, details: 'slow down', metadata })
        } else if (peer.manner === 'refuse') callback({ code: grpc.status.INVALID_ARGUMENT, details: 'bad' })
        else if (peer.manner === 'slow') setTimeout(take, SLOW_MS)
        else if (peer.manner === 'take') take()
      },
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`${peer.host}:${peer.port}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    )
  })
  return async () => server.forceShutdown()
}

async function listenHole({ host, port }: Peer): Promise<() => Promise<void>> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket.on('error', () => {}))
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  return async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

async function createPeer(protocol: Protocol, manner: Manner = 'take'): Promise<Peer> {
  let stop: (() => Promise<void>) | undefined
  const host = nextHost()
  const peer: Peer = {
    host,
    port: await freePort(host),
    spans: new Map(),
    manner,
    requests: 0,
    async listen() {
      if (peer.manner === 'hole') stop = await listenHole(peer)
      else stop = await (protocol === 'http' ? listenHttp(peer) : listenGrpc(peer))
    },
    async close() {
      await stop?.()
      stop = undefined
    },
  }
  return peer
}

/** What is between the receiver and the two exporters. */
const TOPOLOGIES: Readonly<Record<string, { readonly processors: string; readonly pipelines: string }>> = {
  plain: { processors: '', pipelines: 'traces: {receivers: [otlp], exporters: [EXP/good, EXP/bad]}' },
  'bad one first': { processors: '', pipelines: 'traces: {receivers: [otlp], exporters: [EXP/bad, EXP/good]}' },
  'batch accepted': {
    processors: 'processors: {batch: {send_batch_size: 20, timeout: 20ms}}',
    pipelines: 'traces: {receivers: [otlp], processors: [batch], exporters: [EXP/good, EXP/bad]}',
  },
  'batch exported': {
    processors: 'processors: {batch: {send_batch_size: 20, timeout: 20ms, acknowledge: exported}}',
    pipelines: 'traces: {receivers: [otlp], processors: [batch], exporters: [EXP/good, EXP/bad]}',
  },
  'two pipelines': {
    processors: 'processors: {batch: {send_batch_size: 20, timeout: 20ms}}',
    pipelines:
      'traces/1: {receivers: [otlp], exporters: [EXP/good]}, traces/2: {receivers: [otlp], processors: [batch], exporters: [EXP/bad]}',
  },
}

function configOf(protocol: Protocol, topology: string, withQueue: boolean, good: Peer, bad: Peer): string {
  const type = protocol === 'http' ? 'otlp_http' : 'otlp_grpc'
  // Without a queue an exporter gives up soon, and hands back what it could not send.
  const helper = withQueue
    ? 'sending_queue: {queue_size: 1000}, retry_on_failure: {initial_interval: 50ms, max_interval: 100ms, max_elapsed_time: 0s}'
    : 'sending_queue: {enabled: false}, retry_on_failure: {initial_interval: 10ms, max_interval: 20ms, max_elapsed_time: 50ms}'
  const exporter = ({ host, port, manner }: Peer): string => {
    const endpoint = `${protocol === 'http' ? 'http://' : ''}${host}:${port}`
    const timeout = manner === 'hole' ? '300ms' : '20s'
    return `{endpoint: "${endpoint}", tls: {insecure: true}, timeout: ${timeout}, ${helper}}`
  }
  const { processors, pipelines } = TOPOLOGIES[topology]!
  return `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
${processors}
exporters: {${type}/good: ${exporter(good)}, ${type}/bad: ${exporter(bad)}}
service: {pipelines: {${pipelines.replaceAll('EXP', type)}}}`
}

interface World {
  readonly good: Peer
  readonly bad: Peer
  readonly collector: Collector
  readonly logger: TestLogger
  /** Sends all requests, one after the other, and gives the statuses of the answers. `between`: after each of them. */
  send(between?: (index: number) => Promise<void>): Promise<number[]>
  readonly value: (name: string, labels?: Record<string, string>) => number
}

async function inWorld(
  protocol: Protocol,
  topology: string,
  withQueue: boolean,
  run: (world: World) => Promise<void>,
  manner: Manner = 'take',
): Promise<void> {
  const [good, bad] = [await createPeer(protocol), await createPeer(protocol, manner)]
  const logger = createTestLogger()
  await good.listen()
  const config = configOf(protocol, topology, withQueue, good, bad)
  const collector = createCollector({ config, factories: builtinFactories, logger })
  await collector.start()
  const url = `http://${collector.listening()[0]?.address}/v1/traces`
  const world: World = {
    good,
    bad,
    collector,
    logger,
    async send(between) {
      const statuses: number[] = []
      for (let index = 0; index < REQUESTS; index++) {
        const body = Buffer.from(tracesRequest({ spans: SPANS, seed: index + 1 }))
        const headers = { 'content-type': 'application/x-protobuf' }
        const response = await fetch(url, { method: 'POST', headers, body })
        await response.arrayBuffer()
        statuses.push(response.status)
        await between?.(index)
      }
      return statuses
    },
    value: (name, labels = {}) =>
      collector.counters
        .snapshot()
        .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
        .reduce((sum, one) => sum + one.value, 0),
  }
  try {
    await run(world)
  } finally {
    await collector.shutdown({ deadlineMs: 100 })
    await Promise.all([good.close(), bad.close()])
  }
}

async function until(condition: () => boolean): Promise<void> {
  // The test's own time limit ends it.
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** How often any span came at most. */
function most({ spans }: Peer): number {
  return Math.max(0, ...spans.values())
}

/** Spans of which is told that the bad one has lost them. What an exporter without a queue could not send it has handed back. */
function charged({ value }: World, withQueue: boolean): number {
  const byExporter = withQueue ? value('otelcol_exporter_send_failed_spans') : 0
  return value('otelcol_fanout_dropped_spans') + value('otelcol_processor_dropped_items') + byExporter
}

/** What the closing lines of the log say of it: the sum of the totals. */
function told({ logger }: World): number {
  return logger.lines.reduce((sum, { fields }) => sum + ((fields['total_dropped_items'] as number | undefined) ?? 0), 0)
}

const PROTOCOLS: readonly Protocol[] = ['http', 'grpc']
const CASES = PROTOCOLS.flatMap((protocol) =>
  Object.keys(TOPOLOGIES).flatMap((topology) =>
    [true, false].map((withQueue) => [protocol, topology, withQueue ? 'queue' : 'no queue', withQueue] as const),
  ),
)
const ALL_TAKEN = Array.from({ length: REQUESTS }, () => 200)

describe.concurrent.each<[string, Manner | undefined]>([
  ['nothing listens', undefined],
  ['a black hole', 'hole'],
  ['slow', 'slow'],
  ['not now, come again', 'throttle'],
])('one exporter in trouble: %s', (_, manner) => {
  test.each(CASES)(
    '%s, %s, %s: the other has each span once, and it gets all when it is well again',
    async (protocol, topology, __, withQueue) => {
      const run = async (world: World): Promise<void> => {
        const { good, bad, value } = world
        if (manner) await bad.listen()
        expect(await world.send()).toEqual(ALL_TAKEN)
        await until(() => good.spans.size === ALL)
        if (manner !== 'slow') expect(bad.spans.size).toBe(0)
        if (manner === 'hole') await bad.close()
        bad.manner = 'take'
        if (manner === undefined || manner === 'hole') await bad.listen()
        await until(() => bad.spans.size === ALL)
        // Long enough for whatever would come twice.
        await new Promise((resolve) => setTimeout(resolve, 2 * SLOW_MS))
        expect(most(good)).toBe(1)
        // Behind a short timeout, a busy machine may be taken for a hole once more.
        if (manner !== 'hole') expect(most(bad)).toBe(1)
        await until(() => value('otelcol_fanout_kept_items') === 0)
        expect(charged(world, withQueue)).toBe(0)
      }
      await inWorld(protocol, topology, withQueue, run, manner)
    },
    30_000,
  )
})

describe.concurrent('one exporter in trouble for good', () => {
  test.each(CASES)(
    '%s, %s, %s: refused by it, counted for it and told with the totals',
    async (protocol, topology, _, withQueue) => {
      await inWorld(protocol, topology, withQueue, async (world) => {
        const { good, bad, collector } = world
        bad.manner = 'refuse'
        await bad.listen()
        expect(await world.send()).toEqual(ALL_TAKEN)
        await until(() => good.spans.size === ALL && charged(world, withQueue) === ALL)
        await collector.shutdown()
        expect([most(good), bad.spans.size]).toEqual([1, 0])
        expect([charged(world, withQueue), told(world)]).toEqual([ALL, ALL])
      })
    },
    30_000,
  )

  test.each(CASES)(
    '%s, %s, %s: dead up to the end, counted and told with the totals',
    async (protocol, topology, _, withQueue) => {
      await inWorld(protocol, topology, withQueue, async (world) => {
        const { good, collector } = world
        expect(await world.send()).toEqual(ALL_TAKEN)
        await until(() => good.spans.size === ALL)
        await collector.shutdown({ deadlineMs: 500 })
        expect(most(good)).toBe(1)
        expect([charged(world, withQueue), told(world)]).toEqual([ALL, ALL])
      })
    },
    30_000,
  )

  test.each(CASES)(
    '%s, %s, %s: flapping, the other has each span once all the same',
    async (protocol, topology, _, withQueue) => {
      await inWorld(protocol, topology, withQueue, async (world) => {
        const { good, bad, value } = world
        const statuses = await world.send(async (index) => {
          if (index % 4 === 0) await bad.listen()
          if (index % 4 === 2) await bad.close()
          await new Promise((resolve) => setTimeout(resolve, 20))
        })
        expect(statuses).toEqual(ALL_TAKEN)
        await bad.close()
        await bad.listen()
        await until(() => bad.spans.size === ALL && good.spans.size === ALL)
        expect(most(good)).toBe(1)
        await until(() => value('otelcol_fanout_kept_items') === 0)
        expect(charged(world, withQueue)).toBe(0)
      })
    },
    30_000,
  )
})

test.each(PROTOCOLS)('%s, both dead: the sender is told to come again, and when', async (protocol) => {
  await inWorld(protocol, 'plain', false, async ({ good, bad, collector, value }) => {
    await good.close()
    const url = `http://${collector.listening()[0]?.address}/v1/traces`
    const post = async (): Promise<Response> => {
      const headers = { 'content-type': 'application/x-protobuf' }
      return fetch(url, { method: 'POST', headers, body: Buffer.from(tracesRequest({ spans: SPANS })) })
    }
    const refused = await post()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(value('otelcol_fanout_kept_items')).toBe(0)
    await Promise.all([good.listen(), bad.listen()])
    expect((await post()).status).toBe(200)
    await until(() => good.spans.size === SPANS && bad.spans.size === SPANS)
    expect([most(good), most(bad)]).toEqual([1, 1])
  })
})

test('who waits for a slow exporter only is answered when the collector stops', async () => {
  await inWorld('http', 'plain', false, async ({ good, bad, collector }) => {
    bad.manner = 'hole'
    await bad.listen()
    const url = `http://${collector.listening()[0]?.address}/v1/traces`
    const headers = { 'content-type': 'application/x-protobuf' }
    const body = Buffer.from(tracesRequest({ spans: SPANS }))
    const answer = fetch(url, { method: 'POST', headers, body })
    await until(() => good.spans.size === SPANS)
    // Receivers get less of it than a slow branch is waited for.
    const stopped = collector.shutdown({ deadlineMs: 500 })
    expect((await answer).status).toBe(200)
    await stopped
  })
})
