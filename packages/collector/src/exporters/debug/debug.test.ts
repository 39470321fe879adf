import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatch, encodeTraces, logsFromJson, metricsFromJson } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector } from '../../collector.ts'
import { builtinFactories } from '../../factories.ts'
import {
  createTestLogger,
  logsRequest,
  metricsRequest,
  postTraces,
  tracesRequest,
  type TestLogger,
} from '../../testkit/index.ts'
import { batchOf, startExporter } from '../fixture.ts'
import { debugExporter } from './index.ts'
import { EMPTY_CONTEXT } from '../../component/index.ts'

const SPAN = encodeTraces({
  resourceSpans: [
    {
      resource: {
        attributes: [{ key: 'service.name', value: { type: 'string', value: 'shop' } }],
        droppedAttributesCount: 0,
      },
      schemaUrl: '',
      scopeSpans: [
        {
          scope: { name: 'http', version: '1.0', attributes: [], droppedAttributesCount: 0 },
          schemaUrl: '',
          spans: [
            {
              traceId: '0102030405060708090a0b0c0d0e0f10',
              spanId: '1112131415161718',
              parentSpanId: '2122232425262728',
              traceState: '',
              flags: 0,
              name: 'GET /cart',
              kind: 2,
              startTimeUnixNano: 1_767_225_600_000_000_001n,
              endTimeUnixNano: 1_767_225_601_500_000_000n,
              attributes: [
                { key: 'n', value: { type: 'int', value: 9_007_199_254_740_993n } },
                {
                  key: 'list',
                  value: {
                    type: 'array',
                    value: [
                      { type: 'string', value: 'a' },
                      { type: 'bool', value: true },
                    ],
                  },
                },
              ],
              droppedAttributesCount: 2,
              events: [
                { timeUnixNano: 1_767_225_600_000_000_000n, name: 'hit', attributes: [], droppedAttributesCount: 0 },
              ],
              droppedEventsCount: 0,
              links: [],
              droppedLinksCount: 0,
              status: { code: 2, message: 'boom' },
            },
          ],
        },
      ],
    },
  ],
})

const textOf = (logger: TestLogger): unknown => logger.lines[0]?.fields['text']

test('basic: one line a batch', async () => {
  const { exporter, context } = await startExporter(debugExporter, {})
  const chunks = [1, 2].map((seed) => ({ bytes: tracesRequest({ spans: 6, services: 2, seed }), items: 6 }))
  await exporter.consume(createBatch('traces', chunks), EMPTY_CONTEXT)
  await exporter.consume(batchOf(logsRequest(3), 3, 'logs'), EMPTY_CONTEXT)
  expect(context.logger.lines.map(({ message, fields }) => [message, fields])).toEqual([
    [
      'Traces',
      { component: 'debug', 'resource spans': 4, spans: 12, bytes: chunks[0]!.bytes.length + chunks[1]!.bytes.length },
    ],
    ['Logs', { component: 'debug', 'resource logs': 1, 'log records': 3, bytes: logsRequest(3).length }],
  ])
  expect(context.value('otelcol_exporter_sent_spans')).toBe(12)
})

test('normal: one line a span', async () => {
  const { exporter, context } = await startExporter(debugExporter, { verbosity: 'normal' })
  await exporter.consume(batchOf(SPAN, 1), EMPTY_CONTEXT)
  expect(textOf(context.logger)).toBe(`ResourceTraces #0 service.name=shop
ScopeTraces #0 http@1.0
GET /cart 0102030405060708090a0b0c0d0e0f10 1112131415161718 n=9007199254740993 list=["a",true]`)
})

