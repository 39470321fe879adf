/** What is held, counted and kept; what is decided is told by the golden pairs. */
import { createBatch, decodeTraces, encodeTraces, tracesFromJson, type TelemetryBatch } from '@spoor/otlp'
import { describe, expect, test, vi } from 'vitest'
import { CollectorError, EMPTY_CONTEXT } from '../../component/index.ts'
import { ownedBatchOf } from '../../exporters/fixture.ts'
import { spanIdsIn, tracesRequest, type createTestContext } from '../../testkit/index.ts'
import { tailSamplingProcessor } from './index.ts'
import { ALL, DROPPED, ERRORS, name, spansOf, start, stop, withFakeTime } from './tail-sampling.test.helper.ts'

withFakeTime()

describe('figures', () => {
  test('of decisions, by policy and over all, in traces and spans', async () => {
    const { processor, context, decided, sink } = await start(
      { policies: [...ERRORS.policies, { name: 'two', type: 'span_count', span_count: { min_spans: 2 } }] },
      { id: 'tail_sampling/shop' },
    )
    await processor.consume(
      spansOf({ trace: 1, count: 3 }, { trace: 2, status: 2 }, { trace: 3 }, { trace: 4 }),
      EMPTY_CONTEXT,
    )
    expect(context.value(name('sampling_traces_on_memory'))).toBe(4)
    expect(context.value(name('waiting_traces'))).toBe(4)
    await decided()
    const count = (end: string, labels: Record<string, string>): number => context.value(name(end), labels)
    expect(count('count_traces_sampled', { policy: 'shop.errors', sampled: 'true', decision: 'sampled' })).toBe(1)
    expect(count('count_traces_sampled', { policy: 'shop.errors', sampled: 'false' })).toBe(3)
    expect(count('count_spans_sampled', { policy: 'shop.two', sampled: 'true' })).toBe(3)
    expect(count('global_count_traces_sampled', { sampled: 'true' })).toBe(2)
    expect(count('global_count_traces_sampled', { decision: 'not_sampled' })).toBe(2)
    expect(count('sampling_policy_execution_count', { policy: 'shop.two' })).toBe(4)
    expect(count('new_trace_id_received', { processor: 'tail_sampling/shop' })).toBe(4)
    expect(context.value(name('waiting_traces'))).toBe(0)
    expect(context.value(DROPPED, { reason: 'not_sampled' })).toBe(2)
    expect(sink.items).toBe(4)
  })

  test('of what is dropped by a policy', async () => {
    const drop = { name: 'no', type: 'drop', drop: { drop_sub_policy: [{ name: 'x', type: 'always_sample' }] } }
    const { processor, context, decided } = await start({ policies: [...ALL.policies, drop] })
    await processor.consume(spansOf({ trace: 1 }), EMPTY_CONTEXT)
    await decided()
    expect(context.value(name('count_traces_sampled'), { policy: 'no', decision: 'dropped' })).toBe(1)
    expect(context.value(name('global_count_traces_sampled'), { decision: 'dropped', sampled: 'false' })).toBe(1)
    expect(context.value(name('sampling_policy_execution_count'), { policy: 'all' })).toBe(0)
  })

  test('of a policy that fails, which counts as if it were not there', async () => {
    const fails = {
      name: 'fails',
      type: 'ottl_condition',
      ottl_condition: { error_mode: 'propagate', span: ['attributes[0] == 1'] },
    }
    const { processor, context, decided, sink } = await start({ policies: [fails, ...ALL.policies] })
    await processor.consume(spansOf({ trace: 1 }), EMPTY_CONTEXT)
    await decided()
    expect(context.value(name('sampling_policy_evaluation_error'))).toBe(1)
    expect(sink.items).toBe(1)
    expect(context.logger.lines.at(-1)).toMatchObject({ fields: { policy: 'fails' } })
  })

  test('of late spans, by their trace and by the cache', async () => {
    const cache = { decision_cache: { sampled_cache_size: 10 } }
    const { processor, context, decided, sink } = await start({ ...ERRORS, ...cache })
    await processor.consume(spansOf({ trace: 1, status: 2 }, { trace: 2 }), EMPTY_CONTEXT)
    await decided()
    expect(context.value(name('sampling_traces_on_memory'))).toBe(1)
    await vi.advanceTimersByTimeAsync(5000)
    await processor.consume(spansOf({ trace: 1, count: 2 }, { trace: 2, count: 4 }), EMPTY_CONTEXT)
    expect(context.value(name('early_releases_from_cache_decision'), { sampled: 'true' })).toBe(2)
    expect(context.counters.histograms().find((each) => each.name === name('sampling_late_span_age'))).toMatchObject({
      count: 1,
      sum: 5,
    })
    await vi.waitFor(() => expect(sink.items).toBe(3))
    expect(context.value(DROPPED, { reason: 'not_sampled' })).toBe(5)
  })
})

