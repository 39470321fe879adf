import { countItems, createBatch, decodeLogs, decodeMetrics, decodeTraces, type Signal } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { EMPTY_CONTEXT } from '../../component/index.ts'
import { createSink, createTestContext, logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { transformProcessor } from './index.ts'

async function transformed(input: object, bytes: Uint8Array, signal: Signal = 'traces') {
  const parsed = transformProcessor.config.safeParse(input)
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ message }) => message).join('\n'))
  const context = createTestContext('transform')
  const sink = createSink()
  const processor = transformProcessor.create(context, parsed.data, sink, signal)
  const items = countItems(signal, bytes)
  await processor.consume(createBatch(signal, [{ bytes, items }]), EMPTY_CONTEXT)
  expect(sink.items).toBe(items)
  return { context, bytes: sink.bytes(), chunk: sink.batches[0]!.chunks[0]! }
}

const request = tracesRequest({ spans: 24, services: 3, rich: true })
type Spans = ReturnType<typeof decodeTraces>
const spansOf = ({ resourceSpans }: Spans) =>
  resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

describe('the transform processor', () => {
  it('does the same as decoding, editing and encoding', async () => {
    const { bytes } = await transformed(
      {
        trace_statements: [
          'set(span.attributes["environment"], "production")',
          'set(span.name, Concat([span.name, "x"], "-")) where span.kind == SPAN_KIND_SERVER',
        ],
      },
      request,
    )
    const decoded = decodeTraces(request)
    const expected = {
      resourceSpans: decoded.resourceSpans.map((resource) => ({
        ...resource,
        scopeSpans: resource.scopeSpans.map((scope) => ({
          ...scope,
          spans: scope.spans.map((span) => ({
            ...span,
            name: span.kind === 2 ? `${span.name}-x` : span.name,
            attributes: [
              ...span.attributes.filter(({ key }) => key !== 'environment'),
              { key: 'environment', value: { type: 'string' as const, value: 'production' } },
            ],
          })),
        })),
      })),
    }
    expect(spansOf(decodeTraces(bytes))).toEqual(spansOf(expected))
  })

  it('hands on the chunk that it got where it changes nothing', async () => {
    const { chunk } = await transformed(
      { trace_statements: ['set(span.name, "x") where span.name == "none"'] },
      request,
    )
    expect(chunk.bytes).toBe(request)
  })

  it.each(['set(resource.attributes["last"], name)', 'set(value=name, target=resource.attributes["last"])'])(
    'runs a group over all before the next: %s',
    async (statement) => {
      const { bytes } = await transformed(
        {
          trace_statements: [
            { context: 'span', statements: [statement] },
            { context: 'span', statements: ['set(attributes["last"], resource.attributes["last"])'] },
            { context: 'resource', statements: ['delete_key(attributes, "last")'] },
          ],
        },
        request,
      )
      for (const { resource, scopeSpans } of decodeTraces(bytes).resourceSpans) {
        const spans = scopeSpans.flatMap((scope) => scope.spans)
        const last = { type: 'string', value: spans.at(-1)!.name }
        expect(spans.map(({ attributes }) => attributes.find(({ key }) => key === 'last')?.value)).toEqual(
          spans.map(() => last),
        )
        expect(resource.attributes.some(({ key }) => key === 'last')).toBe(false)
      }
    },
  )

  it('has a cache for each item, or shares it', async () => {
    const statements = [
      'set(cache["n"], Int(cache["n"]) + 1) where cache["n"] != nil',
      'set(cache["n"], 1) where cache["n"] == nil',
      'set(attributes["n"], cache["n"])',
    ]
    const countsOf = async (shared_cache: boolean): Promise<unknown[]> => {
      const { bytes } = await transformed(
        { trace_statements: [{ context: 'span', shared_cache, statements }] },
        request,
      )
      return spansOf(decodeTraces(bytes)).map(({ attributes }) => attributes.find(({ key }) => key === 'n')?.value)
    }
    expect(await countsOf(false)).toEqual(Array.from({ length: 24 }, () => ({ type: 'int', value: 1n })))
    expect(await countsOf(true)).toEqual(
      Array.from({ length: 24 }, (_, index) => ({ type: 'int', value: BigInt(index + 1) })),
    )
  })

  it('changes events, points and records', async () => {
    const { bytes } = await transformed({ trace_statements: ['set(spanevent.name, span.name)'] }, request)
    for (const span of spansOf(decodeTraces(bytes)))
      expect(span.events.map(({ name }) => name)).toEqual(span.events.map(() => span.name))
    const metrics = await transformed(
      { metric_statements: ['set(datapoint.attributes["of"], metric.name)'] },
      metricsRequest(5),
      'metrics',
    )
    expect(JSON.stringify(decodeMetrics(metrics.bytes), bigints)).toContain('"of"')
    const logs = await transformed(
      { log_statements: ['set(log.body, "b")', 'set(log.severity_text, "s")'] },
      logsRequest(5),
      'logs',
    )
    const records = decodeLogs(logs.bytes).resourceLogs.flatMap(({ scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) => logRecords),
    )
    expect(new Set(records.map(({ body, severityText }) => `${JSON.stringify(body)} ${severityText}`)).size).toBe(1)
  })

  it('runs what conditions of the group let through', async () => {
    const [first] = spansOf(decodeTraces(request))
    const conditions = ['name == "none"', `span_id.string == "${first!.spanId}"`]
    const { bytes } = await transformed(
      { trace_statements: [{ context: 'span', conditions, statements: ['set(name, "x")'] }] },
      request,
    )
    expect(spansOf(decodeTraces(bytes)).map(({ name }) => name === 'x')).toEqual(
      Array.from({ length: 24 }, (_, index) => index === 0),
    )
  })
})

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