test('detailed: everything', async () => {
  const { exporter, context } = await startExporter(debugExporter, { verbosity: 'detailed' })
  await exporter.consume(batchOf(SPAN, 1), EMPTY_CONTEXT)
  expect(textOf(context.logger)).toBe(`ResourceSpans #0
Resource SchemaURL: 
Resource attributes:
     -> service.name: Str(shop)
ScopeSpans #0
ScopeSpans SchemaURL: 
InstrumentationScope http 1.0
Span #0
    Trace ID       : 0102030405060708090a0b0c0d0e0f10
    Parent ID      : 2122232425262728
    ID             : 1112131415161718
    Name           : GET /cart
    Kind           : Server
    Start time     : 2026-01-01 00:00:00.000000001 +0000 UTC
    End time       : 2026-01-01 00:00:01.5 +0000 UTC
    Status code    : Error
    Status message : boom
    DroppedAttributesCount: 2
Attributes:
     -> n: Int(9007199254740993)
     -> list: Slice(["a",true])
Events:
SpanEvent #0
     -> Name: hit
     -> Timestamp: 2026-01-01 00:00:00 +0000 UTC
     -> DroppedAttributesCount: 0`)
})

test('sampling: the first batches of a second, then every so-many-th', async () => {
  const { exporter, context } = await startExporter(debugExporter, { sampling_initial: 2, sampling_thereafter: 1000 })
  for (let index = 0; index < 100; index++) await exporter.consume(batchOf(SPAN, 1), EMPTY_CONTEXT)
  // 2, and the third as the first of the sampled ones; twice that where a second began in between.
  expect([3, 6]).toContain(context.logger.lines.length)
  expect(context.value('otelcol_exporter_sent_spans')).toBe(100)
})

const ATTRIBUTES = [
  { key: 'a', value: { stringValue: 'x' } },
  { key: 'n', value: { intValue: '5' } },
]

const RECORDS = logsFromJson(
  JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: ATTRIBUTES },
        schemaUrl: 'https://example.com/1',
        scopeLogs: [
          {
            scope: { name: 'app', version: '2' },
            logRecords: [
              {
                timeUnixNano: '1767225600000000001',
                observedTimeUnixNano: '1767225600500000000',
                severityNumber: 10,
                severityText: 'INFO2',
                eventName: 'started',
                body: { stringValue: 'up and running' },
                attributes: [{ key: 'm', value: { kvlistValue: { values: ATTRIBUTES } } }],
                traceId: '0102030405060708090a0b0c0d0e0f10',
                spanId: '1112131415161718',
                flags: 1,
              },
              { body: { kvlistValue: { values: ATTRIBUTES } } },
              {},
            ],
          },
        ],
      },
    ],
  }),
)

describe('logs', () => {
  test('normal: one line a record', async () => {
    const { exporter, context } = await startExporter(debugExporter, { verbosity: 'normal' })
    await exporter.consume(batchOf(RECORDS, 3, 'logs'), EMPTY_CONTEXT)
    expect(textOf(context.logger)).toBe(`ResourceLog #0 [https://example.com/1] a=x n=5
ScopeLog #0 app@2
up and running m={"a":"x","n":5}
{"a":"x","n":5}
null`)
  })

  test('detailed: everything', async () => {
    const { exporter, context } = await startExporter(debugExporter, { verbosity: 'detailed' })
    await exporter.consume(batchOf(RECORDS, 3, 'logs'), EMPTY_CONTEXT)
    expect(textOf(context.logger)).toBe(`ResourceLog #0
Resource SchemaURL: https://example.com/1
Resource attributes:
     -> a: Str(x)
     -> n: Int(5)
ScopeLogs #0
ScopeLogs SchemaURL: 
InstrumentationScope app 2
LogRecord #0
ObservedTimestamp: 2026-01-01 00:00:00.5 +0000 UTC
Timestamp: 2026-01-01 00:00:00.000000001 +0000 UTC
SeverityText: INFO2
SeverityNumber: Info2(10)
EventName: started
Body: Str(up and running)
Attributes:
     -> m: Map({"a":"x","n":5})
Trace ID: 0102030405060708090a0b0c0d0e0f10
Span ID: 1112131415161718
Flags: 1
LogRecord #1
ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC
Timestamp: 1970-01-01 00:00:00 +0000 UTC
SeverityText: 
SeverityNumber: Unspecified(0)
Body: Map({"a":"x","n":5})
Trace ID: 
Span ID: 
Flags: 0
LogRecord #2
ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC
Timestamp: 1970-01-01 00:00:00 +0000 UTC
SeverityText: 
SeverityNumber: Unspecified(0)
Body: Empty()
Trace ID: 
Span ID: 
Flags: 0`)
  })
})

