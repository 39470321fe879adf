import { decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestOf, spanIdOf, startTestSpoor, string, type TestSpoor, traceIdOf } from '../testkit.ts'
import type { InstantAnswer, RangeAnswer } from './metrics.ts'
import type { SearchAnswer, SpanRow } from './search.ts'

let spoor: TestSpoor

/** A whole minute. */
const END_S = 1_790_000_040
const NS = 1_000_000_000n
const [SERVER, CLIENT] = [2, 3]
/** One checkout every 10 s back from the end: `shop` calls `bank`, which fails each third time and is slower each time. */
const CHECKOUTS = Array.from({ length: 12 }, (_, n) => ({
  trace: traceIdOf(n + 1),
  at: BigInt(END_S - 10 - 10 * n) * NS,
  bankMs: n + 1,
  failed: n % 3 === 0,
}))

beforeAll(async () => {
  spoor = await startTestSpoor()
  await spoor.post(
    requestOf(
      'shop',
      CHECKOUTS.flatMap(({ trace, at, bankMs }, n) => [
        {
          traceId: trace,
          spanId: spanIdOf(1),
          name: 'checkout',
          kind: SERVER,
          startTimeUnixNano: at,
          endTimeUnixNano: at + BigInt(bankMs + 10) * 1_000_000n,
          attributes: [
            string('tier', n % 2 === 0 ? 'gold' : 'free'),
            { key: 'items', value: { type: 'int', value: BigInt(n) } },
          ],
        },
        {
          traceId: trace,
          spanId: spanIdOf(2),
          parentSpanId: spanIdOf(1),
          name: 'call bank',
          kind: CLIENT,
          startTimeUnixNano: at + 1_000_000n,
          endTimeUnixNano: at + BigInt(bankMs + 2) * 1_000_000n,
        },
      ]),
    ),
  )
  await spoor.post(
    requestOf(
      'bank',
      CHECKOUTS.map(({ trace, at, bankMs, failed }) => ({
        traceId: trace,
        spanId: spanIdOf(3),
        parentSpanId: spanIdOf(2),
        name: 'charge',
        kind: SERVER,
        startTimeUnixNano: at + 2_000_000n,
        endTimeUnixNano: at + BigInt(bankMs + 2) * 1_000_000n,
        status: { code: failed ? 2 : 0, message: failed ? 'no money' : '' },
        events: failed
          ? [
              {
                timeUnixNano: at,
                name: 'exception',
                attributes: [string('exception.type', 'Poor')],
                droppedAttributesCount: 0,
              },
            ]
          : [],
      })),
    ),
  )
})

afterAll(() => spoor.remove())

const pathOf = (path: string, query: Readonly<Record<string, string | number>>): string =>
  `/tempo${path}?${new URLSearchParams(Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]))).toString()}`
const search = (query: Readonly<Record<string, string | number>>) =>
  spoor.json<SearchAnswer>(pathOf('/api/search', query))
const found = async (q: string): Promise<string[]> =>
  (await search({ q, limit: 50 })).traces.map(({ traceID }) => traceID)
const withId = (are: (checkout: (typeof CHECKOUTS)[number], n: number) => boolean): string[] =>
  CHECKOUTS.filter(are).map(({ trace }) => trace)
const attributesOf = (span: SpanRow | undefined) =>
  Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, value]))

