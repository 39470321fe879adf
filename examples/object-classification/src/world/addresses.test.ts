import { afterEach, describe, expect, it } from 'vitest'
import { placedServices, planAddresses } from './addresses.ts'
import { LOOPBACK } from './netns/places.ts'
import { namespaceMembers, neededPorts } from './programs.ts'
import { readSettings } from './settings.ts'
import type { Flags } from './settings.ts'
import { Network } from './sites/network.ts'
import { parseWorldFile } from './sites/world-file.ts'

const flags: Flags = {
  models: 'a,b',
  protocol: 'grpc',
  rate: 1,
  state: '.spoor',
  pagePort: 16686,
  otlpGrpcPort: 4317,
  otlpHttpPort: 4318,
  collectorGrpcPort: 4327,
  collectorHttpPort: 4328,
  controlPort: 5009,
  preprocessingPort: 5010,
  ensemblePort: 5011,
  queuePort: 5007,
  consumerPort: 5008,
  'inference-1-port': 5012,
  'inference-2-port': 5013,
}
const models = ['a', 'b']
let network: Network | undefined
afterEach(async () => {
  await network?.close()
  network = undefined
})

describe('who has a namespace', () => {
  it('each program, and RabbitMQ and PostgreSQL where they are asked for: the ensemble has no queue then', () => {
    const settings = readSettings({ ...flags, netns: true, withQueue: true })
    const portsOf = (servers: Parameters<typeof namespaceMembers>[3]): object =>
      Object.fromEntries(namespaceMembers(settings, ['a'], undefined, servers).map(({ name, ports }) => [name, ports]))
    expect(portsOf([])).toMatchObject({ ensemble: [5011, 5007], consumer: [5008], 'inference-a': [5012], client: [] })
    const servers = [{ name: 'rabbitmq', ports: [5672, 9000] }]
    expect(portsOf(servers)).toMatchObject({ ensemble: [5011], rabbitmq: [5672, 9000] })
  })
})

describe('who calls whom where', () => {
  it('everybody directly, and Spoor', async () => {
    const plan = await planAddresses(readSettings(flags), models)
    expect(plan).toMatchObject({ preprocessing: 5010, results: 5011, ensemble: 5011, inference: [5012, 5013] })
    expect(plan.queue).toEqual({ send: 'memory://127.0.0.1:5007', take: 'memory://127.0.0.1:5007' })
    expect(plan.database).toMatch(/^pglite:.*database$/)
    expect(plan.collectors).toEqual([])
    expect(new Set(Object.values(plan.otlp).map(({ grpc, http }) => `${grpc} ${http}`))).toEqual(new Set(['4317 4318']))
    expect(plan.sites).toEqual({})
  })

  it('all report to the collector where there is one, and it to Spoor', async () => {
    const plan = await planAddresses(readSettings({ ...flags, viaCollector: true }), models)
    const ports = { grpcPort: 4327, httpPort: 4328, spoorPort: 4317 }
    expect(plan.collectors).toMatchObject([{ name: 'collector', config: 'otel-collector.yaml', ...ports }])
    expect(plan.otlp['client']).toEqual({ grpc: 4327, http: 4328 })
    expect(plan).toMatchObject({ preprocessing: 5010, ensemble: 5011 })
  })

  it('over relays where sites are different, each reporting to the collector of its own site', async () => {
    const text = `
sites:
  home: { services: [client], collector: none }
  edge: { services: [preprocessing], collector: disk }
  fog: { services: [ensemble, inference-a] }
  cloud: { services: [inference-b, consumer, spoor], collector: none }
links: [{ between: [home, edge] }, { between: [edge, fog] }, { between: [cloud, fog] }]`
    const world = parseWorldFile(text, 'world.yaml', placedServices(models))
    network = new Network(world)
    const settings = readSettings({ ...flags, world: 'world.yaml' })
    const plan = await planAddresses(settings, models, { world, network })
    // On one site, and on others; whoever asks for results goes another way than whoever sends images.
    expect(plan.inference[0]).toBe(5012)
    expect(plan.preprocessing).not.toBe(5010)
    expect(new Set([5011, plan.ensemble, plan.results]).size).toBe(3)
    expect(plan.ensemble).toBe(await network.reach('edge', 'fog', 5011))
    expect(plan.results).toBe(await network.reach('home', 'fog', 5011))
    expect(plan.inference[1]).not.toBe(5013)
    // The queue is where the ensemble is, and its consumer somewhere else.
    expect(plan.queue.send).toBe('memory://127.0.0.1:5007')
    expect(plan.queue.take).toBe(`memory://127.0.0.1:${await network.reach('cloud', 'fog', 5007)}`)
    const far = { queue: 'amqp://me:secret@rabbit.example', database: 'postgres://me@db.example/results' }
    const servers = await planAddresses(settings, models, { world, network }, far)
    expect(servers.queue).toEqual({ send: far.queue, take: far.queue })
    expect(servers.database).toBe(far.database)
    // RabbitMQ in a namespace of its own is where the ensemble is: its consumer takes from it over the links.
    const nameOf = (port: number): string => (port === 5672 ? 'rabbitmq' : 'world')
    const places = { ...LOOPBACK, nameOf }
    const near = { ...far, queue: 'amqp://me:secret@rabbitmq:5672' }
    const own = await planAddresses(settings, models, { world, network }, near, places)
    const relay = await network.reach('cloud', 'fog', 5672)
    expect(own.queue).toEqual({ send: near.queue, take: `amqp://me:secret@world:${relay}` })
    expect(plan.collectors.map(({ name, config, grpcPort, httpPort }) => [name, config, grpcPort, httpPort])).toEqual([
      ['collector-edge', 'edge-collector.yaml', 4327, 4328],
      ['collector-fog', 'site-collector.yaml', 4329, 4330],
    ])
    for (const { spoorPort } of plan.collectors) expect(spoorPort).not.toBe(4317)
    expect(plan.otlp['preprocessing']).toEqual({ grpc: 4327, http: 4328 })
    expect(plan.otlp['ensemble']).toEqual({ grpc: 4329, http: 4330 })
    expect(plan.otlp['inference-b']).toEqual({ grpc: 4317, http: 4318 })
    expect(plan.sites).toMatchObject({ client: 'home', 'inference-a': 'fog', 'inference-b': 'cloud' })
    const needed = neededPorts(settings, world).map(({ port }) => port)
    expect(needed).toEqual(expect.arrayContaining([4327, 4328, 4329, 4330, 5009]))
    expect(new Set(needed).size).toBe(needed.length)
  })
})
