/** What is tried with the images: the tutorial's commands, and the compose files. */
import { randomBytes } from 'node:crypto'
import { writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startClickHouse, startKafka } from './stand-ins.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { containersOf, readCompose, up } from './compose.ts'
import { Docker } from './docker.ts'
import { Engine } from './engine.ts'
import type { Image } from './images.ts'
import type { StandIn } from './stand-ins.ts'

interface Setting {
  readonly engine: Engine
  readonly images: Readonly<Record<string, Image>>
  readonly workspace: string
  /** Where commands are typed. */
  readonly folder: string
  readonly say: (line: string) => void
}

/** The tutorial's images, and which of ours stand in their place. */
const INSTEAD: Readonly<Record<string, string>> = {
  'jaegertracing/jaeger:2.9.0': 'spoor',
  'otel/opentelemetry-collector-contrib:0.133.0': 'spoor-collector',
}

const SERVICES = ['client', 'preprocessing', 'ensemble', 'inference-mobilenet', 'inference-inception', 'consumer']
const PAGE = 'http://127.0.0.1:16686'
const PATIENCE_MS = 300_000

export const SCENARIOS: Readonly<Record<string, (setting: Setting) => Promise<void>>> = {
  'tutorial/jaeger': (setting) =>
    tutorial(
      setting,
      `docker run -d --name jaeger -e COLLECTOR_OTLP_ENABLED=true -p 16686:16686 -p 4317:4317 -p 4318:4318 jaegertracing/jaeger:2.9.0`,
    ),
  'tutorial/collector': (setting) =>
    tutorial(
      setting,
      `docker network create tracing
       docker run -d --name jaeger --network tracing -e COLLECTOR_OTLP_ENABLED=true -p 16686:16686 jaegertracing/jaeger:2.9.0
       docker run -d --name otelcol --network tracing -p 4317:4317 -p 4318:4318 \\
         -v "$PWD/otel.yaml:/etc/otelcol-contrib/config.yaml" otel/opentelemetry-collector-contrib:0.133.0`,
    ),
  // The network comes when both run already, as for who has begun with the first setting.
  'tutorial/connect-later': (setting) =>
    tutorial(
      setting,
      `docker run -d --name jaeger -e COLLECTOR_OTLP_ENABLED=true -p 16686:16686 jaegertracing/jaeger:2.9.0
       docker run -d --name otelcol -p 4317:4317 -p 4318:4318 \\
         -v $(pwd)/otel.yaml:/etc/otelcol-contrib/config.yaml otel/opentelemetry-collector-contrib:0.133.0
       docker network create tracing
       docker network connect tracing jaeger
       docker network connect tracing otelcol`,
    ),
  'compose/spoor': (setting) => compose(setting, 'spoor.yaml'),
  'compose/collector-spoor': (setting) => compose(setting, 'collector-spoor.yaml'),
  'deploy/laptop': (setting) => deployed(setting, 'laptop', {}, 'spoor'),
  'deploy/team': (setting) => deployed(setting, 'team', { clickhouse: startClickHouse }, 'ingest'),
  'deploy/large': (setting) =>
    deployed(setting, 'large', { clickhouse: startClickHouse, kafka: startKafka, topic: undefined }, 'ingest'),
}

export async function runScenario(
  name: string,
  images: Readonly<Record<string, Image>>,
  work: string,
  workspace: string,
  say: (line: string) => void,
): Promise<void> {
  const folder = join(work, 'folder')
  mkdirSync(folder, { recursive: true })
  const engine = new Engine(work)
  try {
    await SCENARIOS[name]!({ engine, images, workspace, folder, say })
  } catch (error) {
    for (const { name: container, output, health } of engine.containers.values())
      say(`--- ${container} (${health})\n${output.split('\n').slice(-15).join('\n')}`)
    throw error
  }
}

/** Commands as they are typed, but for the images' names; then a span is sent to the machine's port 4318, and read at its page. */
async function tutorial({ engine, images, folder, say }: Setting, commands: string): Promise<void> {
  writeFileSync(join(folder, 'otel.yaml'), COLLECTOR)
  const imageOf = (name: string): Image => {
    const image = images[INSTEAD[name] ?? name]
    if (!image) throw new Error(`there is no image ${name}`)
    return image
  }
  await new Docker(engine, imageOf, folder).script(commands)
  for (const name of engine.containers.keys()) await engine.untilHealthy(name)
  const traceId = randomBytes(16).toString('hex')
  await until('a span is taken at 127.0.0.1:4318', () => sendSpan(traceId))
  await until('the span is on the page', async () => (await fetch(`${PAGE}/api/traces/${traceId}`)).ok)
  say(`  ✓ ${[...engine.containers.keys()].join(', ')}: healthy; a span that was sent to the machine is on its page`)
  await stopAll(engine, say)
}