describe('search', () => {
  it.each<[string, (checkout: (typeof CHECKOUTS)[number], n: number) => boolean]>([
    ['{ }', () => true],
    ['{ status = error }', ({ failed }) => failed],
    ['{ span.tier = "gold" && name = "checkout" }', (_, n) => n % 2 === 0],
    ['{ span.items >= 10 }', (_, n) => n >= 10],
    [
      '{ resource.service.name = "shop" } >> { resource.service.name = "bank" && status = error }',
      ({ failed }) => failed,
    ],
    ['{ name = "checkout" } > { name = "charge" }', () => false],
    ['{ status = error } << { .tier = "free" }', ({ failed }, n) => failed && n % 2 === 1],
    ['{ rootName = "checkout" && traceDuration > 20ms }', ({ bankMs }) => bankMs > 10],
    ['{ event:name = "exception" && event.exception.type =~ "Po.*" }', ({ failed }) => failed],
    ['{ } | count() > 3', () => false],
    ['{ kind = server } | avg(duration) > 15ms', ({ bankMs }) => bankMs + 5 > 15],
    ['{ nestedSetParent < 0 && .items = 3 }', (_, n) => n === 3],
    // What the store has no words for.
    ['{ parent.tier = "gold" }', (_, n) => n % 2 === 0],
    ['{ span:childCount = 1 } | by(name) | count() = 1', () => true],
    ['{ .items * 2 = 8 }', (_, n) => n === 4],
  ])('%s', async (q, are) => {
    expect(await found(q)).toEqual(withId(are))
  })

  it('tells of a trace, and of the spans that matched with what was compared or selected', async () => {
    const q =
      '{ status = error && duration > 1ms } | select(resource.service.name, event.exception.type, nestedSetLeft, nestedSetParent)'
    const { traces, metrics } = await search({ q, limit: 1 })
    const [first] = traces
    const { at, bankMs } = CHECKOUTS[3]!
    expect(first).toMatchObject({
      traceID: traceIdOf(4),
      rootServiceName: 'shop',
      rootTraceName: 'checkout',
      startTimeUnixNano: at.toString(),
      durationMs: bankMs + 10,
      serviceStats: { shop: { spanCount: 2 }, bank: { spanCount: 1, errorCount: 1 } },
    })
    expect(first!.spanSets).toEqual([first!.spanSet])
    expect(first!.spanSet).toMatchObject({ matched: 1 })
    const [span] = first!.spanSet!.spans
    expect(span).toMatchObject({ spanID: spanIdOf(3), name: 'charge', durationNanos: String(bankMs * 1e6) })
    expect(attributesOf(span)).toEqual({
      status: { stringValue: 'error' },
      'service.name': { stringValue: 'bank' },
      'exception.type': { stringValue: 'Poor' },
      nestedSetLeft: { intValue: '3' },
      nestedSetParent: { intValue: '2' },
    })
    expect(metrics).toMatchObject({ inspectedTraces: 1 })
    expect(Number(metrics.inspectedSpans)).toBeGreaterThan(0)
  })

  it('makes a set for each group, with what was said of it', async () => {
    const q = '{ } | by(resource.service.name) | count() > 1'
    const { traces } = await search({ q, limit: 2 })
    expect(traces).toHaveLength(2)
    expect(traces[0]!.spanSets).toEqual([
      {
        spans: [expect.objectContaining({ name: 'checkout' }), expect.objectContaining({ name: 'call bank' })],
        matched: 2,
        attributes: [
          { key: 'by(resource.service.name)', value: { stringValue: 'shop' } },
          { key: 'count()', value: { intValue: '2' } },
        ],
      },
    ])
  })

  it('keeps to limit, spss and the time', async () => {
    expect((await search({ q: '{ }', limit: 3 })).traces).toHaveLength(3)
    const { traces } = await search({ q: '{ kind != internal }', spss: 1, limit: 1 })
    expect(traces[0]!.spanSet).toMatchObject({ matched: 3, spans: [{ name: 'checkout' }] })
    const [start, end] = [END_S - 40, END_S - 20]
    expect((await search({ q: '{ }', start, end })).traces.map(({ traceID }) => traceID)).toEqual(
      withId(({ at }) => at >= BigInt(start) * NS && at < BigInt(end + 1) * NS),
    )
    expect((await search({ start, end })).traces).toHaveLength(3)
  })

  it('takes tags and durations, as before there was TraceQL', async () => {
    const ids = async (query: Readonly<Record<string, string>>) =>
      (await search({ limit: 50, ...query })).traces.map(({ traceID }) => traceID)
    expect(await ids({ tags: 'service.name=sHO tier="gol"' })).toEqual(withId((_, n) => n % 2 === 0))
    expect(await ids({ tags: 'error=true', minDuration: '14ms' })).toEqual(
      withId(({ failed, bankMs }) => failed && bankMs >= 4),
    )
    expect(await ids({ tags: 'root.name=checkout items', maxDuration: '12ms' })).toEqual(
      withId(({ bankMs }) => bankMs <= 2),
    )
  })

  it.each([
    [{ q: '{ .a = }' }, 'parse error at line 1, col 8: "}" stands where'],
    [
      { q: '{ } | rate()' },
      'parse error at line 1, col 7: numbers over time are asked for at /api/metrics/query_range',
    ],
    [{ q: '{ }', tags: 'a=b' }, "can't specify tags and q in the same query"],
    [{ tags: 'a=b a=c' }, 'tag a has been set twice'],
    [{ tags: 'a="b' }, 'invalid tags: character 1'],
    [{ q: '{ }', limit: '0' }, 'invalid limit'],
    [{ q: '{ }', start: '9', end: '8' }, 'http parameter start must be before end. received start=9 end=8'],
    [{ q: '{ }', start: 'now' }, 'invalid start: "now"'],
    [{ tags: 'a=b', minDuration: '1' }, 'invalid minDuration'],
  ])('refuses %o', async (query, message) => {
    const answer = await spoor.get(pathOf('/api/search', query))
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      400,
      'text/plain; charset=utf-8',
      expect.stringContaining(message),
    ])
  })
})

