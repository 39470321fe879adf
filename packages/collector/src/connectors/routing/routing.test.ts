import { createBatch, decodeTraces, encodeTraces, type TelemetryBatch } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { CollectorError, EMPTY_CONTEXT, type DeliveryContext } from '../../component/index.ts'
import { createSink, createTestContext, metricsRequest, tracesRequest, type Sink } from '../../testkit/index.ts'
import { routingConnector } from './index.ts'

const request = tracesRequest({ spans: 600, services: 3 })

interface Made {
  readonly context: ReturnType<typeof createTestContext>
  readonly sinks: readonly Sink[]
  readonly route: (batch?: TelemetryBatch, delivery?: DeliveryContext) => Promise<void>
}

/** With a sink for each of its routes. */
function create(input: object): Made {
  const parsed = routingConnector.config.safeParse(input)
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ message }) => message).join('\n'))
  const context = createTestContext('routing')
  const sinks = routingConnector.routes!(parsed.data).map(() => createSink())
  const connector = routingConnector.create(context, parsed.data, new Map(), sinks)
  const whole = createBatch('traces', [{ bytes: request, items: 600 }])
  return { context, sinks, route: (batch = whole, delivery = EMPTY_CONTEXT) => connector.consume(batch, delivery) }
}

const spansOf = (bytes: Uint8Array) =>
  decodeTraces(bytes).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span }))),
  )
const isServer = ({ span }: { readonly span: { readonly kind: number } }): boolean => span.kind === 2

const SERVERS = { condition: 'span.kind == SPAN_KIND_SERVER', pipelines: ['traces/a'] }

