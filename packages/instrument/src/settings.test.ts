import { DiagLogLevel } from '@opentelemetry/api'
import { describe, expect, test } from 'vitest'
import { InstrumentError } from './error.ts'
import { resolveSettings } from './settings.ts'

describe('precedence: code, environment, default', () => {
  test('defaults are those of the specification', () => {
    const settings = resolveSettings({}, {})
    expect(settings).toMatchObject({
      serviceName: undefined,
      destination: 'otlp',
      exporter: {
        protocol: 'http/protobuf',
        url: 'http://localhost:4318/v1/traces',
        headers: {},
        compression: 'none',
        timeoutMs: 10_000,
      },
      batch: { maxQueueSize: Infinity, maxQueueBytes: 67_108_864, maxExportBatchSize: 512, scheduledDelayMs: 1_000 },
      samplerText: 'parentbased_always_on',
      propagators: ['tracecontext', 'baggage'],
      diagnosticsLevel: DiagLogLevel.WARN,
      quiet: false,
      redactsUrls: true,
      exitDeadlineMs: 3_000,
      disabled: false,
      findings: [],
    })
    expect(settings.sampler.toString()).toMatch(/^ParentBased\{root=AlwaysOnSampler/)
    expect(Object.isFrozen(settings)).toBe(true)
  })

  const env = {
    OTEL_SERVICE_NAME: 'from-env',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=ignored,team=blue%2Cred, zone = a ',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:1234/base/',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=3',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_BSP_EXPORT_TIMEOUT: '60',
    SPOOR_MAX_QUEUE_BYTES: '70',
    SPOOR_REDACT_URLS: 'false',
    SPOOR_EXIT_DEADLINE_MS: '80',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_PROPAGATORS: 'tracecontext',
    OTEL_LOG_LEVEL: 'DEBUG',
    OTEL_SPAN_EVENT_COUNT_LIMIT: '7',
    OTEL_ATTRIBUTE_COUNT_LIMIT: '9',
    SPOOR_EXCLUDE: 'GET /health, /^GET .assets/ ,,',
  }

  test('the environment wins over the defaults', () => {
    const settings = resolveSettings({}, env)
    expect(settings).toMatchObject({
      serviceName: 'from-env',
      resourceAttributes: { team: 'blue,red', zone: 'a' },
      exporter: {
        protocol: 'http/json',
        url: 'http://collector:1234/base/v1/traces',
        headers: { a: '1', b: '3' },
        compression: 'gzip',
        timeoutMs: 60,
        headersFrom: { a: 'OTEL_EXPORTER_OTLP_HEADERS', b: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS' },
      },
      batch: { maxQueueSize: 100, maxQueueBytes: 70, maxExportBatchSize: 10, scheduledDelayMs: 50 },
      samplerText: 'parentbased_traceidratio 0.25',
      exclude: ['GET /health', /^GET .assets/],
      propagators: ['tracecontext'],
      diagnosticsLevel: DiagLogLevel.DEBUG,
      spanLimits: { eventCountLimit: 7, attributeCountLimit: 9 },
      redactsUrls: false,
      exitDeadlineMs: 80,
      findings: [],
    })
    expect(settings.sampler.toString()).toContain('TraceIdRatioBased{0.25}')
  })

  test('code wins over the environment, header by header', () => {
    const settings = resolveSettings(
      {
        serviceName: 'from-code',
        serviceVersion: '3',
        resourceAttributes: { team: 'green' },
        exporter: {
          protocol: 'grpc',
          url: 'http://other:4317',
          headers: { a: '9' },
          compression: 'none',
          timeoutMs: 1,
        },
        batch: { maxQueueSize: 20 },
        exclude: ['x'],
        propagators: [],
        diagnostics: 'none',
        quiet: true,
        exitDeadlineMs: 0,
      },
      env,
    )
    expect(settings).toMatchObject({
      serviceName: 'from-code',
      resourceAttributes: { team: 'green', zone: 'a', 'service.version': '3' },
      exporter: {
        protocol: 'grpc',
        url: 'http://other:4317',
        headers: { a: '9', b: '3' },
        compression: 'none',
        timeoutMs: 1,
      },
      batch: { maxQueueSize: 20, maxExportBatchSize: 10 },
      exclude: ['x'],
      propagators: [],
      diagnosticsLevel: DiagLogLevel.NONE,
      quiet: true,
      exitDeadlineMs: 0,
    })
  })

  test('an empty variable counts as unset', () => {
    const settings = resolveSettings(
      {},
      { OTEL_SERVICE_NAME: ' ', OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_BSP_SCHEDULE_DELAY: '' },
    )
    expect(settings).toMatchObject({ serviceName: undefined, batch: { scheduledDelayMs: 1_000 }, findings: [] })
  })

  test.each([
    ['http://localhost:4318', 1_000],
    ['http://127.0.0.1:9/x', 1_000],
    ['http://collector:4318', 5_000],
  ])('spans for %s wait %i ms', (url, delay) => {
    expect(resolveSettings({ exporter: { url } }, {}).batch.scheduledDelayMs).toBe(delay)
  })

  test('all propagators of the specification are known, in the order in which they are named', () => {
    const names = ['b3', 'tracecontext', 'b3multi', 'jaeger', 'xray', 'baggage']
    expect(resolveSettings({}, { OTEL_PROPAGATORS: names.join(', ').toUpperCase() })).toMatchObject({
      propagators: names,
      findings: [],
    })
    expect(resolveSettings({}, { OTEL_PROPAGATORS: 'none' })).toMatchObject({ propagators: [], findings: [] })
  })

  test('an unknown propagator never leaves none', () => {
    expect(resolveSettings({}, { OTEL_PROPAGATORS: 'ot' }).propagators).toEqual(['tracecontext', 'baggage'])
    expect(resolveSettings({}, { OTEL_PROPAGATORS: 'ot,b3' }).propagators).toEqual(['b3'])
  })
})

describe('the address', () => {
  test.each([
    ['http://localhost:4318', 'http://localhost:4318/v1/traces'],
    ['http://localhost:4318/', 'http://localhost:4318/v1/traces'],
    ['https://user:secret@host/own/path', 'https://user:secret@host/own/path'],
  ])('in code, %s becomes %s', (url, expected) => {
    expect(resolveSettings({ exporter: { url } }, {}).exporter.url).toBe(expected)
  })

  test('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is taken as it is', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://shared:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://own:4318/custom',
    }
    expect(resolveSettings({}, env)).toMatchObject({ exporter: { url: 'http://own:4318/custom' }, findings: [] })
  })

  test('gRPC without a scheme is TLS unless told otherwise', () => {
    const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }
    expect(resolveSettings({}, grpc).exporter.url).toBe('https://collector:4317')
    expect(resolveSettings({}, grpc).findings).toEqual([expect.stringContaining('TLS is used')])
    const insecure = resolveSettings({}, { ...grpc, OTEL_EXPORTER_OTLP_INSECURE: 'true' })
    expect(insecure).toMatchObject({ exporter: { url: 'http://collector:4317' }, findings: [] })
  })
})

