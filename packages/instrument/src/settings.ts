import { type Attributes, DiagLogLevel, type TextMapPropagator } from '@opentelemetry/api'
import { parseKeyPairsIntoRecord } from '@opentelemetry/core'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  type SpanLimits,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import { createEnvironmentReader, type Environment, type EnvironmentReader } from './environment.ts'
import { InstrumentError } from './error.ts'
import { parseExcludeRules } from './exclude.ts'
import type { BatchOptions, DiagnosticsLevel, ExcludeRule, ExporterProtocol, TracingOptions } from './options.ts'

const tracesPath = '/v1/traces'
const protocols = ['http/protobuf', 'http/json', 'grpc'] as const
const diagnosticsLevels = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'] as const
const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

/** Where an OTLP exporter sends to, with nothing left open. */
export interface ExporterSettings {
  readonly protocol: ExporterProtocol
  readonly url: string
  /** The URL for messages: without a password. */
  readonly shownUrl: string
  /** Keys in lower case, as gRPC wants them and HTTP does not mind. */
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'none'
  /** Milliseconds. */
  readonly timeoutMs: number
}

/** Options, environment and defaults made into one; frozen. */
export interface Settings {
  /** Undefined: neither code nor environment names the service. */
  readonly serviceName: string | undefined
  readonly resourceAttributes: Attributes
  /** `OTEL_TRACES_EXPORTER`: `otlp`, `console` or `none`. */
  readonly destination: 'otlp' | 'console' | 'none'
  readonly exporter: ExporterSettings
  readonly batch: Required<BatchOptions>
  readonly exclude: readonly ExcludeRule[]
  readonly instrumentations: 'default' | readonly Instrumentation[]
  readonly sampler: Sampler
  readonly spanLimits: SpanLimits
  /** Names of built-in propagators, or the caller's own. */
  readonly propagators: readonly (TextMapPropagator | 'tracecontext' | 'baggage')[]
  readonly diagnosticsLevel: DiagLogLevel
  readonly quiet: boolean
  /** Milliseconds. */
  readonly exitDeadlineMs: number
  /** `OTEL_SDK_DISABLED`: context still travels, nothing is recorded. */
  readonly disabled: boolean
  /** What is probably not meant, one sentence each. */
  readonly findings: readonly string[]
}

/**
 * Options win over the environment, the environment over the defaults, as the OpenTelemetry specification has it
 * (specs/otel/configuration/sdk-environment-variables, specs/otel/protocol/exporter). A mistake in the options throws
 * `InstrumentError`; a mistake in the environment is a finding, because operators must not be able to stop a service
 * with it.
 */
export function resolveSettings(options: TracingOptions, env: Environment): Settings {
  const findings: string[] = []
  const report = (finding: string): void => void findings.push(finding)
  const read = createEnvironmentReader(env, report)

  const destination = resolveDestination(read, report)
  const exporter = resolveExporter(options.exporter ?? {}, read, report)
  if (destination === 'otlp') checkPort(exporter, report)
  const resourceAttributes = resolveResource(options, read, report)
  return Object.freeze({
    serviceName: options.serviceName ?? read.text('OTEL_SERVICE_NAME') ?? textOf(resourceAttributes['service.name']),
    resourceAttributes,
    destination,
    exporter,
    batch: resolveBatch(options.batch ?? {}, read, report),
    exclude: options.exclude ?? parseExcludeRules(read.text('SPOOR_EXCLUDE') ?? '', report),
    instrumentations: options.instrumentations ?? 'default',
    sampler: options.sampler ?? resolveSampler(read),
    spanLimits: resolveSpanLimits(read),
    propagators: options.propagators ?? resolvePropagators(read, report),
    diagnosticsLevel: diagLevel(options.diagnostics ?? read.choice(['OTEL_LOG_LEVEL'], diagnosticsLevels) ?? 'warn'),
    quiet: options.quiet ?? read.boolean('SPOOR_QUIET'),
    exitDeadlineMs: atLeast(0, 'exitDeadlineMs', options.exitDeadlineMs) ?? 3_000,
    disabled: read.boolean('OTEL_SDK_DISABLED'),
    findings,
  } satisfies Settings)
}

type Report = (finding: string) => void

function resolveDestination(read: EnvironmentReader, report: Report): Settings['destination'] {
  const names = read.list('OTEL_TRACES_EXPORTER') ?? ['otlp']
  const known = names.find((name) => name === 'otlp' || name === 'console' || name === 'none')
  if (known === undefined || names.length > 1) {
    report(
      `OTEL_TRACES_EXPORTER="${names.join(',')}": one of otlp, console, none can be used; taking ${known ?? 'otlp'}`,
    )
  }
  return known ?? 'otlp'
}

