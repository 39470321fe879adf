/** What `npm start` can be told, checked. */
import { resolve } from 'node:path'
import { queueKind } from '../results/queue.ts'
import { readPort } from '../service/cli.ts'

/** How the services report to Spoor. */
type Protocol = 'grpc' | 'http/protobuf'

/** The ports on 127.0.0.1. */
interface Ports {
  readonly page: number
  readonly otlpGrpc: number
  readonly otlpHttp: number
  readonly preprocessing: number
  readonly ensemble: number
  /** One a model. */
  readonly inference: readonly number[]
  /** The page of the world, and its switches. */
  readonly control: number
  /** The queue of results, where it is in the ensemble's process. */
  readonly queue: number
  readonly consumer: number
  /** Of the collector that `--via-collector` starts; with `--world` of the first one. */
  readonly collectorGrpc: number
  readonly collectorHttp: number
}

/** Settings of a run. */
export interface Settings {
  readonly models: readonly string[]
  readonly protocol: Protocol
  readonly viaCollector: boolean
  /** The file that places services on sites. */
  readonly world: string | undefined
  /** Each program in a network namespace of its own. */
  readonly netns: boolean
  /** RabbitMQ and PostgreSQL of the machine's packages, where no URL says otherwise. */
  readonly withQueue: boolean
  /** Of a RabbitMQ and of a PostgreSQL that run. */
  readonly queueUrl: string | undefined
  readonly databaseUrl: string | undefined
  /** Send, check, and end. */
  readonly once: boolean
  /** The photographs of the trickle as lines of JSON, as the client prints them. */
  readonly json: boolean
  /** Requests a second of the trickle. */
  readonly rate: number
  /** URLs of further inference services, which the world does not start. */
  readonly inference: readonly string[]
  /** The user's own photographs. */
  readonly photographs: string | undefined
  readonly ports: Ports
  /** Where Spoor keeps its traces. */
  readonly data: string
  readonly logs: string
  /** Where collectors on sites keep what they could not send. */
  readonly queues: string
  /** The database that is in Node. */
  readonly database: string
  /** RabbitMQ's and PostgreSQL's own. */
  readonly servers: string
  readonly cache: string
}

/** The flags as the command line gives them; each has its default already. */
export interface Flags {
  readonly models: string
  readonly protocol: string
  readonly viaCollector?: boolean
  readonly world?: string
  readonly netns?: boolean
  readonly withQueue?: boolean
  readonly queueUrl?: string
  readonly databaseUrl?: string
  readonly once?: boolean
  readonly json?: boolean
  readonly rate: number
  readonly inference?: string
  readonly ds_path?: string
  readonly state: string
  readonly pagePort: number
  readonly otlpGrpcPort: number
  readonly otlpHttpPort: number
  readonly collectorGrpcPort: number
  readonly collectorHttpPort: number
  readonly controlPort: number
  readonly preprocessingPort: number
  readonly ensemblePort: number
  readonly queuePort: number
  readonly consumerPort: number
  readonly 'inference-1-port': number
  readonly 'inference-2-port': number
}

/** @throws For a value that makes no sense, naming the flag. */
export function readSettings(flags: Flags): Settings {
  const { protocol, rate } = flags
  if (protocol !== 'grpc' && protocol !== 'http/protobuf')
    throw new Error(`--protocol ${protocol}: one of grpc, http/protobuf`)
  if (!(rate > 0 && rate <= 1000)) throw new Error(`--rate ${rate}: requests a second, above 0 and up to 1000`)
  const models = flags.models.split(',').filter((name) => name !== '')
  if (models.length === 0) throw new Error('--models: name at least one')
  const strange = (flags.inference ?? '').split(',').find((url) => url !== '' && !/^https?:\/\/[^/]+$/.test(url))
  if (strange !== undefined) throw new Error(`--inference ${strange}: not the URL of a service; write http://host:port`)
  if (flags.viaCollector && flags.world !== undefined)
    throw new Error('--via-collector: with --world each site has a collector of its own; leave one of the two out')
  const { queueUrl, databaseUrl } = flags
  if (queueUrl !== undefined && queueKind(queueUrl) !== 'rabbitmq')
    throw new Error(`--queue-url ${queueUrl}: write amqp://user:password@host:port`)
  if (databaseUrl !== undefined && !(/^postgres(ql)?:/.test(databaseUrl) && URL.canParse(databaseUrl)))
    throw new Error(`--database-url ${databaseUrl}: write postgres://user:password@host:port/name`)
  if (flags.netns) checkNamespaces(flags)
  return {
    models,
    protocol,
    viaCollector: flags.viaCollector ?? false,
    world: flags.world === undefined ? undefined : resolve(flags.world),
    netns: flags.netns ?? false,
    withQueue: flags.withQueue ?? false,
    queueUrl,
    databaseUrl,
    once: flags.once ?? false,
    json: flags.json ?? false,
    rate,
    inference: (flags.inference ?? '').split(',').filter((url) => url !== ''),
    photographs: flags.ds_path === undefined ? undefined : resolve(flags.ds_path),
    ports: {
      page: readPort('--page-port', flags.pagePort),
      otlpGrpc: readPort('--otlp-grpc-port', flags.otlpGrpcPort),
      otlpHttp: readPort('--otlp-http-port', flags.otlpHttpPort),
      preprocessing: readPort('--preprocessing-port', flags.preprocessingPort),
      ensemble: readPort('--ensemble-port', flags.ensemblePort),
      inference: inferencePorts(flags, models.length),
      queue: readPort('--queue-port', flags.queuePort),
      consumer: readPort('--consumer-port', flags.consumerPort),
      control: readPort('--control-port', flags.controlPort),
      collectorGrpc: readPort('--collector-grpc-port', flags.collectorGrpcPort),
      collectorHttp: readPort('--collector-http-port', flags.collectorHttpPort),
    },
    data: resolve(flags.state, 'data'),
    logs: resolve(flags.state, 'logs'),
    queues: resolve(flags.state, 'queues'),
    database: resolve(flags.state, 'database'),
    servers: resolve(flags.state, 'servers'),
    cache: resolve(process.env['SPOOR_CACHE'] ?? '.cache'),
  }
}

/** What listens on this machine's loopback is not reached from a namespace. @throws For what does. */
function checkNamespaces({ queueUrl, databaseUrl, inference }: Flags): void {
  for (const url of [queueUrl, databaseUrl, ...(inference ?? '').split(',')])
    if (url && /^(?:localhost|127\.|\[::1\])/.test(new URL(url).hostname))
      throw new Error(`--netns: ${new URL(url).host} is this machine's loopback, which nobody reaches from a namespace`)
}

/** The ports of the inference services; a third and further ones follow the second. */
function inferencePorts(flags: Flags, count: number): number[] {
  const first = readPort('--inference-1-port', flags['inference-1-port'])
  const second = readPort('--inference-2-port', flags['inference-2-port'])
  return Array.from({ length: count }, (_, index) => (index === 0 ? first : second + index - 1))
}