const AT = { startTimeUnixNano: '1767225600000000000', timeUnixNano: '1767225601000000000', attributes: ATTRIBUTES }
const POINTS = metricsFromJson(
  JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: [ATTRIBUTES[0]] },
        scopeMetrics: [
          {
            scope: { name: 'meter' },
            metrics: [
              {
                name: 'g',
                unit: '1',
                description: 'A gauge',
                gauge: {
                  dataPoints: [
                    { ...AT, asInt: '3' },
                    { flags: 1, asDouble: 1.5 },
                  ],
                },
              },
              {
                name: 's',
                sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [{ ...AT, asDouble: 0.25 }] },
              },
              {
                name: 'h',
                histogram: {
                  aggregationTemporality: 1,
                  dataPoints: [
                    {
                      ...AT,
                      count: '3',
                      sum: 6,
                      min: 1,
                      max: 3,
                      explicitBounds: [1, 2],
                      bucketCounts: ['1', '1', '1'],
                      exemplars: [
                        {
                          timeUnixNano: AT.timeUnixNano,
                          asDouble: 3,
                          spanId: '1112131415161718',
                          traceId: '0102030405060708090a0b0c0d0e0f10',
                          filteredAttributes: [ATTRIBUTES[0]],
                        },
                      ],
                    },
                  ],
                },
              },
              {
                name: 'e',
                exponentialHistogram: {
                  aggregationTemporality: 2,
                  dataPoints: [
                    {
                      count: '6',
                      scale: 0,
                      zeroCount: '1',
                      positive: { offset: 1, bucketCounts: ['2', '1'] },
                      negative: { offset: 0, bucketCounts: ['1', '1'] },
                    },
                  ],
                },
              },
              {
                name: 'q',
                summary: { dataPoints: [{ count: '2', sum: 3, quantileValues: [{ quantile: 0.5, value: 1.5 }] }] },
              },
            ],
          },
        ],
      },
    ],
  }),
)

describe('metrics', () => {
  test('normal: one line a data point', async () => {
    const { exporter, context } = await startExporter(debugExporter, { verbosity: 'normal' })
    await exporter.consume(batchOf(POINTS, 6, 'metrics'), EMPTY_CONTEXT)
    expect(context.logger.lines[0]).toMatchObject({
      message: 'Metrics',
      fields: { 'resource metrics': 1, 'data points': 6 },
    })
    expect(textOf(context.logger)).toBe(`ResourceMetrics #0 a=x
ScopeMetrics #0 meter
g{a=x,n=5} 3
g{} 1.5
s{a=x,n=5} 0.25
h{a=x,n=5} count=3 sum=6 min=1 max=3 le1=1 le2=1 1
e{} count=6 le-2=1 le-1=1 zero=1 le4=2 le8=1
q{} count=2 sum=3 q0.5=1.5`)
  })

  test('detailed: everything', async () => {
    const { exporter, context } = await startExporter(debugExporter, { verbosity: 'detailed' })
    await exporter.consume(batchOf(POINTS, 6, 'metrics'), EMPTY_CONTEXT)
    const at = `Data point attributes:
     -> a: Str(x)
     -> n: Int(5)
StartTimestamp: 2026-01-01 00:00:00 +0000 UTC
Timestamp: 2026-01-01 00:00:01 +0000 UTC`
    const never = `StartTimestamp: 1970-01-01 00:00:00 +0000 UTC
Timestamp: 1970-01-01 00:00:00 +0000 UTC`
    const descriptor = (name: string, description: string, unit: string, kind: string): string => `Descriptor:
     -> Name: ${name}
     -> Description: ${description}
     -> Unit: ${unit}
     -> DataType: ${kind}`
    expect(textOf(context.logger)).toBe(`ResourceMetrics #0
Resource SchemaURL: 
Resource attributes:
     -> a: Str(x)
ScopeMetrics #0
ScopeMetrics SchemaURL: 
InstrumentationScope meter 
Metric #0
${descriptor('g', 'A gauge', '1', 'Gauge')}
NumberDataPoints #0
${at}
Value: 3
NumberDataPoints #1
${never}
Value: 1.500000
Flags: NoRecordedValue
Metric #1
${descriptor('s', '', '', 'Sum')}
     -> IsMonotonic: true
     -> AggregationTemporality: Cumulative
NumberDataPoints #0
${at}
Value: 0.250000
Metric #2
${descriptor('h', '', '', 'Histogram')}
     -> AggregationTemporality: Delta
HistogramDataPoints #0
${at}
Count: 3
Sum: 6.000000
Min: 1.000000
Max: 3.000000
ExplicitBounds #0: 1.000000
ExplicitBounds #1: 2.000000
Buckets #0, Count: 1
Buckets #1, Count: 1
Buckets #2, Count: 1
Exemplars:
Exemplar #0
     -> Trace ID: 0102030405060708090a0b0c0d0e0f10
     -> Span ID: 1112131415161718
     -> Timestamp: 2026-01-01 00:00:01 +0000 UTC
     -> Value: 3.000000
     -> FilteredAttributes:
          -> a: Str(x)
Metric #3
${descriptor('e', '', '', 'ExponentialHistogram')}
     -> AggregationTemporality: Cumulative
ExponentialHistogramDataPoints #0
${never}
Count: 6
Bucket [-4.000000, -2.000000), Count: 1
Bucket [-2.000000, -1.000000), Count: 1
Bucket [0, 0], Count: 1
Bucket (2.000000, 4.000000], Count: 2
Bucket (4.000000, 8.000000], Count: 1
Metric #4
${descriptor('q', '', '', 'Summary')}
SummaryDataPoints #0
${never}
Count: 2
Sum: 3.000000
QuantileValue #0: Quantile 0.500000, Value 1.500000`)
  })
})

