/** What is counted; what is decided is told by the golden pairs. */
import { createBatch, logsFromJson, tracesFromJson } from '@spoor/otlp'
import { expect, test } from 'vitest'
import { EMPTY_CONTEXT } from '../../component/index.ts'
import { createSink, createTestContext, tracesRequest } from '../../testkit/index.ts'
import { probabilisticSamplerProcessor } from './index.ts'

function start(config: object, signal: 'traces' | 'logs' = 'traces') {
  const parsed = probabilisticSamplerProcessor.config.safeParse(config)
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const context = createTestContext('sampler')
  const sink = createSink()
  return { sink, context, processor: probabilisticSamplerProcessor.create(context, parsed.data, sink, signal) }
}

const spansOf = (spans: object[]): Uint8Array =>
  tracesFromJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }))

const COUNT = 'otelcol_processor_probabilistic_sampler_count_traces_sampled'

test('each span is counted by what decided, kept or dropped', async () => {
  const { sink, context, processor } = start({ sampling_percentage: 25 })
  const spans = 400
  await processor.consume(
    createBatch('traces', [{ bytes: tracesRequest({ spans, traces: spans }), items: spans }]),
    EMPTY_CONTEXT,
  )
  const priority = (value: number): object => ({
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    attributes: [{ key: 'sampling.priority', value: { intValue: value } }],
  })
  const forced = spansOf([priority(0), priority(1)])
  await processor.consume(createBatch('traces', [{ bytes: forced, items: 2 }]), EMPTY_CONTEXT)
  const kept = context.value(COUNT, { policy: 'trace_id_hash', sampled: 'true' })
  expect(kept).toBeGreaterThan(50)
  expect(kept).toBeLessThan(150)
  expect(sink.items).toBe(kept + 1)
  expect(context.value(COUNT, { policy: 'trace_id_hash', sampled: 'false', processor: 'sampler' })).toBe(spans - kept)
  expect(context.value(COUNT, { policy: 'sampling_priority', sampled: 'true' })).toBe(1)
  expect(context.value(COUNT, { policy: 'sampling_priority', sampled: 'false' })).toBe(1)
})

test.each([true, false])('what cannot be decided is counted by reason; fail_closed: %s', async (isClosed) => {
  const { sink, context, processor } = start({ sampling_percentage: 100, mode: 'equalizing', fail_closed: isClosed })
  const span = (traceState: string, traceId = `${'ab'.repeat(9)}${'00'.repeat(7)}`): object => ({
    traceId,
    spanId: 'cd'.repeat(8),
    traceState,
  })
  const bytes = spansOf([span('no state'), span('ot=th:8'), span('', ''), span('')])
  await processor.consume(createBatch('traces', [{ bytes, items: 4 }]), EMPTY_CONTEXT)
  const reasons = ['invalid_sampling_state', 'inconsistent_threshold', 'missing_randomness']
  for (const reason of reasons)
    expect(context.value('otelcol_processor_probabilistic_sampler_undecided_items', { reason })).toBe(1)
  expect(sink.items).toBe(isClosed ? 1 : 4)
})

test('a batch of which nothing is kept ends here', async () => {
  const { sink, context, processor } = start({ sampling_percentage: 0 }, 'logs')
  const bytes = logsFromJson(
    JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityText: 'a' }] }] }] }),
  )
  await processor.consume(createBatch('logs', [{ bytes, items: 1 }]), EMPTY_CONTEXT)
  expect(sink.batches).toEqual([])
  expect(context.value('otelcol_processor_probabilistic_sampler_count_logs_sampled', { sampled: 'false' })).toBe(1)
})

test('of a batch of which all is kept and marked already, the bytes stay', async () => {
  const { sink, processor } = start({ sampling_percentage: 100, mode: 'equalizing' })
  const bytes = spansOf([{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceState: 'ot=th:0' }])
  const batch = createBatch('traces', [{ bytes, items: 1 }])
  await processor.consume(batch, EMPTY_CONTEXT)
  expect(sink.batches[0]).toBe(batch)
})
