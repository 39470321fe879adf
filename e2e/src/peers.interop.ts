/**
 * Real peers: an otelcol before and behind, a Jaeger behind, in each compression; every field arrives. They are programs named `otelcol` and
 * `jaeger` (v2) in the folder `PEERS`; without them nothing is tried.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCertificates } from './interop-certificates.ts'
import { nodeLanguage, runSender } from './interop-senders.ts'
import { expectedTraces, fromJaeger, fromSpoor, storedTraces, type Run } from './interop-spans.ts'
import { eventually, freePorts, node, type RunningSpoor, root, startSpoor } from './spoor.ts'

const COUNT = 100
const START_MS = 60_000
const folder = mkdtempSync(join(tmpdir(), 'spoor-peers-'))
const peers = process.env['PEERS'] ?? ''
const otelcol = join(peers, 'otelcol')
const jaeger = join(peers, 'jaeger')
const spoorMain = join(root, 'packages', 'server', 'dist', 'main.js')

const WAYS = [
  ...['none', 'gzip', 'snappy', 'zstd'].map((compression) => ({ type: 'otlp_grpc', compression }) as const),
  ...['none', 'gzip', 'zstd', 'snappy', 'x-snappy-framed', 'zlib', 'deflate', 'lz4'].map(
    (compression) => ({ type: 'otlp_http', compression }) as const,
  ),
]

/** Over mTLS, one of each protocol. */
const MUTUAL_WAYS = WAYS.filter(({ compression }) => compression === 'gzip')

type Way = (typeof WAYS)[number]

/** The keys of `tls` in YAML. */
interface Tls {
  /** Of receivers. Default: none is spoken. */
  readonly server?: string
  /** Of exporters. Default: none is spoken. */
  readonly client?: string
}

interface Ports {
  readonly grpc: number
  readonly http: number
}

const running: { stop(): Promise<void> }[] = []
let runs = 0

/** Up when something listens on the port. */
async function start(program: string, args: string[], port: number): Promise<void> {
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output += data.toString()))
  running.push({
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  })
  const listens = async (): Promise<true | undefined> => {
    if (child.exitCode !== null) throw new Error(`${program} ended\n${output}`)
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    return isOpen || undefined
  }
  await eventually(`${program} listens`, listens, START_MS, () => output)
}

const quiet = 'telemetry: {metrics: {level: none}}'

/** A collector with a receiver for each of `ways`, which goes by that way to the place of it in `to`. Resolves with the ports of the receivers. */
async function startCollector(
  program: 'otelcol' | 'spoor',
  to: (i: number) => Ports,
  { server, client }: Tls = {},
  ways: readonly Way[] = WAYS,
): Promise<Ports[]> {
  const ports = await freePorts(ways.length * 2)
  const at = ways.map((_, i) => ({ grpc: ports[2 * i]!, http: ports[2 * i + 1]! }))
  const lines = (each: (way: Way, i: number) => string): string => ways.map((way, i) => `  ${each(way, i)}\n`).join('')
  const scheme = client === undefined ? 'http' : 'https'
  const endpoint = (type: string, i: number): string =>
    type === 'otlp_grpc' ? `endpoint: "127.0.0.1:${to(i).grpc}"` : `endpoint: "${scheme}://127.0.0.1:${to(i).http}"`
  const inTls = server === undefined ? '' : `, tls: {${server}}`
  const config = `receivers:
${lines((_, i) => `otlp/${i}: {protocols: {grpc: {endpoint: "127.0.0.1:${at[i]!.grpc}"${inTls}}, http: {endpoint: "127.0.0.1:${at[i]!.http}"${inTls}}}}`)}
exporters:
${lines(({ type, compression }, i) => `${type}/${i}: {${endpoint(type, i)}, compression: ${compression}, tls: {${client ?? 'insecure: true'}}}`)}
service:
  ${quiet}
  pipelines:
${lines(({ type }, i) => `  traces/${i}: {receivers: [otlp/${i}], exporters: [${type}/${i}]}`)}`
  const file = join(folder, `${program}-${ports[0]}.yaml`)
  writeFileSync(file, config)
  const last = at.at(-1)!.http
  if (program === 'otelcol') await start(otelcol, ['--config', file], last)
  else await start(node, [spoorMain, 'collector', '--config', file, '--status-endpoint', 'off'], last)
  return at
}