describe('the routing connector', () => {
  it('hands on the very batch where all of it goes one way, by what is in it or as the rest', async () => {
    const compressed = { coding: 'gzip', bytes: Uint8Array.of(1) } as const
    const batch = createBatch('traces', [
      { bytes: request, items: 600, compressed },
      { bytes: request, items: 600 },
    ])
    for (const condition of ['span.name != ""', 'resource.attributes["service.name"] != nil', 'span.name == ""']) {
      const { sinks, route } = create({
        table: [{ condition, pipelines: ['traces/a'] }],
        default_pipelines: ['traces/b'],
      })
      await route(batch)
      const all = sinks.flatMap(({ batches }) => batches)
      expect(all).toHaveLength(1)
      expect(all[0]).toBe(batch)
    }
  })

  it('divides what goes several ways, each span with its resource and scope', async () => {
    const { sinks, route } = create({ table: [SERVERS], default_pipelines: ['traces/b'] })
    await route()
    const all = spansOf(request)
    expect(spansOf(sinks[0]!.bytes())).toEqual(all.filter(isServer))
    expect(spansOf(sinks[1]!.bytes())).toEqual(all.filter((each) => !isServer(each)))
    expect(sinks.map(({ items }) => items)).toEqual(sinks.map((sink) => spansOf(sink.bytes()).length))
    expect(sinks[0]!.items).toBeGreaterThan(0)
  })

  it('hands on the chunks of a batch that go one way as they came, beside those that are divided', async () => {
    const one = tracesRequest({ spans: 5, services: 1 })
    const { sinks, route } = create({
      table: [{ condition: 'attributes["service.name"] == "service-0"', pipelines: ['traces/a'] }],
      default_pipelines: ['traces/b'],
    })
    const chunks = [
      { bytes: one, items: 5 },
      { bytes: request, items: 600 },
    ]
    await route(createBatch('traces', chunks))
    expect(sinks[0]!.batches[0]!.chunks[0]).toBe(chunks[0])
    expect(sinks.map(({ items }) => items)).toEqual([205, 400])
  })

  it('counts what no route takes where there is no default', async () => {
    const { sinks, route, context } = create({ table: [SERVERS] })
    await route()
    const dropped = context.value('spoor_connector_dropped_spans', { connector: 'routing', reason: 'no_route' })
    expect(dropped).toBe(600 - sinks[0]!.items)
  })

  it('does not count as dropped what was copied and moved, and counts what was only copied', async () => {
    const copy = { condition: 'true', action: 'copy', pipelines: ['traces/b'] }
    const { sinks, route, context } = create({ table: [copy, SERVERS] })
    await route()
    expect(sinks[0]!.items).toBe(600)
    expect(context.value('spoor_connector_dropped_spans')).toBe(600 - sinks[1]!.items)
  })

  it('copies of each chunk what is chosen of it, whatever the one before had', async () => {
    const { sinks, route } = create({
      table: [{ ...SERVERS, action: 'copy' }],
      default_pipelines: ['traces/b'],
    })
    const { resourceSpans } = decodeTraces(request)
    const servers = resourceSpans.map(({ scopeSpans, ...rest }) => ({
      ...rest,
      scopeSpans: scopeSpans.map((scope) => ({ ...scope, spans: scope.spans.filter((span) => isServer({ span })) })),
    }))
    const first = encodeTraces({ resourceSpans: servers })
    await route(
      createBatch('traces', [
        { bytes: first, items: spansOf(first).length },
        { bytes: request, items: 600 },
      ]),
    )
    expect(spansOf(sinks[0]!.bytes()).filter((each) => !isServer(each))).toEqual([])
    expect(sinks.map(({ items }) => items)).toEqual([2 * spansOf(first).length, spansOf(first).length + 600])
  })

  it('chooses all of a batch by the request that it came with', async () => {
    const condition = 'otelcol.client.metadata["X-Tenant"][0] == "acme"'
    const by = (tenant: string): DeliveryContext => ({ ...EMPTY_CONTEXT, metadata: new Map([['x-tenant', [tenant]]]) })
    for (const about of [{}, { context: 'otelcol' }]) {
      const { sinks, route, context } = create({
        table: [
          { ...about, condition, pipelines: ['traces/a'] },
          { condition: `span.kind == SPAN_KIND_SERVER and otelcol.client.addr == "10.0.0.7"`, pipelines: ['traces/b'] },
        ],
        default_pipelines: ['traces/c'],
      })
      await route(undefined, by('acme'))
      expect(sinks.map(({ items }) => items)).toEqual([600, 0, 0])
      await route(undefined, by('other'))
      expect(sinks.map(({ items }) => items)).toEqual([600, 0, 600])
      await route(undefined, { ...by('other'), peer: '10.0.0.7:51432' })
      expect(sinks[1]!.items).toBe(spansOf(request).filter(isServer).length)
      // Nobody sent a header: an index into nothing is nothing.
      await route()
      expect(sinks[0]!.items).toBe(600)
      expect(context.value('spoor_connector_failed_statements')).toBe(0)
    }
  })

  it('takes the paths as they say, and those that do not as the resource’s', () => {
    const problems = (condition: string, signal: string): unknown => {
      const parsed = routingConnector.config.safeParse({ table: [{ condition, pipelines: [`${signal}/a`] }] })
      return parsed.success
        ? []
        : parsed.error.issues.map(({ path, message }) => [path.join('.'), message.slice(0, 40)])
    }
    expect(problems('datapoint.attributes["a"] == 1 and metric.name == "m"', 'metrics')).toEqual([])
    expect(problems('log.body == "a"', 'logs')).toEqual([])
    expect(problems('attributes["a"] == 1 and resource.attributes["b"] == 2', 'traces')).toEqual([])
    expect(problems('name == "a"', 'traces')).toEqual([
      ['table.0.condition', '1:1, at name == "a": unknown path "name"'],
    ])
    expect(problems('otelcol.client.addr == "a" and resource.attributes["b"] == 2', 'traces')).toEqual([])
    expect(problems('otelcol.client == "a"', 'traces')).toEqual([
      ['table.0.condition', '1:9, at client == "a": "client" is no va'],
    ])
    expect(problems('otelcol.grpc.metadata["a"] == nil', 'traces')).toEqual([
      ['table.0.condition', expect.stringContaining('1:9, at grpc')],
    ])
    expect(problems('log.body == "a"', 'traces')).toEqual([
      ['table.0.condition', expect.stringContaining('1:1, at log.body')],
    ])
  })

  it('goes by the rest of the table where a condition fails, or refuses the batch', async () => {
    const fails = { condition: 'ParseJSON(span.name)["a"] == 1', pipelines: ['traces/a'] }
    const ignored = create({ table: [fails], default_pipelines: ['traces/b'] })
    await ignored.route()
    expect(ignored.sinks.map(({ items }) => items)).toEqual([0, 600])
    expect(ignored.context.value('spoor_connector_failed_statements', { connector: 'routing' })).toBe(600)
    expect(ignored.context.logger.lines).toHaveLength(1)
    const refused = create({ error_mode: 'propagate', table: [fails], default_pipelines: ['traces/b'] })
    await expect(refused.route()).rejects.toMatchObject({ code: 'invalid_data', retryable: false })
    expect(refused.sinks.map(({ items }) => items)).toEqual([0, 0])
  })

  it('gives a batch that comes again to those who have not taken their part', async () => {
    const { sinks, route } = create({ table: [SERVERS], default_pipelines: ['traces/b'] })
    const batch = createBatch('traces', [{ bytes: request, items: 600 }])
    sinks[1]!.intercept = () => {
      throw new CollectorError('unavailable', 'not now')
    }
    await expect(route(batch)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    sinks[1]!.intercept = undefined
    await route(batch)
    expect(sinks.map(({ batches }) => batches.length)).toEqual([1, 1])
    expect(sinks[0]!.items + sinks[1]!.items).toBe(600)
  })

  it('counts once what no route takes of a batch that comes again', async () => {
    const clients = { condition: 'span.kind == SPAN_KIND_CLIENT', pipelines: ['traces/b'] }
    const { context, sinks, route } = create({ table: [SERVERS, clients] })
    const batch = createBatch('traces', [{ bytes: request, items: 600 }])
    sinks[1]!.intercept = () => {
      throw new CollectorError('unavailable', 'not now')
    }
    await expect(route(batch)).rejects.toThrow('not now')
    sinks[1]!.intercept = undefined
    await route(batch)
    const dropped = 600 - sinks[0]!.items - sinks[1]!.items
    expect(dropped).toBeGreaterThan(0)
    expect(context.value('spoor_connector_dropped_spans')).toBe(dropped)
  })

  it('keeps a metric without data points with the rest', async () => {
    const { sinks, route } = create({
      table: [{ context: 'datapoint', condition: 'true', pipelines: ['metrics/a'] }],
      default_pipelines: ['metrics/b'],
    })
    const bytes = metricsRequest(3)
    await route(createBatch('metrics', [{ bytes, items: 3 }]))
    expect(sinks[0]!.batches[0]!.chunks[0]!.bytes).toBe(bytes)
    await route(createBatch('metrics', [{ bytes: metricsRequest(0), items: 0 }]))
    expect(sinks.map(({ batches }) => batches.length)).toEqual([1, 1])
  })

  it('tells of a route that is in the table twice', () => {
    const { context, sinks } = create({ table: [SERVERS, { ...SERVERS, pipelines: ['traces/b'] }] })
    expect(sinks).toHaveLength(2)
    expect(context.logger.lines.map(({ fields }) => fields['route'])).toEqual([1])
  })
})
