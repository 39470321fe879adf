import { createBatch, decodeLogs, encodeTraces, type Signal } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { CollectorError, EMPTY_CONTEXT } from '../../component/index.ts'
import { createSink, createTestContext, tracesRequest, type Sink } from '../../testkit/index.ts'
import { ExceptionCounts } from './counts.ts'
import type { Exception } from './find.ts'
import { exceptionsConnector } from './index.ts'

const text = (value: string) => ({ type: 'string', value }) as const
const NO_ATTRIBUTES = { attributes: [], droppedAttributesCount: 0 }

function failing(message: string) {
  const attributes = [
    { key: 'exception.type', value: text('Error') },
    { key: 'exception.message', value: text(message) },
  ]
  const bytes = encodeTraces({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: text('shop') }], droppedAttributesCount: 0 },
        schemaUrl: '',
        scopeSpans: [
          {
            scope: { name: 'web', version: '', ...NO_ATTRIBUTES },
            schemaUrl: '',
            spans: [
              {
                traceId: '1'.padStart(32, '0'),
                spanId: '1'.padStart(16, '0'),
                traceState: '',
                parentSpanId: '',
                flags: 0,
                name: 'get',
                kind: 2,
                startTimeUnixNano: 1n,
                endTimeUnixNano: 2n,
                ...NO_ATTRIBUTES,
                events: [{ name: 'exception', timeUnixNano: 3n, attributes, droppedAttributesCount: 0 }],
                droppedEventsCount: 0,
                links: [],
                droppedLinksCount: 0,
                status: { code: 2, message: '' },
              },
            ],
          },
        ],
      },
    ],
  })
  return createBatch('traces', [{ bytes, items: 1 }])
}

function create(sinks: Partial<Record<Signal, Sink>>) {
  const context = createTestContext('exceptions')
  const parsed = exceptionsConnector.config.safeParse({})
  if (!parsed.success) throw new Error('config')
  const next = new Map(Object.entries(sinks) as [Signal, Sink][])
  return { context, connector: exceptionsConnector.create(context, parsed.data, next, []) }
}

it('refuses a batch whose logs are refused, and has not counted it', async () => {
  const sinks = { metrics: createSink(), logs: createSink() }
  const { connector } = create(sinks)
  sinks.logs.intercept = () => {
    throw new CollectorError('unavailable', 'not now')
  }
  await expect(connector.consume(failing('a'), EMPTY_CONTEXT)).rejects.toMatchObject({ retryable: true })
  expect(sinks.metrics.batches).toEqual([])
  sinks.logs.intercept = undefined
  await connector.consume(failing('a'), EMPTY_CONTEXT)
  expect([sinks.logs.items, sinks.metrics.items]).toEqual([1, 1])
  const [record] = decodeLogs(sinks.logs.bytes()).resourceLogs[0]!.scopeLogs[0]!.logRecords
  expect(record).toMatchObject({ severityNumber: 17, timeUnixNano: 3n })
})

it('takes a batch whose metrics are refused, and counts these: the next ones have it', async () => {
  const sinks = { metrics: createSink() }
  const { context, connector } = create(sinks)
  sinks.metrics.intercept = () => {
    throw new CollectorError('unavailable', 'not now')
  }
  await connector.consume(failing('a'), EMPTY_CONTEXT)
  expect(context.value('spoor_connector_dropped_metric_points', { reason: 'unavailable' })).toBe(1)
  sinks.metrics.intercept = undefined
  await connector.consume(failing('b'), EMPTY_CONTEXT)
  expect(sinks.metrics.items).toBe(2)
})

it('hands on nothing where there was no exception yet', async () => {
  const sinks = { metrics: createSink(), logs: createSink() }
  const { connector } = create(sinks)
  const bytes = tracesRequest({ spans: 10, rich: true })
  await connector.consume(createBatch('traces', [{ bytes, items: 10 }]), EMPTY_CONTEXT)
  expect([sinks.logs.batches, sinks.metrics.batches]).toEqual([[], []])
})

it('keeps a bounded number of series: what is beyond is counted in one', () => {
  const counts = new ExceptionCounts([{ name: 'exception.message', usual: undefined }], false, 0, 2)
  const exception = (message: string): Exception => ({
    service: 'shop',
    spanName: 'get',
    spanKind: '',
    statusCode: '',
    traceId: '',
    spanId: '',
    timeUnixNano: 0n,
    span: [],
    event: [{ key: 'exception.message', value: text(message) }],
    resource: [],
  })
  expect(['a', 'b', 'c', 'd', 'b'].map((message) => counts.add(exception(message)))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ])
  expect(counts.size).toBe(2)
  expect(counts.encode(0).points).toBe(3)
})