/** A Jaeger that keeps traces in memory. Resolves with its ports and the URL of its queries. */
async function startJaeger(): Promise<Ports & { query: string }> {
  const [grpc, http, query, queryGrpc] = (await freePorts(4)) as [number, number, number, number]
  const file = join(folder, 'jaeger.yaml')
  writeFileSync(
    file,
    `extensions:
  jaeger_storage: {backends: {some: {memory: {max_traces: 100000}}}}
  jaeger_query: {storage: {traces: some}, http: {endpoint: "127.0.0.1:${query}"}, grpc: {endpoint: "127.0.0.1:${queryGrpc}"}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${grpc}"}, http: {endpoint: "127.0.0.1:${http}"}}}}
exporters: {jaeger_storage_exporter: {trace_storage: some}}
service:
  ${quiet}
  extensions: [jaeger_storage, jaeger_query]
  pipelines: {traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}}
`,
  )
  await start(jaeger, ['--config', file], http)
  return { grpc, http, query: `http://127.0.0.1:${query}` }
}

let spoor: RunningSpoor
let spoorPorts: Ports
beforeAll(async () => {
  if (!existsSync(otelcol) && !existsSync(jaeger)) return
  spoor = await startSpoor()
  const portOf = (address: string): number => Number(address.split(':').at(-1))
  spoorPorts = { grpc: portOf(spoor.grpc), http: portOf(spoor.http) }
})
afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()))
  if (spoorPorts) await spoor.remove()
  rmSync(folder, { recursive: true, force: true })
})

async function check(to: Ports, read: Parameters<typeof storedTraces>[0], kept: Partial<Run> = {}): Promise<void> {
  const prefix = (Date.now() % 0xfffffff).toString(16).padStart(7, '0') + (runs++ % 16).toString(16)
  const run: Run = { ...nodeLanguage, prefix, t0: Date.now(), count: COUNT, service: `peers-${runs}`, ...kept }
  await runSender(nodeLanguage, 'http', run, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${to.http}` })
  expect(await storedTraces(read, run)).toEqual(expectedTraces(run))
}

const ways = WAYS.map(({ type, compression }, i) => ({ type, compression, i }))

describe.skipIf(!existsSync(otelcol))('a real otelcol (PEERS/otelcol)', () => {
  let before: Ports[]
  let behind: Ports[]
  let first: Ports[]
  beforeAll(async () => {
    const { server, client, ca } = createCertificates(folder)
    const mutual = { server: `${server}, client_ca_file: ${ca}` }
    before = await startCollector('otelcol', () => spoorPorts)
    behind = await startCollector('spoor', () => before[0]!)
    const last = await startCollector('otelcol', () => spoorPorts, mutual, MUTUAL_WAYS)
    const middle = await startCollector('spoor', (i) => last[i]!, { ...mutual, client }, MUTUAL_WAYS)
    first = await startCollector('otelcol', (i) => middle[i]!, { client }, MUTUAL_WAYS)
  }, 3 * START_MS)

  it.each(ways)('before Spoor, by $type with $compression', async ({ i }) => check(before[i]!, fromSpoor(spoor.page)))
  it.each(ways)("behind Spoor's collector, by $type with $compression", async ({ i }) =>
    check(behind[i]!, fromSpoor(spoor.page)),
  )
  it.each(MUTUAL_WAYS.map(({ type }, i) => ({ type, i })))(
    "before and behind Spoor's collector, by $type over mTLS",
    async ({ i }) => check(first[i]!, fromSpoor(spoor.page)),
  )
})

describe.skipIf(!existsSync(jaeger))('a real Jaeger (PEERS/jaeger)', () => {
  let before: Ports[]
  let query: string
  beforeAll(async () => {
    const started = await startJaeger()
    query = started.query
    before = await startCollector('spoor', () => started)
  }, 3 * START_MS)

  it.each(ways)("behind Spoor's collector, by $type with $compression", async ({ i }) =>
    check(before[i]!, fromJaeger(query), { schemaUrls: false }),
  )
})
