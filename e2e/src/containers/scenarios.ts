/** What is tried with the images: the tutorial's commands, and the compose files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { containersOf, readCompose, up } from './compose.ts'
import { Engine } from './engine.ts'
import type { Image } from './images.ts'
import { PINNED_COLLECTOR, PINNED_JAEGER, whyNotPinned } from './pinned.ts'
import { pythonServices } from './python-services.ts'
import { differences, usualShape } from './shapes.ts'
import type { Shape } from './shapes.ts'
import { startClickHouse, startKafka, whyNoClickHouse, whyNoKafka } from './stand-ins.ts'
import type { StandIn } from './stand-ins.ts'
import { newTraceId, PAGE, sendSpan, stopAll, until } from './trial.ts'
import type { Setting } from './trial.ts'
import { COLLECTOR, JAEGER, README, tutorial, UNPUBLISHED } from './tutorial.ts'

const SERVICES = ['client', 'preprocessing', 'ensemble', 'inference-mobilenet', 'inference-inception', 'consumer']

export const SCENARIOS: Readonly<Record<string, (setting: Setting) => Promise<void>>> = {
  'tutorial/jaeger': (setting) => tutorial(setting, JAEGER, 'machine'),
  'tutorial/collector': (setting) => tutorial(setting, COLLECTOR, 'machine'),
  'tutorial/services': (setting) => tutorial(setting, UNPUBLISHED, 'network'),
  'tutorial/python': pythonServices,
  'readme/collector': (setting) => tutorial(setting, README, 'machine'),
  'compose/spoor': (setting) => compose(setting, 'spoor.yaml'),
  'compose/collector-spoor': (setting) => compose(setting, 'collector-spoor.yaml'),
  'pinned/jaeger': (setting) => tutorial(setting, JAEGER, 'machine', [PINNED_JAEGER]),
  'pinned/otelcol-jaeger': (setting) => tutorial(setting, COLLECTOR, 'machine', [PINNED_COLLECTOR, PINNED_JAEGER]),
  'pinned/collector-jaeger': (setting) => tutorial(setting, COLLECTOR, 'machine', [PINNED_JAEGER]),
  'pinned/otelcol-spoor': (setting) => tutorial(setting, COLLECTOR, 'machine', [PINNED_COLLECTOR]),
  'compose/jaeger': (setting) => compose(setting, 'jaeger.yaml'),
  'compose/otelcol-jaeger': (setting) => compose(setting, 'otelcol-jaeger.yaml'),
  'compose/collector-jaeger': (setting) => compose(setting, 'collector-jaeger.yaml'),
  'compose/otelcol-spoor': (setting) => compose(setting, 'otelcol-spoor.yaml'),
  'deploy/laptop': (setting) => deployed(setting, 'laptop', {}, 'spoor'),
  'deploy/team': (setting) => deployed(setting, 'team', { clickhouse: startClickHouse }, 'ingest'),
  'deploy/large': (setting) =>
    deployed(setting, 'large', { clickhouse: startClickHouse, kafka: startKafka, topic: undefined }, 'ingest'),
}

/** What is missing on this machine for a scenario and how to have it; undefined where nothing is. */
export function whyNot(name: string): string | undefined {
  if (/^pinned\/|^compose\/.*(?:jaeger|otelcol)/.test(name)) return whyNotPinned()
  if (name === 'deploy/team') return whyNoClickHouse()
  return name === 'deploy/large' ? (whyNoClickHouse() ?? whyNoKafka()) : undefined
}

/** Where a scenario leaves the shape of the application's trace. */
export const shapeFile = (work: string, name: string): string =>
  join(work, 'shapes', `${name.replaceAll('/', '-')}.json`)

/** What the traces of scenarios differ in from that of the first, by scenario; of those that have left one. */
export function compareShapes(
  work: string,
  names: readonly string[],
): { readonly compared: string[]; readonly lines: string[] } {
  const shapes = names.flatMap((name) => {
    try {
      return [{ name, shape: JSON.parse(readFileSync(shapeFile(work, name), 'utf8')) as Shape }]
    } catch {
      return []
    }
  })
  const [first, ...others] = shapes
  const lines = others.flatMap(({ name, shape }) =>
    differences(first!.shape, shape).map((line) => `${name}, beside ${first!.name}: ${line}`),
  )
  return { compared: shapes.map(({ name }) => name), lines }
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
  mkdirSync(join(work, '..', 'shapes'), { recursive: true })
  const engine = new Engine(work)
  try {
    await SCENARIOS[name]!({ engine, images, workspace, folder, say, shapeFile: shapeFile(join(work, '..'), name) })
  } catch (error) {
    for (const { name: container, output, health } of engine.containers.values())
      say(`--- ${container} (${health})\n${output.split('\n').slice(-15).join('\n')}`)
    throw error
  }
}

async function compose(setting: Setting, file: string): Promise<void> {
  const { engine, images, workspace, say } = setting
  const read = readCompose(join(workspace, 'examples/object-classification/compose', file))
  await up(engine, read, { images: (service) => images[read.services[service]!.image]! })
  say(`  ✓ ${Object.keys(read.services).length} services are up and healthy`)
  let found: Awaited<ReturnType<typeof usualShape>>
  await until('traces are whole, with spans of all services', async () => {
    found = await usualShape(SERVICES)
    return found !== undefined
  })
  const { traceId, shape } = found!
  writeFileSync(setting.shapeFile, JSON.stringify(shape))
  say(`  ✓ traces are whole: ${shape.length} spans of ${SERVICES.join(', ')}, as in ${traceId}`)
  const rows = (await (await fetch('http://127.0.0.1:5008/classifications')).json()) as { classifications: unknown[] }
  if (rows.classifications.length === 0) throw new Error('the consumer has stored nothing')
  await stopAll(setting)
}

/**
 * A size of `deploy/`, with what stands in for the servers that are not ours. Then one of its parts is killed, and what
 * was acknowledged before and, where somebody else takes it, while it is away, is on the page when it is back.
 */
async function deployed(
  setting: Setting,
  size: string,
  standIns: Readonly<Record<string, StandIn | undefined>>,
  killed: string,
): Promise<void> {
  const { engine, images, workspace, folder, say } = setting
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
    const traceId = newTraceId()
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
  await stopAll(setting)
}