test('spans are copied out of their request, whose memory is free at once', async () => {
  const { processor, decided, sink } = await start(ALL)
  const bytes = tracesRequest({ spans: 40, traces: 3, services: 2 })
  const batch = ownedBatchOf(bytes.slice(), 40)
  await processor.consume(batch, EMPTY_CONTEXT)
  expect(batch.chunks[0]!.bytes).toHaveLength(0)
  await decided()
  expect(spanIdsIn(sink.bytes()).sort()).toEqual(spanIdsIn(bytes).sort())
  expect(sink.batches).toHaveLength(3)
})

test('what was handed on stays as it is, however much comes after it', async () => {
  const { processor, decided, sink, held } = await start(ALL)
  const sent: string[] = []
  for (let seed = 1; seed <= 12; seed++) {
    const bytes = tracesRequest({ spans: 100, traces: 10, seed })
    sent.push(...spanIdsIn(bytes))
    await processor.consume(createBatch('traces', [{ bytes, items: 100 }]), EMPTY_CONTEXT)
    await decided()
  }
  expect(spanIdsIn(sink.bytes()).sort()).toEqual(sent.sort())
  expect(held()).toBe(0)
})

test('what is too much for memory waits in a file', async () => {
  const { processor, decided, sink, held, context } = await start({ ...ALL, max_memory_bytes: 1 })
  const sent: string[] = []
  for (let seed = 1; seed <= 24; seed++) {
    const bytes = tracesRequest({ spans: 100, traces: 10, seed })
    sent.push(...spanIdsIn(bytes))
    await processor.consume(createBatch('traces', [{ bytes, items: 100 }]), EMPTY_CONTEXT)
  }
  expect(held()).toBeGreaterThan(1024 * 1024)
  expect(context.value(name('memory_bytes'))).toBe(256 * 1024)
  await decided()
  await sink.waitFor(2400)
  expect(spanIdsIn(sink.bytes()).sort()).toEqual(sent.sort())
  expect([held(), context.value(name('memory_bytes'))]).toEqual([0, 0])
})

test('a trace that gets the row of another while a tick is decided waits for its own time', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const slow = {
    name: 'none',
    type: 'string_attribute',
    string_attribute: { values: ['(a|b)*c'], enabled_regex_matching: true },
  }
  const traces = 4000
  const { processor, context } = await start({ policies: [slow], num_traces: traces })
  const fill = (first: number): Promise<void> =>
    processor.consume(spansOf(...Array.from({ length: traces }, (_, i) => ({ trace: first + i }))), EMPTY_CONTEXT)
  await fill(1)
  vi.advanceTimersByTime(2000)
  // The tick has given way, where this machine is not too fast for it.
  await fill(1 + traces)
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(context.value(name('waiting_traces'))).toBe(traces)
})

