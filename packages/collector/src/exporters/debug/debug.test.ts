import { createBatch, encodeTraces } from '@spoor/otlp'
import { expect, test } from 'vitest'
import { tracesRequest, logsRequest } from '../../testkit/index.ts'
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
    ['Logs', { component: 'debug', 'log records': 3, bytes: logsRequest(3).length }],
  ])
  expect(context.value('otelcol_exporter_sent_spans')).toBe(12)
})

test('normal: one line a span', async () => {
  const { exporter, context } = await startExporter(debugExporter, { verbosity: 'normal' })
  await exporter.consume(batchOf(SPAN, 1), EMPTY_CONTEXT)
  expect(context.logger.lines[1]?.message).toBe(`ResourceTraces #0 service.name=shop
ScopeTraces #0 http@1.0
GET /cart 0102030405060708090a0b0c0d0e0f10 1112131415161718 n=9007199254740993 list=["a",true]`)
})

test('detailed: everything', async () => {
  const { exporter, context } = await startExporter(debugExporter, { verbosity: 'detailed' })
  await exporter.consume(batchOf(SPAN, 1), EMPTY_CONTEXT)
  expect(context.logger.lines[1]?.message).toBe(`ResourceSpans #0
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
