import { expect, test } from 'vitest'
import { checkSlips } from './slips.ts'

function found(env: Record<string, string>): string[] {
  const findings: string[] = []
  checkSlips(env, (finding) => void findings.push(finding))
  return findings
}

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPONT', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ['OTEL_EXPORTER_OTLP_TRACE_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
  ['OTEL_EXPORTER_OTLP_HEADER', 'OTEL_EXPORTER_OTLP_HEADERS'],
  ['OTEL_EXPORTER_OTLP_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ['OTEL_COLLECTOR_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ['OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ['OTEL_TRACE_SAMPLER', 'OTEL_TRACES_SAMPLER'],
  ['OTEL_TRACES_SAMPLER_RATIO', 'OTEL_TRACES_SAMPLER_ARG'],
  ['OTEL_BSP_MAX_QUEUE_SIZES', 'OTEL_BSP_MAX_QUEUE_SIZE'],
  ['OTEL_SERVICENAME', 'OTEL_SERVICE_NAME'],
])('%s is meant for %s, unless that is set', (name, meant) => {
  expect(found({ [name]: 'x' })).toEqual([`${name} is no variable of OpenTelemetry, and is not read; write ${meant}`])
  expect(found({ [name]: 'x', [meant]: 'y' })).toEqual([])
  expect(found({ [name]: '' })).toEqual([])
})

test('what others read is none of our business', () => {
  expect(
    found({
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://a',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://a',
      OTEL_NODE_RESOURCE_DETECTORS: 'all',
      OTEL_SERVICE_VERSION: '1',
      SERVICE_NAME: 'shop',
    }),
  ).toEqual([])
})

test.each([
  ['http://${COLLECTOR}:4318', '${COLLECTOR}'],
  ['http://${COLLECTOR:-localhost}:4318', '${COLLECTOR:-localhost}'],
  ['http://$COLLECTOR:4318', '$COLLECTOR'],
  ['%COLLECTOR%', '%COLLECTOR%'],
  ['http://{{ .Values.collector }}', '{{ .Values.collector }}'],
  ['https://<HOST>:4318', '<HOST>'],
])('in %s nothing has put a value', (value, place) => {
  expect(found({ OTEL_EXPORTER_OTLP_ENDPOINT: value })).toEqual([
    `OTEL_EXPORTER_OTLP_ENDPOINT="${value}": nothing has put a value in the place of ${place}; write the value`,
  ])
})

test('secrets and attributes may hold anything', () => {
  expect(found({ OTEL_EXPORTER_OTLP_HEADERS: 'a=${b}', OTEL_RESOURCE_ATTRIBUTES: 'a=<B>' })).toEqual([])
  expect(found({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:pa$word@host:4318/a%20b' })).toEqual([])
})
