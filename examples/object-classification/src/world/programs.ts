/** The programs that make up the world: Spoor, its collector, the services and the client, and how each is started. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PreparedModel } from '@spoor/example-models'
import { FAULTS_VARIABLE } from '../service/faults.ts'
import type { ServiceFaults } from '../service/faults.ts'
import { collectorNames, collectorPorts, placedServices } from './addresses.ts'
import type { Addresses, CollectorPlan } from './addresses.ts'
import type { Program } from './child.ts'
import type { Member } from './netns/namespaces.ts'
import { LOOPBACK } from './netns/places.ts'
import type { Places } from './netns/places.ts'
import type { NeededPort } from './ports.ts'
import type { OwnServer } from './servers/choose.ts'
import type { Settings } from './settings.ts'
import type { WorldFile } from './sites/world-file.ts'

const HOST = '127.0.0.1'
/** How long a finished span may wait before it is sent, ms. The SDK's own 5 s would have people look at half a trace. */
export const BATCH_DELAY_MS = 400

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const script = (path: string): string => fileURLToPath(new URL(`../${path}.${extension}`, import.meta.url))
const register = (): string => import.meta.resolve('@spoor/instrument/register')
/** The program `spoor` lies beside its package's entry. */
const spoorScript = (): string => fileURLToPath(new URL(`./main.${extension}`, import.meta.resolve('spoor')))

/** `http://127.0.0.1:port`. */
export function localUrl(port: number): string {
  return `http://${HOST}:${port}`
}

/** As the world's programs call each other: `http://NAME:port`. */
function urlIn({ nameOf }: Places): (port: number) => string {
  return (port) => `http://${nameOf(port)}:${port}`
}

/** For `Program`: where it runs. */
function namespaceIn(places: Places, name: string): Pick<Program, 'namespace'> {
  const namespace = places.namespaceOf(name)
  return namespace === undefined ? {} : { namespace }
}

/** Spoor: page, query API, and OTLP over gRPC and HTTP. */
export function spoorProgram({ ports, data, logs }: Settings, places: Places = LOOPBACK): Program {
  const flags = {
    data,
    host: places.inside,
    'page-port': ports.page,
    'otlp-grpc-port': ports.otlpGrpc,
    'otlp-http-port': ports.otlpHttp,
  }
  return {
    name: 'spoor',
    args: [spoorScript(), ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])],
    log: join(logs, 'spoor.log'),
    health: `${localUrl(ports.page)}/ready`,
    ...namespaceIn(places, 'spoor'),
  }
}

/** A collector between services and Spoor. */
export function collectorProgram({ logs }: Settings, collector: CollectorPlan, places: Places = LOOPBACK): Program {
  const { name, config, grpcPort, httpPort, spoorPort, queue } = collector
  const file = fileURLToPath(new URL(`../../${config}`, import.meta.url))
  return {
    name,
    args: [spoorScript(), 'collector', '--config', file],
    env: {
      SPOOR_ENDPOINT: `${places.nameOf(spoorPort)}:${spoorPort}`,
      COLLECTOR_GRPC_ENDPOINT: `${places.inside}:${grpcPort}`,
      COLLECTOR_HTTP_ENDPOINT: `${places.inside}:${httpPort}`,
      ...(queue !== undefined && { QUEUE_DIRECTORY: queue }),
    },
    log: join(logs, `${name}.log`),
    health: `${localUrl(httpPort)}/v1/traces`,
    ...namespaceIn(places, name),
  }
}

/** RabbitMQ, or PostgreSQL. */
export function serverProgram({ logs }: Settings, server: OwnServer, places: Places = LOOPBACK): Program {
  const { name, flags, env, healthPort } = server
  return {
    name,
    args: [script('world/servers/main'), ...flags, '--host', places.inside],
    env,
    log: join(logs, `${name}.log`),
    health: localUrl(healthPort),
    isSlow: true,
    ...namespaceIn(places, name),
  }
}

/** The inference services, the consumer, the ensemble and preprocessing, in the order in which they are started. */
export function servicePrograms(
  settings: Settings,
  models: readonly PreparedModel[],
  labels: string,
  addresses: Addresses,
): Program[] {
  const { ports } = settings
  const { places } = addresses
  const url = urlIn(places)
  const inference = models.map(({ name, version, file }, index) => {
    const port = portOf(ports.inference, index)
    const args = ['--port', String(port), '--model', file, '--name', name, '--labels', labels]
    if (version !== undefined) args.push('--model-version', version)
    return { name: `inference-${name}`, port, script: 'inference/main', args }
  })
  const urls = [...addresses.inference.map(url), ...settings.inference].join(',')
  const ensemble = ['--port', String(ports.ensemble), '--inference', urls, '--labels', labels]
  const preprocessing = ['--port', String(ports.preprocessing), '--ensemble', url(addresses.ensemble)]
  preprocessing.push('--results', url(addresses.results))
  // By their environment, as URLs may have a password, and arguments are seen by all.
  const { queue, database } = addresses
  return [
    ...inference,
    { name: 'consumer', port: ports.consumer, script: 'consumer/main', args: ['--port', String(ports.consumer)] },
    { name: 'ensemble', port: ports.ensemble, script: 'ensemble/main', args: ensemble },
    { name: 'preprocessing', port: ports.preprocessing, script: 'preprocessing/main', args: preprocessing },
  ].map(({ name, port, script: path, args }) => ({
    name,
    // The inference services start tracing in their own code.
    args: [...(path === 'inference/main' ? [] : ['--import', register()]), script(path), ...args],
    env: {
      ...tracingEnvironment(settings, name, addresses),
      SERVICE_HOST: places.inside,
      ...(name === 'ensemble' && { QUEUE_URL: queue.send }),
      ...(name === 'consumer' && { QUEUE_URL: queue.take, DATABASE_URL: database, SPOOR_CACHE: settings.cache }),
    },
    log: join(settings.logs, `${name}.log`),
    health: `${localUrl(port)}/health`,
    ...namespaceIn(places, name),
  }))
}