function resolveExporter(
  options: NonNullable<TracingOptions['exporter']>,
  read: EnvironmentReader,
  report: Report,
): ExporterSettings {
  const protocol =
    oneOf(protocols, 'exporter.protocol', options.protocol) ??
    read.choice(['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'], protocols) ??
    'http/protobuf'
  const url = protocol === 'grpc' ? grpcUrl(options.url, read, report) : httpUrl(options.url, read, report)
  return {
    protocol,
    url,
    shownUrl: url.replace(/(?<=\/\/[^/@:]*:)[^/@]+(?=@)/, '***'),
    headers: {
      ...lowerCaseKeys(parseKeyPairsIntoRecord(read.text('OTEL_EXPORTER_OTLP_HEADERS'))),
      ...lowerCaseKeys(parseKeyPairsIntoRecord(read.text('OTEL_EXPORTER_OTLP_TRACES_HEADERS'))),
      ...lowerCaseKeys(options.headers ?? {}),
    },
    compression:
      oneOf(['gzip', 'none'] as const, 'exporter.compression', options.compression) ??
      read.choice(['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'], [
        'gzip',
        'none',
      ] as const) ??
      'none',
    timeoutMs:
      atLeast(1, 'exporter.timeoutMs', options.timeoutMs) ??
      read.number(['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'], 1) ??
      10_000,
  }
}

function lowerCaseKeys(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]))
}

function httpUrl(option: string | undefined, read: EnvironmentReader, report: Report): string {
  if (option !== undefined) {
    const url = parseHttpUrl(option)
    if (!url) {
      throw new InstrumentError(
        'invalid_option',
        `exporter.url: "${option}" is not an http:// or https:// URL; for example http://localhost:4318`,
      )
    }
    if (url.pathname === '/') url.pathname = tracesPath
    return url.href
  }
  const own = read.find(['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])
  const shared = own ?? read.find(['OTEL_EXPORTER_OTLP_ENDPOINT'])
  if (!shared) return `http://localhost:4318${tracesPath}`
  const url = parseHttpUrl(shared.value)
  if (!url) {
    report(`${shared.name}="${shared.value}" is not an http:// or https:// URL; http://localhost:4318 is used`)
    return `http://localhost:4318${tracesPath}`
  }
  if (own) {
    if (url.pathname === '/')
      report(`${own.name} has no path, so spans are posted to /; receivers expect ${tracesPath}`)
    return url.href
  }
  if (url.pathname.endsWith(tracesPath)) {
    report(
      `${shared.name} ends in ${tracesPath}, which is appended again; use OTEL_EXPORTER_OTLP_TRACES_ENDPOINT for a whole URL`,
    )
  }
  url.pathname = url.pathname.replace(/\/$/, '') + tracesPath
  return url.href
}

function grpcUrl(option: string | undefined, read: EnvironmentReader, report: Report): string {
  const found =
    option === undefined
      ? read.find(['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'])
      : { name: 'exporter.url', value: option }
  if (!found) return 'http://localhost:4317'
  let text = found.value
  if (!text.includes('://')) {
    const insecure = read.text('OTEL_EXPORTER_OTLP_TRACES_INSECURE', 'OTEL_EXPORTER_OTLP_INSECURE')
    const scheme = insecure?.toLowerCase() === 'true' ? 'http' : 'https'
    if (insecure === undefined)
      report(`${found.name}="${text}" has no scheme, so TLS is used; write http://${text} for plain text`)
    text = `${scheme}://${text}`
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && ['http:', 'https:', 'unix:'].includes(url.protocol)) {
    if (url.protocol === 'unix:') return text
    if (url.pathname !== '/') report(`${found.name}="${found.value}": gRPC has no path; "${url.pathname}" is ignored`)
    return url.origin
  }
  const problem = `${found.name}: "${found.value}" is not an address for gRPC; for example http://localhost:4317`
  if (option !== undefined) throw new InstrumentError('invalid_option', problem)
  report(`${problem}, which is used`)
  return 'http://localhost:4317'
}

function parseHttpUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}

function checkPort({ protocol, url }: ExporterSettings, report: Report): void {
  const port = url.startsWith('unix:') ? '' : new URL(url).port
  if (protocol === 'grpc' && port === '4318') {
    report(`port 4318 is the OTLP/HTTP port but the protocol is grpc; use port 4317 or protocol http/protobuf`)
  }
  if (protocol !== 'grpc' && port === '4317') {
    report(`port 4317 is the OTLP/gRPC port but the protocol is ${protocol}; use port 4318 or protocol grpc`)
  }
}

function resolveBatch(options: BatchOptions, read: EnvironmentReader, report: Report): Required<BatchOptions> {
  const maxQueueSize =
    atLeast(1, 'batch.maxQueueSize', options.maxQueueSize) ?? read.number(['OTEL_BSP_MAX_QUEUE_SIZE'], 1) ?? 2_048
  let maxExportBatchSize =
    atLeast(1, 'batch.maxExportBatchSize', options.maxExportBatchSize) ??
    read.number(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], 1)
  if (maxExportBatchSize !== undefined && maxExportBatchSize > maxQueueSize) {
    report(
      `a batch of ${maxExportBatchSize} spans never fits a queue of ${maxQueueSize}; batches of ${maxQueueSize} are sent`,
    )
  }
  maxExportBatchSize = Math.min(maxExportBatchSize ?? 512, maxQueueSize)
  return {
    maxQueueSize,
    maxExportBatchSize,
    scheduledDelayMs:
      atLeast(0, 'batch.scheduledDelayMs', options.scheduledDelayMs) ??
      read.number(['OTEL_BSP_SCHEDULE_DELAY'], 0) ??
      5_000,
    exportTimeoutMs:
      atLeast(1, 'batch.exportTimeoutMs', options.exportTimeoutMs) ??
      read.number(['OTEL_BSP_EXPORT_TIMEOUT'], 1) ??
      30_000,
  }
}