describe('tags', () => {
  interface Tags {
    readonly scopes: readonly { readonly name: string; readonly tags: readonly string[] }[]
  }
  interface Values {
    readonly tagValues: readonly { readonly type: string; readonly value: string }[]
  }

  it('lists names by their scope', async () => {
    const { scopes } = await spoor.json<Tags>('/tempo/api/v2/search/tags?limit=5000')
    const byName = Object.fromEntries(scopes.map(({ name, tags }) => [name, tags]))
    expect(byName).toMatchObject({ resource: ['service.name'], span: ['items', 'tier'], event: ['exception.type'] })
    expect(byName['intrinsic']).toContain('rootServiceName')
    expect((await spoor.json<Tags>('/tempo/api/v2/search/tags?scope=event')).scopes).toEqual([
      { name: 'event', tags: ['exception.type'] },
    ])
    const old = await spoor.json<{ tagNames: string[] }>('/tempo/api/search/tags?scope=span')
    expect(old.tagNames).toEqual(['items', 'tier'])
    expect(await (await spoor.get('/tempo/api/v2/search/tags?scope=galaxy')).text()).toContain('invalid scope: galaxy')
  })

  it.each([
    ['resource.service.name', {}, ['bank', 'shop'], 'string'],
    ['span.tier', {}, ['free', 'gold'], 'string'],
    ['span.tier', { q: '{ span.items = 2 }' }, ['gold'], 'string'],
    ['span.tier', { q: '{ span.items = }' }, ['free', 'gold'], 'string'],
    ['.items', { q: '{ .items < 2 }' }, ['0', '1'], 'int'],
    ['name', { q: '{ status = error }' }, ['charge'], 'string'],
    ['rootServiceName', {}, ['shop'], 'string'],
    ['status', {}, ['error', 'ok', 'unset'], 'keyword'],
    ['duration', {}, [], undefined],
    // Grafana of before 2026 encodes names twice.
    ['span%3Astatus', {}, ['error', 'ok', 'unset'], 'keyword'],
    ['span%253Astatus', {}, ['error', 'ok', 'unset'], 'keyword'],
    ['span.%2522tier%2522', {}, ['free', 'gold'], 'string'],
    ['span.%22100%25%22', {}, [], undefined],
    ['name', { start: END_S - 9, end: END_S }, [], undefined],
  ])('lists values of %s %o', async (tag, query, values, type) => {
    const { tagValues } = await spoor.json<Values>(pathOf(`/api/v2/search/tag/${tag}/values`, query))
    expect(tagValues.map(({ value }) => value).toSorted()).toEqual(values)
    expect(tagValues[0]?.type).toBe(type)
  })

  it('lists values by the names of before', async () => {
    const values = async (tag: string) =>
      (await spoor.json<{ tagValues: string[] }>(`/tempo/api/search/tag/${tag}/values`)).tagValues.toSorted()
    expect(await values('tier')).toEqual(['free', 'gold'])
    expect(await values('%2574ier')).toEqual(['free', 'gold'])
    expect(await values('service.name')).toEqual(['bank', 'shop'])
    expect(await values('root.service.name')).toEqual(['shop'])
    const wrong = await spoor.get('/tempo/api/v2/search/tag/tier/values')
    expect([wrong.status, await wrong.text()]).toEqual([
      400,
      expect.stringContaining('"tier" stands where an attribute'),
    ])
  })
})