describe('a statement that fails', () => {
  const statements = ['set(span.name, 1)', 'set(span.attributes["after"], true)']

  it('is told and passed over by default', async () => {
    const { context, bytes } = await transformed({ trace_statements: statements }, request)
    expect(context.value('spoor_processor_failed_statements')).toBe(24)
    expect(context.logger.lines).toHaveLength(1)
    expect(context.logger.lines[0]).toMatchObject({ level: 'warn', fields: { error: 'expected string, got int' } })
    expect(spansOf(decodeTraces(bytes)).every(({ attributes }) => attributes.at(-1)!.key === 'after')).toBe(true)
  })

  it('refuses the batch with error_mode: propagate, of the list or of the group', async () => {
    for (const config of [
      { error_mode: 'propagate', trace_statements: statements },
      { trace_statements: [{ context: 'span', error_mode: 'propagate', statements }] },
    ])
      await expect(transformed(config, request)).rejects.toMatchObject({
        code: 'invalid_data',
        message: 'transform: statement set(span.name, 1): expected string, got int',
      })
  })
})

describe('its config', () => {
  it('places what is wrong with a statement', () => {
    const parsed = transformProcessor.config.safeParse({
      trace_statements: [
        { context: 'span', statements: ['set(name, "a")', 'set(nam, "a")'], conditions: ['kid == 1'] },
      ],
      log_statements: ['set(log.bdy, "a")'],
      flatten_data: true,
    })
    if (parsed.success) throw new Error('it is taken')
    expect(parsed.error.issues.map(({ path }) => path.join('.'))).toEqual(['flatten_data'])
    const second = transformProcessor.config.safeParse({
      trace_statements: [
        { context: 'span', statements: ['set(name, "a")', 'set(nam, "a")'], conditions: ['kid == 1'] },
      ],
      log_statements: ['set(log.bdy, "a")'],
    })
    if (second.success) throw new Error('it is taken')
    expect(second.error.issues.map(({ path }) => path.join('.'))).toEqual([
      'trace_statements.0.statements.1',
      'trace_statements.0.conditions.0',
      'log_statements.0',
    ])
  })
})