/** How the client sends, and who hears of what came out of it. */
export interface ClientOptions {
  readonly folder: string
  readonly rate: number
  /** Default: each photograph once; 0: no end. */
  readonly count?: number
  readonly onLine: (line: string) => void
}

/** The client, writing one JSON object a photograph. */
export function clientProgram(settings: Settings, addresses: Addresses, options: ClientOptions): Program {
  const { folder, rate, count, onLine } = options
  const flags = ['--url', urlIn(addresses.places)(addresses.preprocessing), '--ds_path', folder, '--rate', String(rate)]
  // The world looks the traces up itself.
  flags.push('--json', '--no-lookup')
  if (count !== undefined) flags.push('--count', String(count))
  return {
    name: 'client',
    args: ['--import', register(), script('client/main'), ...flags],
    env: tracingEnvironment(settings, 'client', addresses),
    log: join(settings.logs, 'client.log'),
    ...namespaceIn(addresses.places, 'client'),
    onLine,
  }
}

/** What runs in a namespace of its own with `--netns`, with its ports. @param servers RabbitMQ and PostgreSQL. */
export function namespaceMembers(
  settings: Settings,
  models: readonly string[],
  world?: WorldFile,
  servers: readonly Member[] = [],
): Member[] {
  const { ports } = settings
  const own: Readonly<Record<string, readonly number[]>> = {
    spoor: [ports.page, ports.otlpGrpc, ports.otlpHttp],
    preprocessing: [ports.preprocessing],
    ensemble: servers.length > 0 ? [ports.ensemble] : [ports.ensemble, ports.queue],
    consumer: [ports.consumer],
    ...Object.fromEntries(models.map((name, index) => [`inference-${name}`, [portOf(ports.inference, index)]])),
  }
  return [
    ...placedServices(models).map((name) => ({ name, ports: own[name] ?? [] })),
    ...collectorNames(settings, world).map(({ name, grpc, http }) => ({ name, ports: [grpc, http] })),
    ...servers,
  ]
}

/** Every port that will be listened on. */
export function neededPorts(settings: Settings, world?: WorldFile): NeededPort[] {
  const { ports } = settings
  return [
    { use: "Spoor's page", port: ports.page, flag: '--page-port' },
    { use: "Spoor's OTLP over gRPC", port: ports.otlpGrpc, flag: '--otlp-grpc-port' },
    { use: "Spoor's OTLP over HTTP", port: ports.otlpHttp, flag: '--otlp-http-port' },
    { use: "the world's control", port: ports.control, flag: '--control-port' },
    { use: 'preprocessing', port: ports.preprocessing, flag: '--preprocessing-port' },
    { use: 'ensemble', port: ports.ensemble, flag: '--ensemble-port' },
    { use: 'consumer', port: ports.consumer, flag: '--consumer-port' },
    ...(settings.withQueue || settings.queueUrl !== undefined
      ? []
      : [{ use: 'the queue of results', port: ports.queue, flag: '--queue-port' }]),
    ...ports.inference.map((port, index) => ({
      use: `inference service ${index + 1}`,
      port,
      flag: `--inference-${Math.min(index + 1, 2)}-port`,
    })),
    ...collectorPorts(settings, world).flatMap(({ grpc, http }) => [
      { use: "a collector's OTLP over gRPC", port: grpc, flag: '--collector-grpc-port' },
      { use: "a collector's OTLP over HTTP", port: http, flag: '--collector-http-port' },
    ]),
  ]
}

/** The SDK's standard variables. */
function tracingEnvironment(
  { protocol }: Settings,
  service: string,
  { otlp, sites, places }: Addresses,
): Record<string, string> {
  const ports = otlp[service]
  if (!ports) throw new Error(`there is no place for ${service} to report to`)
  const site = sites[service]
  return {
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_ENDPOINT: urlIn(places)(protocol === 'grpc' ? ports.grpc : ports.http),
    OTEL_BSP_SCHEDULE_DELAY: String(BATCH_DELAY_MS),
    SPOOR_EXCLUDE: '/health',
    ...faultsEnvironment({}),
    ...(site !== undefined && { OTEL_RESOURCE_ATTRIBUTES: `site.name=${site}` }),
  }
}

/** What a program is told of faults when it starts; it listens to the world from then on. */
export function faultsEnvironment(faults: Partial<ServiceFaults>): Record<string, string> {
  return { [FAULTS_VARIABLE]: JSON.stringify(faults) }
}

function portOf(ports: readonly number[], index: number): number {
  const port = ports[index]
  if (port === undefined) throw new Error(`there is no port for inference service ${index + 1}`)
  return port
}