describe('a trace', () => {
  const get = (path: string, accept: string) => spoor.get(`/tempo${path}`, { headers: { accept } })
  const namesOf = (bytes: Uint8Array) =>
    decodeTraces(bytes)
      .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)))
      .toSorted()

  it('comes as protobuf, as OTLP has it, and in v2 in a message of its own', async () => {
    const old = await get(`/api/traces/${traceIdOf(1)}?start=1&end=2`, 'application/protobuf')
    expect(old.headers.get('content-type')).toBe('application/protobuf')
    expect(namesOf(await old.bytes())).toEqual(['call bank', 'charge', 'checkout'])
    const bytes = await (await get(`/api/v2/traces/${traceIdOf(1)}`, 'application/protobuf')).bytes()
    // Field 1 of the answer, a message: once, as the trace is small.
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length;) {
      expect(bytes[at++]).toBe(0x0a)
      let [length, shift] = [0, 0]
      for (; ; shift += 7) {
        const byte = bytes[at++]!
        length += (byte & 127) << shift
        if (byte < 128) break
      }
      parts.push(bytes.subarray(at, (at += length)))
    }
    expect(parts.map(namesOf)).toEqual([['call bank', 'charge', 'checkout']])
  })

  it('comes as JSON with ids in base64 and names for numbers', async () => {
    interface Json {
      readonly scopeSpans: readonly { readonly spans: readonly Record<string, unknown>[] }[]
    }
    const spansOf = (list: readonly Json[]) =>
      list.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
    const { batches } = (await (await get(`/api/traces/${traceIdOf(1)}`, 'application/json')).json()) as {
      batches: Json[]
    }
    expect(spansOf(batches).find(({ name }) => name === 'charge')).toMatchObject({
      traceId: base64(traceIdOf(1)),
      spanId: base64(spanIdOf(3)),
      parentSpanId: base64(spanIdOf(2)),
      kind: 'SPAN_KIND_SERVER',
      status: { code: 'STATUS_CODE_ERROR', message: 'no money' },
    })
    const { trace, metrics } = (await (await get(`/api/v2/traces/${traceIdOf(1)}`, '*/*')).json()) as {
      trace: { resourceSpans: Json[] }
      metrics: { inspectedBytes: string }
    }
    expect(spansOf(trace.resourceSpans)).toHaveLength(3)
    expect(Number(metrics.inspectedBytes)).toBeGreaterThan(100)
  })

  it.each([
    ['/api/traces/ffff', 404, `trace ${'ffff'.padStart(32, '0')} not found`],
    ['/api/v2/traces/ffff', 404, 'not found'],
    ['/api/traces/xyz', 400, '"xyz" is not a trace id'],
    [`/api/traces/${traceIdOf(1)}?start=5&end=5`, 400, 'start must be before end'],
    [`/api/v2/traces/${traceIdOf(1)}?q=%7Bname%3D%22a%22%7D`, 400, 'a part of a trace is not supported'],
    ['/api/nothing', 404, 'no route GET /tempo/api/nothing'],
  ])('%s is answered with %i', async (path, status, text) => {
    const answer = await get(path, '*/*')
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(text)])
  })
})

