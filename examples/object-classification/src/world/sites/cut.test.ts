import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../testkit/free-port.ts'
import { planAddresses } from '../addresses.ts'
import type { Addresses } from '../addresses.ts'
import { startChild, waitUntilHealthy } from '../child.ts'
import type { Child, Program } from '../child.ts'
import { collectorProgram, localUrl, spoorProgram } from '../programs.ts'
import { readSettings } from '../settings.ts'
import type { Settings } from '../settings.ts'
import { storedSpans } from '../traces.ts'
import { Network } from './network.ts'
import { parseWorldFile } from './world-file.ts'

const WORLD = `
sites:
  edge: { services: [client, preprocessing, ensemble, inference-a], collector: disk }
  cloud: { services: [consumer, spoor], collector: none }
links:
  - { between: [edge, cloud], latency: 5ms }
`
const names = ['client', 'preprocessing', 'ensemble', 'inference-a', 'consumer', 'spoor']
const { signal } = new AbortController()
let directory = ''
let settings: Settings
let addresses: Addresses
let network: Network
const children: Child[] = []

async function start(program: Program): Promise<Child> {
  const child = await startChild(program)
  children.push(child)
  await waitUntilHealthy(child, 60_000, signal)
  return child
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cut-'))
  const [page, grpc, http, collectorGrpc, collectorHttp] = await Promise.all(Array.from({ length: 5 }, freePort))
  settings = readSettings({
    models: 'a',
    protocol: 'grpc',
    rate: 1,
    state: directory,
    pagePort: page ?? 0,
    otlpGrpcPort: grpc ?? 0,
    otlpHttpPort: http ?? 0,
    collectorGrpcPort: collectorGrpc ?? 0,
    collectorHttpPort: collectorHttp ?? 0,
    controlPort: 1,
    preprocessingPort: 1,
    ensemblePort: 1,
    queuePort: 1,
    consumerPort: 1,
    'inference-1-port': 1,
    'inference-2-port': 1,
  })
  const world = parseWorldFile(WORLD, 'world.yaml', names)
  network = new Network(world)
  addresses = await planAddresses(settings, ['a'], { world, network })
})
afterAll(async () => {
  for (const child of children.reverse()) await child.stop()
  await network.close()
  await rm(directory, { recursive: true })
})

/** Reports one span as a service of the edge does. */
async function report(id: number): Promise<void> {
  const hex = id.toString(16)
  const now = BigInt(Date.now()) * 1_000_000n
  const span = {
    traceId: hex.padStart(32, '0'),
    spanId: hex.padStart(16, '0'),
    name: `span ${id}`,
    kind: 1,
    startTimeUnixNano: `${now}`,
    endTimeUnixNano: `${now + 1000n}`,
  }
  const attributes = [{ key: 'service.name', value: { stringValue: 'preprocessing' } }]
  const response = await fetch(`${localUrl(addresses.otlp['preprocessing']?.http ?? 0)}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans: [span] }] }] }),
  })
  expect(response.status).toBe(200)
}
async function arrived(count: number): Promise<void> {
  while ((await storedSpans(localUrl(settings.ports.page))) < count) await sleep(100)
}

it('keeps what the edge reports while its link is cut, through the end of its collector, and sends it when the link is back', async () => {
  const [plan] = addresses.collectors
  if (!plan) throw new Error('there is no collector')
  expect(plan).toMatchObject({ name: 'collector-edge', queue: join(directory, 'queues', 'edge') })
  expect(plan.spoorPort).not.toBe(settings.ports.otlpGrpc)
  await start(spoorProgram(settings))
  const collector = await start(collectorProgram(settings, plan))
  await report(1)
  await arrived(1)

  network.link('edge-cloud').isUp = false
  await report(2)
  await report(3)
  process.kill(collector.pid ?? 0, 'SIGKILL')
  await collector.ended
  await start(collectorProgram(settings, plan))
  await report(4)
  expect(await storedSpans(localUrl(settings.ports.page))).toBe(1)

  network.link('cloud-edge').isUp = true
  await arrived(4)
  for (const id of [1, 2, 3, 4]) {
    const trace = await fetch(`${localUrl(settings.ports.page)}/api/traces/${id.toString(16).padStart(32, '0')}`)
    expect(trace.status).toBe(200)
  }
}, 180_000)