describe('what is probably not meant', () => {
  test.each([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4317' },
      /port 4317 is the OTLP\/gRPC port but the protocol is http\/protobuf/,
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /port 4318 is the OTLP\/HTTP port but the protocol is grpc/,
    ],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://h:4318' },
      /has no path, so spans are posted to \/; write http:\/\/h:4318\/v1\/traces$/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318/v1/traces' }, /appended again; write http:\/\/h:4318, or/],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'h:4318' },
      /is not an http:\/\/ or https:\/\/ URL; write http:\/\/h:4318; http:\/\/localhost:4318 is used/,
    ],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' }, /"thrift" is not one of http\/protobuf, http\/json, grpc/],
    [{ OTEL_BSP_SCHEDULE_DELAY: '5s' }, /OTEL_BSP_SCHEDULE_DELAY="5s" is not a number of at least 0/],
    [
      { OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20' },
      /a batch of 20 spans never fits a queue of 10/,
    ],
    [{ OTEL_PROPAGATORS: 'ot' }, /OTEL_PROPAGATORS: "ot" is none of tracecontext, .*; using tracecontext, baggage$/],
    [
      { OTEL_EXPORTER_OTLP_HEADERS: 'Authorization: Bearer abcdefghijklmnop' },
      /^OTEL_EXPORTER_OTLP_HEADERS: it is not key=value; write it as OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20…"$/,
    ],
    [
      { OTEL_EXPORTER_OTLP_HEADERS: 'x y=Bearer abcdefghijklmnop' },
      /^OTEL_EXPORTER_OTLP_HEADERS: "x y: Bearer abc…, 16 characters" cannot be a header; write it as .*="x=…"$/,
    ],
    [{ OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/such.pem' }, /OTEL_EXPORTER_OTLP_CERTIFICATE: ENOENT.*; it is left out$/],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, /^no trace begins here: OTEL_TRACES_SAMPLER is always_off/],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      /^no trace begins here: OTEL_TRACES_SAMPLER is parentbased_traceidratio 0/,
    ],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '10' },
      /^OTEL_TRACES_SAMPLER_ARG=10 is more than all, .* from 0 to 1: 10 % is 0\.1$/,
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: '"http://h:4318"' },
      /^OTEL_EXPORTER_OTLP_ENDPOINT has quotes around its value.*; write OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/h:4318$/,
    ],
    [{ OTEL_SDK_DISABLED: "'true'" }, /^OTEL_SDK_DISABLED has quotes.*; write OTEL_SDK_DISABLED=true$/],
    [
      { OTEL_EXPORTER_OTLP_HEADERS: '"authorization=abcdef"' },
      /^OTEL_EXPORTER_OTLP_HEADERS has quotes.*; write it without$/,
    ],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /OTEL_TRACES_EXPORTER="zipkin"/],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }, /OTEL_RESOURCE_ATTRIBUTES: "b" is left out: it must be key=value/],
    [{ OTEL_SDK_DISABLED: 'yes' }, /OTEL_SDK_DISABLED="yes" is neither true nor false/],
    [{ SPOOR_EXCLUDE: '/(/' }, /SPOOR_EXCLUDE: Invalid regular expression/],
  ])('%o is found', (env, finding) => {
    expect(resolveSettings({}, env).findings).toEqual([expect.stringMatching(finding)])
  })
})