async function compose({ engine, images, workspace, say }: Setting, file: string): Promise<void> {
  const read = readCompose(join(workspace, 'examples/object-classification/compose', file))
  await up(engine, read, { images: (service) => images[read.services[service]!.image]! })
  say(`  ✓ ${Object.keys(read.services).length} services are up and healthy`)
  let traceId = ''
  await until('a trace has spans of all services', async () => {
    const response = await fetch(`${PAGE}/api/traces?service=client&limit=20`)
    const { data } = (await response.json()) as { data: JaegerTrace[] }
    const whole = data.find(({ processes }) => {
      const names = Object.values(processes).map(({ serviceName }) => serviceName)
      return SERVICES.every((service) => names.includes(service))
    })
    traceId = whole?.traceID ?? ''
    return whole !== undefined
  })
  say(`  ✓ trace ${traceId} has spans of ${SERVICES.join(', ')}`)
  const rows = (await (await fetch('http://127.0.0.1:5008/classifications')).json()) as { classifications: unknown[] }
  if (rows.classifications.length === 0) throw new Error('the consumer has stored nothing')
  await stopAll(engine, say)
}

/**
 * A size of `deploy/`, with what stands in for the servers that are not ours. Then one of its parts is killed, and what
 * was acknowledged before and, where somebody else takes it, while it is away, is on the page when it is back.
 */
async function deployed(
  { engine, images, workspace, folder, say }: Setting,
  size: string,
  standIns: Readonly<Record<string, StandIn | undefined>>,
  killed: string,
): Promise<void> {
  const read = readCompose(join(workspace, 'deploy', size, 'compose.yaml'))
  engine.createNetwork('default')
  for (const [name, start] of Object.entries(standIns)) {
    if (!start) continue
    await start(folder, engine.gateway('default'))
    engine.addHost('default', name, engine.gateway('default'))
    say(`  ${name}: ${start.what}`)
  }
  const running = await up(engine, read, {
    images: (service) => images[read.services[service]!.image]!,
    env: { SPOOR_CLICKHOUSE_PASSWORD: 'secret' },
    without: Object.keys(standIns),
  })
  say(`  ✓ ${[...engine.containers.keys()].join(', ')} are up and healthy`)
  const acknowledged: string[] = []
  const send = async (): Promise<void> => {
    const traceId = randomBytes(16).toString('hex')
    await until('a span is taken at 127.0.0.1:4318', () => sendSpan(traceId))
    acknowledged.push(traceId)
  }
  const seen = (): Promise<void> =>
    until(`${acknowledged.length} traces are on the page`, async () => {
      const found = await Promise.all(acknowledged.map((traceId) => fetch(`${PAGE}/api/traces/${traceId}`)))
      return found.every(({ ok }) => ok)
    })
  for (let count = 0; count < 20; count++) await send()
  await seen()
  const containers = containersOf(killed, read.services[killed]!)
  for (const name of containers) engine.kill(name)
  // Who is gone takes nothing; with another before it what comes meanwhile is taken, and waits.
  if (killed !== 'spoor') for (let count = 0; count < 20; count++) await send()
  await running.again(killed)
  await seen()
  say(
    `  ✓ ${containers.join(', ')} killed and started anew: all ${acknowledged.length} acknowledged traces are on the page`,
  )
  await stopAll(engine, say)
}

interface JaegerTrace {
  readonly traceID: string
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

/** In the order in which nobody loses whom it sends to; each has to end in order, as number 1 of its process namespace. */
async function stopAll(engine: Engine, say: (line: string) => void): Promise<void> {
  for (const name of [...engine.containers.keys()].reverse()) {
    const code = await engine.stop(name)
    if (code !== 0) throw new Error(`${name} ended with ${code} when it was told to stop`)
  }
  say('  ✓ all ended in order')
}

async function sendSpan(traceId: string): Promise<boolean> {
  const now = BigInt(Date.now()) * 1_000_000n
  const span = {
    traceId,
    spanId: randomBytes(8).toString('hex'),
    name: 'hello',
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
  }
  const service = { key: 'service.name', value: { stringValue: 'tutorial' } }
  const body = JSON.stringify({
    resourceSpans: [{ resource: { attributes: [service] }, scopeSpans: [{ spans: [span] }] }],
  })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch('http://127.0.0.1:4318/v1/traces', { method: 'POST', headers, body })
  return response.ok
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  let last = ''
  while (Date.now() < end) {
    try {
      if (await check()) return
      last = ''
    } catch (error) {
      last = `: ${(error as Error).message}`
    }
    await delay(250)
  }
  throw new Error(`not in ${PATIENCE_MS / 1000} s: ${what}${last}`)
}

/** The tutorial's configuration, in the keys of contrib 0.133. */
const COLLECTOR = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
processors:
  batch:
exporters:
  otlp:
    endpoint: jaeger:4317
    tls:
      insecure: true
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp]
`
