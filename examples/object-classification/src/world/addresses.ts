/** Where the programs of a world find each other: a service's own port, or that of a relay where links lie between. */
import { join } from 'node:path'
import type { Servers } from './servers/choose.ts'
import { LOOPBACK } from './netns/places.ts'
import type { Places } from './netns/places.ts'
import type { Settings } from './settings.ts'
import type { Network } from './sites/network.ts'
import type { WorldFile } from './sites/world-file.ts'

/** A collector between services and Spoor. */
export interface CollectorPlan {
  readonly name: string
  /** Its configuration, beside this package's package.json. */
  readonly config: string
  readonly grpcPort: number
  readonly httpPort: number
  /** Where it finds Spoor's OTLP over gRPC. */
  readonly spoorPort: number
  /** Its queue on the disk. */
  readonly queue?: string
}

/** Ports, and where they are. */
export interface Addresses {
  readonly places: Places
  /** For the client. */
  readonly preprocessing: number
  /** For the client: where it asks for results. */
  readonly results: number
  /** For preprocessing. */
  readonly ensemble: number
  /** For the ensemble; one a model. */
  readonly inference: readonly number[]
  /** Where the ensemble sends results to, and where the consumer takes them from. */
  readonly queue: { readonly send: string; readonly take: string }
  /** Where the consumer stores them. */
  readonly database: string
  readonly collectors: readonly CollectorPlan[]
  /** Where a service reports to. */
  readonly otlp: Readonly<Record<string, { readonly grpc: number; readonly http: number }>>
  /** The site of each service, where there are sites. */
  readonly sites: Readonly<Record<string, string>>
}

/** All that have to be on a site. */
export function placedServices(models: readonly string[]): string[] {
  return ['client', 'preprocessing', 'ensemble', ...models.map((name) => `inference-${name}`), 'consumer', 'spoor']
}

/** The ports of the collectors that will be there: two each. */
export function collectorPorts({ viaCollector, ports }: Settings, world?: WorldFile): { grpc: number; http: number }[] {
  const count = world ? world.sites.filter(({ collector }) => collector !== 'none').length : viaCollector ? 1 : 0
  return Array.from({ length: count }, (_, index) => ({
    grpc: ports.collectorGrpc + 2 * index,
    http: ports.collectorHttp + 2 * index,
  }))
}

/** The same, with the names of the collectors. */
export function collectorNames(
  settings: Settings,
  world?: WorldFile,
): { readonly name: string; readonly grpc: number; readonly http: number }[] {
  const sites = world?.sites.filter(({ collector }) => collector !== 'none') ?? []
  return collectorPorts(settings, world).map((ports, index) => {
    const site = sites[index]
    return { name: site ? `collector-${site.name}` : 'collector', ...ports }
  })
}

/**
 * Plans who calls whom where, and opens the relays that this needs.
 *
 * @param models Their names, in the order of `settings.ports.inference`.
 * @param placed Sites and links; default: everything is at one place.
 * @param servers A queue and a database that are servers; default: the ensemble and the consumer have them. RabbitMQ is
 *   where the ensemble is, PostgreSQL where the consumer is.
 * @param places Default: all ports are on 127.0.0.1.
 */
export async function planAddresses(
  settings: Settings,
  models: readonly string[],
  placed?: { readonly world: WorldFile; readonly network: Network },
  servers: Partial<Servers> = {},
  places: Places = LOOPBACK,
): Promise<Addresses> {
  const { ports } = settings
  const services = placedServices(models)
  const sites = Object.fromEntries(
    (placed?.world.sites ?? []).flatMap((site) => site.services.map((service) => [service, site.name])),
  )
  const siteOf = (service: string): string => sites[service] ?? ''
  const reach = async (from: string, to: string, port: number): Promise<number> =>
    placed ? placed.network.reach(from, siteOf(to), port) : port
  const call = (from: string, to: string, port: number): Promise<number> => reach(siteOf(from), to, port)

  const collectors: (CollectorPlan & { readonly site: string })[] = []
  const own = collectorPorts(settings, placed?.world)
  for (const { grpc, http } of own) {
    const site = placed?.world.sites.filter(({ collector }) => collector !== 'none')[collectors.length]
    const onDisk = site?.collector === 'disk'
    collectors.push({
      name: site ? `collector-${site.name}` : 'collector',
      site: site?.name ?? '',
      config: onDisk ? 'edge-collector.yaml' : site ? 'site-collector.yaml' : 'otel-collector.yaml',
      grpcPort: grpc,
      httpPort: http,
      spoorPort: await reach(site?.name ?? '', 'spoor', ports.otlpGrpc),
      ...(onDisk && { queue: join(settings.queues, site.name) }),
    })
  }
  const otlp: Record<string, { grpc: number; http: number }> = {}
  for (const service of services) {
    const collector = collectors.find(({ site }) => site === siteOf(service))
    otlp[service] = collector
      ? { grpc: collector.grpcPort, http: collector.httpPort }
      : { grpc: await call(service, 'spoor', ports.otlpGrpc), http: await call(service, 'spoor', ports.otlpHttp) }
  }
  const queue = new URL(servers.queue ?? `memory://${places.inside}:${ports.queue}`)
  const take = new URL(queue)
  // What is elsewhere is not reached over a link of this world.
  const port = Number(take.port || 5672)
  if (servers.queue === undefined || take.hostname === places.nameOf(port)) {
    take.port = String(await call('consumer', 'ensemble', port))
    take.hostname = places.nameOf(Number(take.port))
  }
  return {
    places,
    queue: { send: queue.href, take: take.href },
    database: servers.database ?? `pglite:${settings.database}`,
    preprocessing: await call('client', 'preprocessing', ports.preprocessing),
    results: await call('client', 'ensemble', ports.ensemble),
    ensemble: await call('preprocessing', 'ensemble', ports.ensemble),
    inference: await Promise.all(
      models.map((name, index) => call('ensemble', `inference-${name}`, ports.inference[index] ?? 0)),
    ),
    collectors,
    otlp,
    sites,
  }
}
