import { readFileSync } from 'node:fs'
import { type Attributes, DiagLogLevel, type TextMapPropagator } from '@opentelemetry/api'
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
import { isLoopback } from './failure.ts'
import { headerProblem, type Headers, parseHeaders } from './header-values.ts'
import type { BatchOptions, DiagnosticsLevel, ExcludeRule, TracingOptions } from './options.ts'
import type { SenderSettings } from './otlp/sender.ts'
import { type PropagatorName, propagatorNames } from './propagators.ts'
import { checkSlips } from './slips.ts'

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

/** Where spans are sent to, with nothing left open. */
export interface ExporterSettings extends SenderSettings {
  /** The URL for messages: without a password. */
  readonly shownUrl: string
  /** By the header's name: the variable or option that has set it. */
  readonly headersFrom: Readonly<Record<string, string>>
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
  /** The sampler for messages. */
  readonly samplerText: string
  readonly spanLimits: SpanLimits
  /** Names of built-in propagators, or the caller's own. */
  readonly propagators: readonly (TextMapPropagator | PropagatorName)[]
  readonly diagnosticsLevel: DiagLogLevel
  readonly quiet: boolean
  /** Milliseconds. */
  readonly exitDeadlineMs: number
  /** Whether secrets are taken out of URLs. */
  readonly redactsUrls: boolean
  /** Whether a Spoor that asks for it is told what this process knows of itself. */
  readonly reports: boolean
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