describe('numbers over time', () => {
  /** Steps of 30 s: each point has the checkouts of the 30 s before it. */
  const range = (q: string, rest: Readonly<Record<string, string | number>> = {}) =>
    spoor.json<RangeAnswer>(
      pathOf('/api/metrics/query_range', { q, start: END_S - 120, end: END_S, step: '30s', ...rest }),
    )
  const instant = (q: string) =>
    spoor.json<InstantAnswer>(pathOf('/api/metrics/query', { q, start: END_S - 120, end: END_S }))
  const POINTS = Array.from({ length: 5 }, (_, i) => END_S - 120 + 30 * i)
  const within = (second: number) =>
    CHECKOUTS.filter(({ at }) => at > BigInt(second - 30) * NS && at <= BigInt(second) * NS)
  const samplesOf = ({ series }: RangeAnswer, i = 0) =>
    series[i]!.samples.map(({ timestampMs, value }) => [Number(timestampMs) / 1000, value])

  it('counts, and divides by time', async () => {
    const charges = await range('{ name = "charge" } | count_over_time()')
    // A charge starts 2 ms after its checkout: what starts at a point's own moment is before, and so it is here after.
    const counts = POINTS.map(
      (second) =>
        CHECKOUTS.filter(
          ({ at }) => at + 2_000_000n > BigInt(second - 30) * NS && at + 2_000_000n <= BigInt(second) * NS,
        ).length,
    )
    expect(samplesOf(charges)).toEqual(POINTS.map((second, i) => [second, counts[i]]))
    expect(charges.series[0]!.labels).toEqual([{ key: '__name__', value: { stringValue: 'count_over_time' } }])
    expect(charges.status).toBeUndefined()
    expect(Number(charges.metrics.inspectedSpans)).toBeGreaterThan(0)
    const rate = await range('{nestedSetParent<0 && true} | rate()  with(sample=true)')
    expect(samplesOf(rate)).toEqual(POINTS.map((second) => [second, within(second).length / 30]))
  })

  it('groups by attributes and fields', async () => {
    const answer = await range('{ } | count_over_time() by (resource.service.name, status)')
    const labels = answer.series.map(({ labels: all }) =>
      all.map(({ value }) => String(Object.values(value)[0])).join(' '),
    )
    expect(labels.toSorted()).toEqual(['bank error', 'bank unset', 'shop unset'])
    expect(answer.series[0]!.labels[0]!.key).toBe('resource.service.name')
    const byNumber = await range('{ .items < 2 } | rate() by (span.items)')
    expect(byNumber.series.map(({ labels: [only] }) => only)).toEqual(
      expect.arrayContaining(['0', '1'].map((intValue) => ({ key: 'span.items', value: { intValue } }))),
    )
    const byRoot = await range('{ nestedSetParent < 0 && traceDuration > 1ms } | rate() by (rootName, rootServiceName)')
    expect(byRoot.series.map(({ labels: all }) => all)).toEqual([
      [
        { key: 'rootName', value: { stringValue: 'checkout' } },
        { key: 'rootServiceName', value: { stringValue: 'shop' } },
      ],
    ])
    const top = await range('{ } | count_over_time() by (name) | topk(1)')
    expect(top.series.flatMap(({ samples }) => samples)).toHaveLength(5)
  })

  it('has durations in seconds', async () => {
    const of = async (q: string) => samplesOf(await range(`{ name = "checkout" } | ${q}`)).map(([, value]) => value)
    const durations = POINTS.map((second) => within(second).map(({ bankMs }) => (bankMs + 10) / 1000))
    expect(await of('max_over_time(duration)')).toEqual(durations.map((all) => Math.max(...all)))
    expect(await of('min_over_time(duration)')).toEqual(durations.map((all) => Math.min(...all)))
    const sums = durations.map((all) => all.reduce((sum, each) => sum + each, 0))
    for (const [i, sum] of (await of('sum_over_time(span:duration)')).entries()) expect(sum).toBeCloseTo(sums[i]!, 9)
    for (const [i, mean] of (await of('avg_over_time(duration)')).entries())
      expect(mean).toBeCloseTo(sums[i]! / durations[i]!.length, 9)
    const quantiles = await range('{ name = "checkout" } | quantile_over_time(duration, .5, 1)')
    expect(quantiles.series.map(({ labels }) => labels)).toEqual([
      [{ key: 'p', value: { doubleValue: 0.5 } }],
      [{ key: 'p', value: { doubleValue: 1 } }],
    ])
    for (const [i, [, value]] of samplesOf(quantiles, 1).entries())
      expect(Math.abs(value! / Math.max(...durations[i]!) - 1)).toBeLessThan(0.0055)
  })

  it('has a histogram that adds up to the counts, with traces to look at', async () => {
    const { series } = await range('{ name = "checkout" } | histogram_over_time(duration)')
    const sums = POINTS.map((_, i) => series.reduce((sum, { samples }) => sum + samples[i]!.value, 0))
    expect(sums).toEqual(POINTS.map((second) => within(second).length))
    for (const { labels } of series)
      expect(labels[0]).toMatchObject({ key: '__bucket', value: { doubleValue: expect.any(Number) as number } })
    const traces = series.flatMap(({ exemplars = [] }) => exemplars.map(({ labels }) => labels[0]!.value))
    expect(traces).toContainEqual({ stringValue: traceIdOf(1) })
  })

  it('names traces where that is asked for, on the numbers or where their durations are', async () => {
    const path = (q: string, exemplars: number): string =>
      pathOf('/api/metrics/query_range', { q, start: END_S - 120, end: END_S, step: '30s', exemplars })
    const ask = (q: string, exemplars: number) => spoor.json<RangeAnswer>(path(q, exemplars))
    const longest = POINTS.map((second) => within(second).toSorted((a, b) => b.bankMs - a.bankMs)[0]!)
    const traces = longest.map(({ trace }) => trace)
    const namedOf = ({ series }: RangeAnswer, i = 0) => series[i]!.exemplars ?? []
    const rate = await ask('{ name = "checkout" } | rate()', 100)
    expect(namedOf(rate).map(({ labels }) => labels)).toEqual(
      traces.map((trace) => [{ key: 'trace:id', value: { stringValue: trace } }]),
    )
    expect(namedOf(rate).map(({ timestampMs, value }) => ({ timestampMs, value }))).toEqual(rate.series[0]!.samples)
    const quantiles = await ask('{ name = "checkout" } | quantile_over_time(duration, 0.01, 1)', 100)
    // The first point has but one, which is both quantiles.
    const seconds = longest.map(({ bankMs }) => (bankMs + 10) / 1000)
    expect(namedOf(quantiles, 0).map(({ value }) => value)).toEqual(seconds.slice(0, 1))
    expect(namedOf(quantiles, 1).map(({ value }) => value)).toEqual(seconds.slice(1))
    expect(namedOf(await ask('{ name = "checkout" } | rate()', 2)).length).toBeLessThanOrEqual(2)
    for (const [q, exemplars] of [
      ['{ } | rate()', 0],
      ['{ } | rate() by (name)', 100],
    ] as const)
      expect((await ask(q, exemplars)).series.flatMap((one) => one.exemplars ?? [])).toEqual([])
  })

  it('reckons with series that have the same labels, and with numbers', async () => {
    const share = await range(
      '({ status = error } | count_over_time() by (name)) / ({ } | count_over_time() by (name)) * 100 >= 0',
    )
    expect(share.series.map(({ labels }) => labels)).toEqual([[{ key: 'name', value: { stringValue: 'charge' } }]])
    const all = samplesOf(await range('{ name = "charge" } | count_over_time()'))
    const failed = samplesOf(await range('{ name = "charge" && status = error } | count_over_time()'))
    const expected = all.map(([second, count], i) => [second, (failed[i]![1]! / count!) * 100])
    // 0 / 0 is no number.
    expect(samplesOf(share)).toEqual(expected.filter(([, value]) => !Number.isNaN(value)))
    expect(samplesOf(share)).toHaveLength(4)
    const rate = await range('2 * ({ name = "checkout" } | rate()) - 1')
    expect(samplesOf(rate)).toEqual(POINTS.map((second) => [second, (2 * within(second).length) / 30 - 1]))
    // Without labels, they are the same whatever they are called.
    const seconds = await range('({ name = "checkout" } | count_over_time()) / ({ name = "checkout" } | rate())')
    expect(samplesOf(seconds)).toEqual(POINTS.map((second) => [second, 30]))
    const shares = await range('({ } | count_over_time()) / ({ status = error } | count_over_time())')
    expect(samplesOf(shares).map(([second]) => second)).toEqual(
      failed.flatMap(([second, count]) => (count === 0 ? [] : [second])),
    )
    expect(failed.some(([, count]) => count === 0)).toBe(true)
    const none = await range('({ name = "checkout" } | rate()) / ({ name = "nobody" } | rate())')
    expect(none.series).toEqual([])
    const beyond = await range('({ name = "checkout" } | max_over_time(duration)) > 21ms')
    expect(samplesOf(beyond).every(([, value]) => value! > 0.021)).toBe(true)
    expect(samplesOf(beyond)).toHaveLength(
      POINTS.filter((second) => within(second).some(({ bankMs }) => bankMs + 10 > 21)).length,
    )
  })

  it('compares some with all others', async () => {
    // Enough of them that it cannot be chance: all that failed are charges, and nothing else is.
    const { series } = await range('{ } | compare({ status = error })', { start: END_S - 200, step: '200s' })
    const of = (type: string, key: string, text: string) =>
      series.find(({ labels: [meta, label] }) => {
        const [own, value] = [meta, label].map((each) => Object.values(each!.value)[0])
        return own === type && label!.key === key && value === text
      })?.samples
    const failed = CHECKOUTS.filter(({ failed: is }) => is).length
    const others = 3 * CHECKOUTS.length - failed
    expect(of('selection', 'name', 'charge')).toMatchObject([{ value: failed }])
    expect(of('baseline', 'name', 'charge')).toMatchObject([{ value: CHECKOUTS.length - failed }])
    expect(of('selection', 'resource.service.name', 'bank')).toMatchObject([{ value: failed }])
    expect(of('selection_total', 'name', 'nil')).toMatchObject([{ value: failed }])
    expect(of('baseline_total', 'name', 'nil')).toMatchObject([{ value: others }])
  })

  it('tells of longer times than a store does at once', async () => {
    const start = END_S - 40 * 60
    const long = await range('{ name = "checkout" } | count_over_time()', { start, step: '1s' })
    expect(long.series[0]!.samples).toHaveLength(40 * 60 + 1)
    expect(long.series[0]!.samples.reduce((sum, { value }) => sum + value, 0)).toBe(CHECKOUTS.length)
  })

  it('has one number for all of the time', async () => {
    const all = CHECKOUTS.filter(({ at }) => at > BigInt(END_S - 120) * NS)
    const { series } = await instant('{ name = "checkout" } | count_over_time()')
    expect(series).toMatchObject([{ value: all.length }])
    expect((await instant('{ name = "checkout" } | rate()')).series[0]!.value).toBeCloseTo(all.length / 120, 9)
    const slowest = await instant('{ } | max_over_time(duration) by (name) | topk(1)')
    expect(slowest.series).toMatchObject([{ labels: [{ value: { stringValue: 'checkout' } }] }])
    expect((await instant('{ name = "nobody" } | rate()')).series).toEqual([])
  })

  it.each([
    ['{ }', 'line 1, col 4: numbers over time should stand here'],
    ['{ parent.a = 1 } | compare({ name = "a" })', 'line 1, col 3: what is compared cannot be counted by this'],
    ['{ } | compare({ parent.a = 1 })', 'line 1, col 17: what is compared cannot be counted by this'],
  ])('refuses %s', async (q, message) => {
    const answer = await spoor.get(pathOf('/api/metrics/query_range', { q }))
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(message)])
  })

  it('has no field that the message of Tempo has not: some clients take no others', async () => {
    const keysOf = (values: readonly object[]) => [...new Set(values.flatMap(Object.keys))].toSorted()
    const over = await range('{ } | histogram_over_time(duration)')
    expect(keysOf([over])).toEqual(['metrics', 'series'])
    expect(keysOf(over.series)).toEqual(['exemplars', 'labels', 'samples'])
    expect(keysOf(over.series.flatMap(({ samples }) => samples))).toEqual(['timestampMs', 'value'])
    const at = await instant('{ } | rate()')
    expect([keysOf([at]), keysOf(at.series)]).toEqual([
      ['metrics', 'series'],
      ['labels', 'value'],
    ])
    expect(keysOf([over.metrics, at.metrics])).toEqual(['inspectedBytes', 'inspectedSpans'])
  })

  it('refuses more points than anybody looks at', async () => {
    const answer = await spoor.get(pathOf('/api/metrics/query_range', { q: '{ } | rate()', since: '1d', step: '1s' }))
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('at most 11000 are told')])
  })
})

it('says that it is there, as what, and takes no other methods', async () => {
  expect(await (await spoor.get('/tempo/api/echo')).text()).toBe('echo')
  expect(await (await spoor.get('/tempo/ready')).text()).toBe('ready\n')
  expect(await spoor.json('/tempo/api/status/buildinfo')).toMatchObject({
    version: '2.9.0',
    revision: expect.stringMatching(/^spoor /) as string,
  })
  const answer = await spoor.get('/tempo/api/search', { method: 'POST' })
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})