test('each kept trace says which policy kept it, where that is asked for', async () => {
  const policies = [...ERRORS.policies, { name: 'rest', type: 'always_sample' }]
  const { processor, decided, sink } = await start({
    policies,
    record_policy: true,
    decision_cache: { sampled_cache_size: 1 },
  })
  await processor.consume(spansOf({ trace: 1, status: 2 }), EMPTY_CONTEXT)
  await processor.consume(spansOf({ trace: 2 }), EMPTY_CONTEXT)
  await decided()
  await processor.consume(spansOf({ trace: 2 }), EMPTY_CONTEXT)
  await vi.waitFor(() => expect(sink.items).toBe(3))
  const attributes = decodeTraces(sink.bytes()).resourceSpans.map(({ scopeSpans }) =>
    scopeSpans[0]!.scope.attributes.map(({ key, value }) => [key, 'value' in value && value.value]),
  )
  expect(attributes).toEqual([
    [['tailsampling.policy', 'errors']],
    [['tailsampling.policy', 'rest']],
    [
      ['tailsampling.policy', 'rest'],
      ['tailsampling.cached_decision', true],
    ],
  ])
})

describe('what the next stage refuses', () => {
  test('for a while is kept, and sent again', async () => {
    const { processor, sink, decided, held, budget } = await start(ALL)
    let refusals = 2
    sink.intercept = () => {
      if (refusals-- > 0) throw new CollectorError('unavailable', 'down')
    }
    await processor.consume(spansOf({ trace: 1, count: 2 }), EMPTY_CONTEXT)
    await decided()
    await vi.advanceTimersByTimeAsync(1000)
    expect(sink.items).toBe(2)
    expect([held(), budget.used]).toEqual([0, 0])
  })

  test('for good is counted by its reason', async () => {
    const { processor, sink, decided, context, held } = await start(ALL)
    sink.intercept = () => {
      throw new CollectorError('invalid_data', 'no such tenant')
    }
    await processor.consume(spansOf({ trace: 1, count: 2 }), EMPTY_CONTEXT)
    await decided()
    expect(context.value(DROPPED, { reason: 'invalid_data' })).toBe(2)
    expect(held()).toBe(0)
  })

  test('up to the deadline of a stop is counted, once', async () => {
    const { processor, sink, context } = await start(ALL)
    sink.intercept = () => new Promise<void>(() => {})
    await processor.consume(spansOf({ trace: 1, count: 2 }), EMPTY_CONTEXT)
    await stop(processor)
    await stop(processor)
    expect(context.value(DROPPED, { reason: 'shutdown' })).toBe(2)
  })
})

