/** Compose files: as they are read, with what they include, and started on {@link Engine}. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { mountOf, portOf } from './docker.ts'
import type { Images } from './docker.ts'
import type { Engine } from './engine.ts'
import type { BuildOptions } from './images.ts'

/** A service, of the keys that ours have: github.com/compose-spec/compose-spec. */
export interface ComposeService {
  readonly image: string
  readonly build?: {
    readonly context: string
    readonly dockerfile?: string
    readonly target?: string
    readonly args?: Record<string, string>
  }
  readonly environment?: Readonly<Record<string, string | number>>
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>
  readonly read_only?: boolean
  readonly tmpfs?: readonly string[]
  readonly deploy?: { readonly replicas?: number }
  readonly [other: string]: unknown
}

/** A file with all that it includes. */
export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly networks: readonly string[]
  readonly volumes: readonly string[]
  /** The folder that its paths start from. */
  readonly folder: string
}

interface ComposeFile {
  readonly include?: readonly string[]
  readonly services?: Readonly<Record<string, ComposeService>>
  readonly networks?: Readonly<Record<string, unknown>>
  readonly volumes?: Readonly<Record<string, unknown>>
}

export function readCompose(file: string): Compose {
  const folder = dirname(file)
  const own = parse(readFileSync(file, 'utf8'), { merge: true }) as ComposeFile
  const all = (own.include ?? []).map((path) => readCompose(resolve(folder, path)))
  return {
    services: { ...Object.assign({}, ...all.map(({ services }) => services)), ...own.services },
    networks: [...all.flatMap(({ networks }) => networks), ...Object.keys(own.networks ?? {})],
    volumes: [...all.flatMap(({ volumes }) => volumes), ...Object.keys(own.volumes ?? {})],
    folder,
  }
}

/** How a service's image is built; undefined where it is pulled. */
export function buildOf({ folder }: Compose, { build }: ComposeService): BuildOptions | undefined {
  if (!build) return undefined
  const context = resolve(folder, build.context)
  return {
    context,
    dockerfile: resolve(context, build.dockerfile ?? 'Dockerfile'),
    target: build.target,
    args: build.args ?? {},
  }
}

/** `networks` with the names beside the service's own. */
export function networksOf({ networks = ['default'] }: ComposeService): Record<string, readonly string[]> {
  if (Array.isArray(networks)) return Object.fromEntries((networks as string[]).map((name) => [name, []]))
  return Object.fromEntries(
    Object.entries(networks).map(([name, value]) => [name, (value as { aliases?: string[] } | null)?.aliases ?? []]),
  )
}

/** What it waits for, and whether that has to be healthy. */
export function dependenciesOf({ depends_on: on = [] }: ComposeService): { name: string; healthy: boolean }[] {
  if (Array.isArray(on)) return (on as string[]).map((name) => ({ name, healthy: false }))
  return Object.entries(on).map(([name, value]) => ({
    name,
    healthy: (value as { condition: string }).condition === 'service_healthy',
  }))
}

/** What there is beside the file. */
export interface UpOptions {
  readonly images: (service: string) => ReturnType<Images>
  /** Variables of who starts it: `${NAME:?…}`. */
  readonly env?: Readonly<Record<string, string>>
  /** Services that are there otherwise. */
  readonly without?: readonly string[]
}

/** A file that runs. */
export interface Up {
  /** Starts a service anew that has ended. */
  again(service: string): Promise<void>
}

/** `docker compose up --wait`: starts all in their order, and waits until those with a check are healthy. */
export async function up(engine: Engine, compose: Compose, { images, env = {}, without = [] }: UpOptions): Promise<Up> {
  const services = Object.entries(compose.services).filter(([name]) => !without.includes(name))
  for (const network of services.flatMap(([, service]) => Object.keys(networksOf(service))))
    if (!engine.hasNetwork(network)) engine.createNetwork(network)
  const run = async (name: string, service: ComposeService): Promise<void> => {
    const networks = networksOf(service)
    for (const container of containersOf(name, service))
      await engine.run({
        name: container,
        image: images(name),
        env: Object.fromEntries(
          Object.entries(service.environment ?? {}).map(([key, value]) => [key, interpolated(String(value), env)]),
        ),
        command: service.command,
        ports: (service.ports ?? []).map(portOf),
        mounts: (service.volumes ?? []).map((volume) => mountOf(volume, compose.folder)),
        networks: Object.fromEntries(Object.entries(networks).map(([network, names]) => [network, [name, ...names]])),
        readOnly: service.read_only === true,
        tmpfs: service.tmpfs ?? [],
      })
  }
  const starting = new Map<string, Promise<void>>()
  const start = (name: string): Promise<void> => {
    const service = compose.services[name]
    if (!service) throw new Error(`depends_on: there is no service ${name}`)
    if (without.includes(name)) return Promise.resolve()
    const started =
      starting.get(name) ??
      (async () => {
        for (const { name: other, healthy } of dependenciesOf(service)) {
          await start(other)
          if (healthy) await untilHealthy(engine, other, compose)
        }
        await run(name, service)
      })()
    starting.set(name, started)
    return started
  }
  await Promise.all(services.map(([name]) => start(name)))
  await Promise.all(services.map(([name]) => untilHealthy(engine, name, compose)))
  return {
    async again(name) {
      for (const container of containersOf(name, compose.services[name]!)) await engine.remove(container)
      await run(name, compose.services[name]!)
    },
  }
}

async function untilHealthy(engine: Engine, name: string, { services }: Compose): Promise<void> {
  for (const container of containersOf(name, services[name]!)) await engine.untilHealthy(container)
}

/** The names of a service's containers. */
export function containersOf(name: string, { deploy }: ComposeService): string[] {
  const count = deploy?.replicas ?? 1
  return count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`)
}

/** `${NAME:?why}` and `${NAME:-default}`. @throws For one that is missing. */
function interpolated(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{(\w+)(?::([?-])([^}]*))?\}/g, (_, name: string, how?: string, other = '') => {
    const value = env[name]
    if (value === undefined && how === '?') throw new Error(`${name}: ${other}`)
    return value ?? other
  })
}