  checkSlips(env, report)
  const destination = resolveDestination(read, report)
  const exporter = resolveExporter(options.exporter ?? {}, read, report)
  if (destination === 'otlp') checkPort(exporter, report)
  const resourceAttributes = resolveResource(options, read, report)
  const sampling = resolveSampler(options.sampler, read, report)
  return Object.freeze({
    serviceName: options.serviceName ?? read.text('OTEL_SERVICE_NAME') ?? textOf(resourceAttributes['service.name']),
    resourceAttributes,
    destination,
    exporter,
    batch: resolveBatch(options.batch ?? {}, exporter.url, read, report),
    exclude: options.exclude ?? parseExcludeRules(read.text('SPOOR_EXCLUDE') ?? '', report),
    instrumentations: options.instrumentations ?? 'default',
    sampler: sampling.sampler,
    samplerText: sampling.text,
    spanLimits: resolveSpanLimits(read),
    propagators: options.propagators ?? resolvePropagators(read, report),
    diagnosticsLevel: diagLevel(options.diagnostics ?? read.choice(['OTEL_LOG_LEVEL'], diagnosticsLevels) ?? 'warn'),
    quiet: options.quiet ?? read.boolean('SPOOR_QUIET'),
    exitDeadlineMs:
      atLeast(0, 'exitDeadlineMs', options.exitDeadlineMs) ?? read.number(['SPOOR_EXIT_DEADLINE_MS'], 0) ?? 3_000,
    redactsUrls: options.redactUrls ?? read.boolean('SPOOR_REDACT_URLS', true),
    reports: options.reports ?? read.boolean('SPOOR_REPORTS', env['AWS_LAMBDA_FUNCTION_NAME'] === undefined),
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
  const { headers, from } = resolveHeaders(options.headers ?? {}, read, report)
  return {
    protocol,
    url,
    shownUrl: url.replace(/(?<=\/\/[^/@:]*:)[^/@]+(?=@)/, '***'),
    headers,
    headersFrom: from,
    tls: resolveCertificates(read, report),
    compression:
      oneOf(['gzip', 'none'] as const, 'exporter.compression', options.compression) ??
      read.choice(['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'], [
        'gzip',
        'none',
      ] as const) ??
      'none',
    timeoutMs:
      atLeast(1, 'exporter.timeoutMs', options.timeoutMs) ??
      Math.min(
        read.number(['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'], 1) ?? 10_000,
        read.number(['OTEL_BSP_EXPORT_TIMEOUT'], 1) ?? Infinity,
      ),
  }
}

function resolveHeaders(options: Readonly<Record<string, string>>, read: EnvironmentReader, report: Report): Headers {
  const headers: Record<string, string> = {}
  const from: Record<string, string> = {}
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    const parsed = parseHeaders(read.text(name) ?? '', name, report)
    Object.assign(headers, parsed.headers)
    Object.assign(from, parsed.from)
  }
  for (const [key, value] of Object.entries(options)) {
    const problem = headerProblem(key, value)
    if (problem !== undefined) throw new InstrumentError('invalid_option', `exporter.headers: ${problem}`)
    headers[key.toLowerCase()] = value
    from[key.toLowerCase()] = 'exporter.headers'
  }
  return { headers, from }
}

function resolveCertificates(read: EnvironmentReader, report: Report): SenderSettings['tls'] {
  const variables = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' }
  const tls: Record<string, Uint8Array> = {}
  for (const [option, suffix] of Object.entries(variables)) {
    const found = read.find([`OTEL_EXPORTER_OTLP_TRACES_${suffix}`, `OTEL_EXPORTER_OTLP_${suffix}`])
    if (!found) continue
    try {
      tls[option] = readFileSync(found.value)
    } catch (error) {
      report(`${found.name}: ${(error as Error).message}; it is left out`)
    }
  }
  return tls
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
    const meant = URL.canParse(`http://${shared.value}`) ? `; write http://${shared.value}` : ''
    report(`${shared.name}="${shared.value}" is not an http:// or https:// URL${meant}; http://localhost:4318 is used`)
    return `http://localhost:4318${tracesPath}`
  }
  if (own) {
    if (url.pathname === '/')
      report(`${own.name} has no path, so spans are posted to /; write ${url.origin}${tracesPath}`)
    return url.href
  }
  if (url.pathname.endsWith(tracesPath)) {
    report(
      `${shared.name} ends in ${tracesPath}, which is appended again; write ${url.href.slice(0, -tracesPath.length)}, or set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to the whole URL`,
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

function resolveBatch(
  options: BatchOptions,
  url: string,
  read: EnvironmentReader,
  report: Report,
): Required<BatchOptions> {
  const maxQueueSize =
    atLeast(1, 'batch.maxQueueSize', options.maxQueueSize) ?? read.number(['OTEL_BSP_MAX_QUEUE_SIZE'], 1) ?? Infinity
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
    maxQueueBytes:
      atLeast(1, 'batch.maxQueueBytes', options.maxQueueBytes) ??
      read.number(['SPOOR_MAX_QUEUE_BYTES'], 1) ??
      64 * 1024 * 1024,
    maxExportBatchSize,
    scheduledDelayMs:
      atLeast(0, 'batch.scheduledDelayMs', options.scheduledDelayMs) ??
      read.number(['OTEL_BSP_SCHEDULE_DELAY'], 0) ??
      (isLoopback(url) ? 1_000 : 5_000),
  }
}

function resolveResource(options: TracingOptions, read: EnvironmentReader, report: Report): Attributes {
  const attributes: Attributes = {}
  for (const pair of read.list('OTEL_RESOURCE_ATTRIBUTES') ?? []) {
    const [key, value, ...rest] = pair.split('=').map((part) => part.trim())
    try {
      if (!key || value === undefined) throw new Error('it must be key=value')
      if (rest.length > 0 && /[;\s]\s*[\w.]+$/.test(value))
        report(`OTEL_RESOURCE_ATTRIBUTES: "${pair}" is taken as one attribute; write commas in between`)
      attributes[decodeURIComponent(key)] = decodeURIComponent([value, ...rest].join('='))
    } catch (error) {
      report(`OTEL_RESOURCE_ATTRIBUTES: "${pair}" is left out: ${(error as Error).message}`)
    }
  }
  Object.assign(attributes, options.resourceAttributes)
  if (options.serviceVersion !== undefined) attributes['service.version'] = options.serviceVersion
  return attributes
}

function resolveSampler(
  option: Sampler | undefined,
  read: EnvironmentReader,
  report: Report,
): { sampler: Sampler; text: string } {
  if (option) return { sampler: option, text: option.toString().slice(0, 80) }
  const variable = 'OTEL_TRACES_SAMPLER'
  const name = read.choice([variable], samplerNames) ?? 'parentbased_always_on'
  const argument = name.endsWith('traceidratio') ? (read.number(['OTEL_TRACES_SAMPLER_ARG'], 0) ?? 1) : undefined
  if (argument !== undefined && argument > 1)
    report(
      `OTEL_TRACES_SAMPLER_ARG=${argument} is more than all, and all traces are kept; write a share from 0 to 1${argument <= 100 ? `: ${argument} % is ${argument / 100}` : ''}`,
    )
  const ratio = argument === undefined ? undefined : Math.min(argument, 1)
  if (name.endsWith('always_off') || ratio === 0) {
    report(`no trace begins here: ${variable} is ${name}${ratio === 0 ? ' 0' : ''}; unset it to see traces`)
  }
  const root = (): Sampler => {
    if (name.endsWith('always_off')) return new AlwaysOffSampler()
    return ratio === undefined ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(ratio)
  }
  return {
    sampler: name.startsWith('parentbased_') ? new ParentBasedSampler({ root: root() }) : root(),
    text: ratio === undefined ? name : `${name} ${ratio}`,
  }
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

function resolvePropagators(read: EnvironmentReader, report: Report): readonly PropagatorName[] {
  const standard = ['tracecontext', 'baggage'] as const
  const names = [...new Set(read.list('OTEL_PROPAGATORS')?.map((name) => name.toLowerCase()) ?? standard)]
  if (names.includes('none')) return []
  const known = propagatorNames.filter((name) => names.includes(name))
  const unknown = names.filter((name) => !(propagatorNames as readonly string[]).includes(name))
  const used = known.length > 0 ? names.filter((name): name is PropagatorName => !unknown.includes(name)) : standard
  if (unknown.length > 0) {
    report(
      `OTEL_PROPAGATORS: "${unknown.join(',')}" is none of ${propagatorNames.join(', ')}, none; using ${used.join(', ')}`,
    )
  }
  return used
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