describe('bounds', () => {
  test('of bytes: the oldest traces are decided early, and counted', async () => {
    const one = spansOf({ trace: 1, status: 2 })
    const { processor, sink, context, held } = await start({ ...ERRORS, max_held_bytes: one.byteLength * 3 })
    await processor.consume(one, EMPTY_CONTEXT)
    for (const trace of [2, 3, 4, 5]) await processor.consume(spansOf({ trace }), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(sink.items).toBe(1))
    expect(held()).toBeLessThanOrEqual(one.byteLength * 3)
    expect(context.value(name('early_decisions'), { reason: 'held_bytes' })).toBe(3)
    expect(context.value(name('waiting_traces'))).toBe(2)
  })

  test('of bytes: where the next stage takes nothing, senders are told to come again', async () => {
    const one = spansOf({ trace: 1 })
    const { processor, sink, decided } = await start({ ...ALL, max_held_bytes: one.byteLength * 3 })
    const release = Promise.withResolvers<void>()
    sink.intercept = () => release.promise
    await processor.consume(one, EMPTY_CONTEXT)
    await processor.consume(spansOf({ trace: 2, count: 2 }), EMPTY_CONTEXT)
    await decided()
    await expect(processor.consume(spansOf({ trace: 2 }), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'overloaded',
      retryAfterMs: 1000,
    })
    release.resolve()
    await vi.waitFor(() => expect(sink.items).toBe(3))
    await processor.consume(spansOf({ trace: 2 }), EMPTY_CONTEXT)
  })

  test('of traces: the oldest is dropped, and counted', async () => {
    const { processor, sink, context, decided } = await start({ ...ALL, num_traces: 2 })
    for (const trace of [1, 2, 3]) await processor.consume(spansOf({ trace, count: trace + 1 }), EMPTY_CONTEXT)
    await decided()
    expect(sink.items).toBe(3 + 4)
    expect(context.value(name('sampling_trace_dropped_too_early'))).toBe(1)
    expect(context.value(DROPPED, { reason: 'num_traces' })).toBe(2)
    expect(context.logger.lines.at(-1)).toMatchObject({ level: 'warn', fields: { reason: 'num_traces' } })
  })

  test('of traces, with block_on_overflow: the sender waits for a decision, or leaves', async () => {
    const { processor, sink, decided } = await start({ ...ALL, num_traces: 1, block_on_overflow: true })
    await processor.consume(spansOf({ trace: 1 }), EMPTY_CONTEXT)
    let answered = false
    const second = processor.consume(spansOf({ trace: 2 }), EMPTY_CONTEXT).then(() => (answered = true))
    const leaving = new AbortController()
    const third = processor.consume(spansOf({ trace: 3 }), { ...EMPTY_CONTEXT, signal: leaving.signal })
    leaving.abort()
    await expect(third).rejects.toMatchObject({ code: 'unavailable' })
    expect(answered).toBe(false)
    await decided()
    await second
    await decided()
    expect(sink.items).toBe(2)
  })

  test('of the size of a trace: it is dropped, and counted', async () => {
    const { processor, sink, context, held, decided } = await start({ ...ALL, maximum_trace_size_bytes: 150 })
    await processor.consume(spansOf({ trace: 1 }, { trace: 2, count: 3 }), EMPTY_CONTEXT)
    await decided()
    await processor.consume(spansOf({ trace: 2 }), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(sink.items).toBe(1))
    expect(context.value(name('traces_dropped_too_large'))).toBe(1)
    expect(context.value(DROPPED, { reason: 'too_large' })).toBe(3)
    expect(context.value(DROPPED, { reason: 'not_sampled' })).toBe(1)
    expect(held()).toBe(0)
  })
})

test.each([
  { num_traces: 7 },
  { num_traces: 7, decision_cache: { sampled_cache_size: 3, non_sampled_cache_size: 2 } },
  { max_held_bytes: 8000 },
  { sampling_strategy: 'span-ingest', num_traces: 20 },
])('every span is handed on or counted, whatever happens (%o)', async (limits) => {
  const { processor, sink, context, held, decided } = await start({ ...ERRORS, ...limits })
  let random = 1
  const next = (below: number): number => (random = (random * 48271) % 2147483647) % below
  let sent = 0
  for (let turn = 0; turn < 300; turn++) {
    const batch = spansOf(
      ...Array.from({ length: 1 + next(3) }, () => ({
        trace: 1 + next(40),
        count: 1 + next(3),
        status: next(4) === 0 ? 2 : 0,
      })),
    )
    sent += batch.items
    await processor.consume(batch, EMPTY_CONTEXT)
    if (next(10) === 0) await vi.advanceTimersByTimeAsync(next(2000))
  }
  await decided()
  await processor.shutdown(new AbortController().signal)
  expect(sink.items + context.value(DROPPED)).toBe(sent)
  expect(sink.items).toBeGreaterThan(0)
  if ('num_traces' in limits)
    expect(context.value(name('sampling_traces_on_memory'))).toBeLessThanOrEqual(limits.num_traces)
  if ('max_held_bytes' in limits) expect(context.value(name('early_decisions'))).toBeGreaterThan(0)
  expect(new Set(spanIdsIn(sink.bytes())).size).toBe(sink.items)
  expect([held(), context.value(name('waiting_traces'))]).toEqual([0, 0])
})