test('a value in quotes is used without them', () => {
  const settings = resolveSettings({}, { OTEL_EXPORTER_OTLP_ENDPOINT: '"http://h:4318"', OTEL_SDK_DISABLED: "'true'" })
  expect(settings).toMatchObject({ exporter: { url: 'http://h:4318/v1/traces' }, disabled: true })
})

describe('impossible options throw and name the option', () => {
  test.each([
    [{ exporter: { url: 'localhost:4318' } }, 'exporter.url: "localhost:4318"'],
    [{ exporter: { protocol: 'http' } }, 'exporter.protocol: "http" is not one of http/protobuf, http/json, grpc'],
    [{ exporter: { timeoutMs: 0 } }, 'exporter.timeoutMs: 0'],
    [{ batch: { maxQueueSize: Number.NaN } }, 'batch.maxQueueSize: NaN is not a number of at least 1'],
    [{ exporter: { headers: { 'x y': '1' } } }, 'exporter.headers: "x y: ***" cannot be a header'],
    [{ diagnostics: 'loud' }, 'diagnostics: "loud"'],
    [{ exitDeadlineMs: -1 }, 'exitDeadlineMs: -1'],
  ])('%o', (options, message) => {
    const resolve = (): unknown => resolveSettings(options as never, {})
    expect(resolve).toThrow(InstrumentError)
    expect(resolve).toThrow(message)
  })
})

test('attributes with another separator than commas are told', () => {
  const { findings, serviceName } = resolveSettings(
    {},
    { OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop;team=blue,url=a?b=c' },
  )
  expect(serviceName).toBe('shop;team=blue')
  expect(findings).toEqual([
    'OTEL_RESOURCE_ATTRIBUTES: "service.name=shop;team=blue" is taken as one attribute; write commas in between',
  ])
})

test('variables that are set and not read are told', () => {
  expect(resolveSettings({}, { OTEL_EXPORTER_OTLP_ENDPONT: 'http://a:4318' }).findings).toEqual([
    'OTEL_EXPORTER_OTLP_ENDPONT is no variable of OpenTelemetry, and is not read; write OTEL_EXPORTER_OTLP_ENDPOINT',
  ])
})
