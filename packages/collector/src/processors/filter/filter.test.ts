import { countItems, createBatch, decodeTraces, encodeTraces, joinBytes, type Signal } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { EMPTY_CONTEXT } from '../../component/index.ts'
import { createSink, createTestContext, logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { filterProcessor } from './index.ts'

const REQUESTS = { metrics: metricsRequest, logs: logsRequest }

async function filtered(input: object, bytes: Uint8Array, signal: Signal = 'traces') {
  const parsed = filterProcessor.config.safeParse(input)
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ message }) => message).join('\n'))
  const context = createTestContext('filter')
  const sink = createSink()
  const processor = filterProcessor.create(context, parsed.data, sink, signal)
  const items = countItems(signal, bytes)
  await processor.consume(createBatch(signal, [{ bytes, items }]), EMPTY_CONTEXT)
  const dropped = context.value('otelcol_processor_dropped_items', { reason: 'filter', otel_signal: signal })
  return { context, sink, dropped, items }
}

const request = tracesRequest({ spans: 40, services: 4 })
const namesOf = (bytes: Uint8Array): string[] =>
  decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => span.name)),
  )

describe('the filter processor', () => {
  it('drops what a condition is true for, counts it, and leaves the rest as it came', async () => {
    const [name] = namesOf(request) as [string]
    const { sink, dropped } = await filtered({ trace_conditions: [`span.name == ${JSON.stringify(name)}`] }, request)
    const left = namesOf(request).filter((each) => each !== name)
    expect(namesOf(sink.bytes())).toEqual(left)
    expect(dropped).toBe(40 - left.length)
    expect(sink.items).toBe(left.length)
    const decoded = decodeTraces(request)
    const expected = {
      resourceSpans: decoded.resourceSpans
        .map((each) => ({
          ...each,
          scopeSpans: each.scopeSpans
            .map((scope) => ({ ...scope, spans: scope.spans.filter((span) => span.name !== name) }))
            .filter(({ spans }) => spans.length > 0),
        }))
        .filter(({ scopeSpans }) => scopeSpans.length > 0),
    }
    expect(decodeTraces(sink.bytes())).toEqual(expected)
  })

  it('hands on the chunk that it got where it drops nothing', async () => {
    const { sink } = await filtered({ trace_conditions: ['span.name == "none"'] }, request)
    expect(sink.batches[0]!.chunks[0]!.bytes).toBe(request)
  })

  it('hands on nothing where nothing is left', async () => {
    const { sink, dropped } = await filtered({ traces: { span: ['true'] } }, request)
    expect(sink.batches).toEqual([])
    expect(dropped).toBe(40)
  })

  it('takes out what came empty', async () => {
    const empty = encodeTraces({
      resourceSpans: [{ resource: { attributes: [], droppedAttributesCount: 0 }, scopeSpans: [], schemaUrl: 'a' }],
    })
    const { sink } = await filtered({ traces: { span: ['false'] } }, joinBytes([empty, request]))
    expect(Buffer.compare(sink.bytes(), request)).toBe(0)
  })

  it('drops all of a resource, and of a scope', async () => {
    const { sink } = await filtered(
      { trace_conditions: ['resource.attributes["service.name"] == "service-1"'] },
      request,
    )
    expect(decodeTraces(sink.bytes()).resourceSpans).toHaveLength(3)
    const [scope] = decodeTraces(request).resourceSpans[0]!.scopeSpans
    const all = await filtered({ trace_conditions: [`scope.name == ${JSON.stringify(scope!.scope.name)}`] }, request)
    expect(all.sink.batches).toEqual([])
  })

  it('drops events and keeps their span', async () => {
    const rich = tracesRequest({ spans: 4, rich: true })
    const { sink, dropped } = await filtered({ traces: { spanevent: ['true'] } }, rich)
    const spans = decodeTraces(sink.bytes()).resourceSpans[0]!.scopeSpans[0]!.spans
    expect(spans.map(({ events }) => events.length)).toEqual([0, 0, 0, 0])
    expect(dropped).toBe(0)
  })

  it.each(['metrics', 'logs'] as const)('drops %s', async (signal) => {
    const config = { metrics: { metrics: { metric: ['true'] } }, logs: { logs: { log_record: ['true'] } } }[signal]
    const { sink, dropped, items } = await filtered(config, REQUESTS[signal](5), signal)
    expect(sink.batches).toEqual([])
    expect(dropped).toBe(items)
  })

  it('takes a metric out with its last point', async () => {
    const { sink, dropped, items } = await filtered(
      { metric_conditions: ['datapoint.time_unix_nano > 0'] },
      metricsRequest(5),
      'metrics',
    )
    expect(sink.batches).toEqual([])
    expect(dropped).toBe(items)
  })
})

describe('a condition that fails', () => {
  const conditions = ['span.attributes[0] == 1', 'true and span.name != ""']

  it('is told and passed over by default', async () => {
    const { sink, context, dropped } = await filtered({ trace_conditions: conditions }, request)
    expect(sink.batches).toEqual([])
    expect(dropped).toBe(40)
    expect(context.value('spoor_processor_failed_statements')).toBe(40)
    expect(context.logger.lines.map(({ level, fields }) => [level, fields['statement']])).toEqual([
      ['warn', 'span.attributes[0] == 1'],
    ])
  })

  it('is not told with error_mode: silent', async () => {
    const { context, dropped } = await filtered({ error_mode: 'silent', trace_conditions: conditions }, request)
    expect(context.logger.lines).toEqual([])
    expect(dropped).toBe(40)
  })

  it('refuses the batch with error_mode: propagate, of the list or of the group', async () => {
    for (const config of [
      { error_mode: 'propagate', trace_conditions: conditions },
      { trace_conditions: [{ conditions, error_mode: 'PROPAGATE' }] },
    ])
      await expect(filtered(config, request)).rejects.toMatchObject({
        code: 'invalid_data',
        retryable: false,
        message: 'filter: condition span.attributes[0] == 1: a map is indexed with a string, not with an int',
      })
  })
})

describe('its config', () => {
  const problems = (input: object): unknown => {
    const parsed = filterProcessor.config.safeParse(input)
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => [path.join('.'), message.slice(0, 60)])
  }

  it('places what is wrong with a condition', () => {
    expect(problems({ traces: { span: ['name == "a"', 'nam == "a"'] } })).toEqual([
      ['traces.span.1', expect.stringContaining('1:1, at nam == "a": unknown path "nam" of span')],
    ])
    expect(problems({ trace_conditions: [{ context: 'span', conditions: ['name =='] }] })).toEqual([
      ['trace_conditions.0.conditions.0', '1:8: expected a value; it ends here'],
    ])
    expect(problems({ log_conditions: ['span.name == "a"'] })).toEqual([['log_conditions.0', expect.any(String)]])
  })

  it('refuses both styles in one list, other contexts and modes', () => {
    expect(problems({ trace_conditions: ['span.name == "a"', { conditions: ['span.name == "b"'] }] })).toHaveLength(1)
    expect(problems({ trace_conditions: [{ context: 'log', conditions: ['name == "b"'] }] })).toHaveLength(1)
    expect(problems({ error_mode: 'ignored' })).toEqual([
      ['error_mode', 'unknown error mode; did you mean "ignore"?; known: ignore, s'],
    ])
  })
})