describe('decide_early', () => {
  const EARLY = { decide_early: true, decision_wait: '30s' }
  const early = (context: ReturnType<typeof createTestContext>, reason: string): number =>
    context.value(name('early_decisions'), { reason })

  /** Of one trace. */
  function family(...members: { readonly id: number; readonly parent?: number }[]): TelemetryBatch {
    const id = (number: number | undefined): string =>
      number === undefined ? '' : number.toString(16).padStart(16, '0')
    const spans = members.map((one) => ({ traceId: 'a'.repeat(32), spanId: id(one.id), parentSpanId: id(one.parent) }))
    const bytes = tracesFromJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }))
    return createBatch('traces', [{ bytes, items: spans.length }])
  }

  test('keeps a trace as soon as a policy has found what it looks for', async () => {
    const { processor, sink, context } = await start({ ...EARLY, ...ERRORS })
    await processor.consume(spansOf({ trace: 1 }, { trace: 2 }), EMPTY_CONTEXT)
    expect(sink.items).toBe(0)
    await processor.consume(spansOf({ trace: 1, status: 2 }), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(sink.items).toBe(2))
    await processor.consume(spansOf({ trace: 1 }), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(sink.items).toBe(3))
    expect([early(context, 'kept'), context.value(name('waiting_traces'))]).toEqual([1, 1])
    expect(context.value(name('count_traces_sampled'), { policy: 'errors', sampled: 'true' })).toBe(1)
  })

  test.each([
    [
      'it may still be dropped',
      [
        ...ERRORS.policies,
        {
          name: 'drop',
          type: 'drop',
          drop: { drop_sub_policy: [{ name: 'a', type: 'span_count', span_count: { min_spans: 9 } }] },
        },
      ],
    ],
    ['more spans may change it', [{ name: 'small', type: 'span_count', span_count: { max_spans: 9 } }]],
    [
      'a span may yet match',
      [{ name: 'other', type: 'string_attribute', string_attribute: { key: 'a', values: ['b'], invert_match: true } }],
    ],
    [
      'one of two may change',
      [
        {
          name: 'both',
          type: 'and',
          and: {
            and_sub_policy: [
              { name: 'e', ...ERRORS.policies[0] },
              { name: 's', type: 'span_count', span_count: { max_spans: 9 } },
            ],
          },
        },
      ],
    ],
  ])('does not, where %s', async (_, policies) => {
    const { processor, sink } = await start({ ...EARLY, policies })
    await processor.consume(spansOf({ trace: 1, status: 2 }), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(28_000)
    expect(sink.items).toBe(0)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(sink.items).toBe(1)
  })

  const SMALL = { policies: [{ name: 'small', type: 'span_count', span_count: { max_spans: 9 } }] }

  test('decides a trace whose root has come, and whose spans all have their parents', async () => {
    const { processor, sink, context } = await start({ ...EARLY, ...SMALL })
    await processor.consume(family({ id: 2, parent: 1 }, { id: 3, parent: 2 }), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(sink.items).toBe(0)
    await processor.consume(family({ id: 1 }), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(2_000)
    expect([sink.items, early(context, 'complete')]).toEqual([3, 1])
  })

  test('waits for the parents that are missing, and no longer than decision_wait', async () => {
    const { processor, sink, context } = await start({ ...EARLY, ...SMALL })
    await processor.consume(family({ id: 1 }, { id: 3, parent: 2 }), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(sink.items).toBe(0)
    await processor.consume(family({ id: 2, parent: 1 }), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(9_000)
    expect([sink.items, early(context, 'complete')]).toEqual([3, 1])
    const other = await start({ ...EARLY, ...SMALL })
    await other.processor.consume(family({ id: 1 }, { id: 3, parent: 2 }), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(31_000)
    expect([other.sink.items, early(other.context, 'complete')]).toEqual([2, 0])
  })
})

describe('its config', () => {
  const problems = (input: object): unknown => {
    const parsed = tailSamplingProcessor.config.safeParse(input)
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => [path.join('.'), message])
  }
  const policy = (type: string, rest: object = {}): object => ({ policies: [{ name: 'a', type, ...rest }] })

  test.each([
    [policy('latencie'), 'policies.0.type', /unknown type of policy; did you mean "latency"\?/],
    [{ policies: [{ name: 'a' }] }, 'policies.0.type', /required; one of always_sample/],
    [{ policies: [{ type: 'always_sample' }] }, 'policies.0.name', /needs a name/],
    [{ policies: [...ALL.policies, ...ALL.policies] }, 'policies.1.name', /duplicate policy name "all"/],
    [policy('status_code'), 'policies.0.type', /at least one status code/],
    [
      policy('status_code', { status_code: { status_codes: ['OK', 'Error'] } }),
      'policies.0.status_code.status_codes.1',
      /did you mean "ERROR"/,
    ],
    [policy('numeric_attribute', { numeric_attribute: { key: 'a' } }), 'policies.0.type', /min_value and max_value/],
    [policy('ottl_condition'), 'policies.0.type', /at least one condition/],
    [
      policy('ottl_condition', { ottl_condition: { span: ['nam == "a"'] } }),
      'policies.0.ottl_condition.span.0',
      /unknown path "nam"/,
    ],
    [
      policy('string_attribute', { string_attribute: { values: ['('], enabled_regex_matching: true } }),
      'policies.0.string_attribute.values.0',
      /not a regular expression/,
    ],
    [policy('and'), 'policies.0.type', /and.and_sub_policy/],
    [policy('drop', { drop: { drop_sub_policy: [] } }), 'policies.0.drop.drop_sub_policy', /at least one policy/],
    [
      policy('and', { and: { and_sub_policy: [{ type: 'drop' }] } }),
      'policies.0.and.and_sub_policy.0.type',
      /unknown type of policy/,
    ],
    [{ sampling_strategy: 'span-ingest', ...policy('rate_limiting') }, 'policies.0', /"a" is one/],
  ])('%o', (input, path, message) => {
    expect(problems(input)).toEqual([[path, expect.stringMatching(message)]])
  })

  test('a section that its type does not look at is told', async () => {
    const { context } = await start(policy('always_sample', { latency: { threshold_ms: 1 } }))
    expect(context.logger.lines[0]).toMatchObject({ level: 'warn', fields: { policy: 'a' } })
  })
})

test('an empty request is nothing', async () => {
  const { processor, held } = await start(ALL)
  await processor.consume(
    createBatch('traces', [{ bytes: encodeTraces({ resourceSpans: [] }), items: 0 }]),
    EMPTY_CONTEXT,
  )
  expect(held()).toBe(0)
})

test('hundreds of thousands of traces whose time comes while others are being decided', async () => {
  const many = 150_000
  const { processor, context } = await start({ ...ERRORS, num_traces: many + 2 })
  await processor.consume(spansOf({ trace: 1 }, { trace: 2 }), EMPTY_CONTEXT)
  vi.advanceTimersByTime(1000)
  const [one] = decodeTraces(tracesRequest({ attributes: 0 })).resourceSpans
  const [scopeSpans] = one!.scopeSpans
  const ids = Array.from({ length: many }, (_, i) => (i + 100).toString(16).padStart(32, '0'))
  const spans = ids.map((traceId) => ({ ...scopeSpans!.spans[0]!, traceId, status: { code: 0, message: '' } }))
  const bytes = encodeTraces({ resourceSpans: [{ ...one!, scopeSpans: [{ ...scopeSpans!, spans }] }] })
  await processor.consume(createBatch('traces', [{ bytes, items: many }]), EMPTY_CONTEXT)
  // Each look at the clock is a slice of its own, so that one of the two is left when the others' time comes.
  let now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000))
  vi.advanceTimersByTime(1000)
  vi.advanceTimersByTime(1000)
  clock.mockRestore()
  // What is left of a tick is decided slice by slice.
  while (context.value(name('waiting_traces')) > 0) await new Promise((resolve) => setImmediate(resolve))
  expect(context.value(DROPPED, { reason: 'not_sampled' })).toBe(many + 2)
})