describe('where it goes', () => {
  test('to the log as what somebody has asked to see, whatever the level', async () => {
    const { exporter, context } = await startExporter(debugExporter, {})
    await exporter.consume(batchOf(metricsRequest(1), 1, 'metrics'), EMPTY_CONTEXT)
    expect(context.logger.lines.map(({ level }) => level)).toEqual(['print'])
  })

  test('also where the configuration asks for errors only', async () => {
    const config = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {debug: }
service: {telemetry: {logs: {level: error}}, pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}`
    const logger = createTestLogger()
    const collector = createCollector({ config, factories: builtinFactories, logger })
    onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
    await collector.start()
    await postTraces(collector.listening()[0]!.address, SPAN)
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([['print', 'Traces']])
  })

  test('to files', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spoor-debug-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const paths = ['one', 'two'].map((name) => join(directory, name))
    const { exporter, context } = await startExporter(debugExporter, {
      verbosity: 'normal',
      use_internal_logger: false,
      output_paths: paths,
    })
    await exporter.consume(batchOf(SPAN, 1), EMPTY_CONTEXT)
    for (const path of paths) {
      const [title, resource] = readFileSync(path, 'utf8').split('\n')
      expect(title).toBe(`Traces {"resource spans":1,"spans":1,"bytes":${SPAN.length}}`)
      expect(resource).toBe('ResourceTraces #0 service.name=shop')
    }
    expect(context.logger.lines).toEqual([])
  })

  test('not to a file that cannot be written, or without being asked to', async () => {
    const nowhere = { use_internal_logger: false, output_paths: ['/proc/nowhere/x'] }
    await expect(startExporter(debugExporter, nowhere)).rejects.toThrow('output_paths: cannot write /proc/nowhere/x')
    await expect(startExporter(debugExporter, { output_paths: ['x'] })).rejects.toThrow(
      'output_paths requires use_internal_logger to be false',
    )
  })

  test('behind a queue, where it is told to', async () => {
    const direct = await startExporter(debugExporter, { sending_queue: null })
    expect(direct.context.value('otelcol_exporter_queue_capacity')).toBe(0)
    const { exporter, context } = await startExporter(debugExporter, { sending_queue: { queue_size: 7 } })
    await exporter.consume(batchOf(SPAN, 1), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_queue_capacity')).toBe(7)
  })
})