function resolveResource(options: TracingOptions, read: EnvironmentReader, report: Report): Attributes {
  const attributes: Attributes = {}
  for (const pair of read.list('OTEL_RESOURCE_ATTRIBUTES') ?? []) {
    const [key, value, ...rest] = pair.split('=').map((part) => part.trim())
    try {
      if (!key || value === undefined) throw new Error('it must be key=value')
      attributes[decodeURIComponent(key)] = decodeURIComponent([value, ...rest].join('='))
    } catch (error) {
      report(`OTEL_RESOURCE_ATTRIBUTES: "${pair}" is left out: ${(error as Error).message}`)
    }
  }
  Object.assign(attributes, options.resourceAttributes)
  if (options.serviceVersion !== undefined) attributes['service.version'] = options.serviceVersion
  return attributes
}

function resolveSampler(read: EnvironmentReader): Sampler {
  const name = read.choice(['OTEL_TRACES_SAMPLER'], samplerNames) ?? 'parentbased_always_on'
  const root = (): Sampler => {
    if (name.endsWith('always_off')) return new AlwaysOffSampler()
    if (name.endsWith('always_on')) return new AlwaysOnSampler()
    return new TraceIdRatioBasedSampler(Math.min(read.number(['OTEL_TRACES_SAMPLER_ARG'], 0) ?? 1, 1))
  }
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root: root() }) : root()
}

function resolveSpanLimits(read: EnvironmentReader): SpanLimits {
  const limits = {
    attributeValueLengthLimit: read.number(
      ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
      0,
    ),
    attributeCountLimit: read.number(['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'], 0),
    eventCountLimit: read.number(['OTEL_SPAN_EVENT_COUNT_LIMIT'], 0),
    linkCountLimit: read.number(['OTEL_SPAN_LINK_COUNT_LIMIT'], 0),
    attributePerEventCountLimit: read.number(['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'], 0),
    attributePerLinkCountLimit: read.number(['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'], 0),
  }
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
}

function resolvePropagators(read: EnvironmentReader, report: Report): ('tracecontext' | 'baggage')[] {
  const names = [...new Set(read.list('OTEL_PROPAGATORS') ?? ['tracecontext', 'baggage'])]
  if (names.includes('none')) return []
  return names.filter((name) => {
    if (name === 'tracecontext' || name === 'baggage') return true
    report(`OTEL_PROPAGATORS: "${name}" is not built in; give its propagator to startTracing({ propagators })`)
    return false
  }) as ('tracecontext' | 'baggage')[]
}

function diagLevel(level: DiagnosticsLevel): DiagLogLevel {
  oneOf(diagnosticsLevels, 'diagnostics', level)
  return DiagLogLevel[level.toUpperCase() as Uppercase<DiagnosticsLevel>]
}

function oneOf<T extends string>(choices: readonly T[], name: string, value: T | undefined): T | undefined {
  if (value === undefined || choices.includes(value)) return value
  throw new InstrumentError('invalid_option', `${name}: ${JSON.stringify(value)} is not one of ${choices.join(', ')}`)
}

function atLeast(minimum: number, name: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isFinite(value) && value >= minimum)) return value
  throw new InstrumentError('invalid_option', `${name}: ${String(value)} is not a number of at least ${minimum}`)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
