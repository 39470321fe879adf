import type { KeyValue } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { buildTrace } from '../build.ts'
import { EPOCH, requestOf, texts, TRACE_ID, type SpanSpec } from '../testkit.ts'
import { createFindings } from './findings.ts'
import type { Finding } from './finding.ts'
import { templateOf } from './names-with-ids.ts'

const ms = 1_000_000
const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5]
const EPOCH_MS = Number(EPOCH / 1_000_000n)
/** Long after all that is here. */
const LATER_MS = EPOCH_MS + 3_600_000
const ERROR = { code: 2, message: '' }

/** What the rules say of these traces, each a list of spans. */
function found(traces: Iterable<readonly SpanSpec[]>, nowMs?: number): Finding[] {
  const findings = createFindings()
  for (const specs of traces) findings.add(buildTrace(requestOf(specs), TRACE_ID))
  return findings.found(nowMs)
}

const codes = (traces: Iterable<readonly SpanSpec[]>, nowMs?: number): string[] =>
  found(traces, nowMs).map(({ code }) => code)
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))
const at = (values: Readonly<Record<string, string>>): { readonly attributes: KeyValue[] } => ({
  attributes: texts(values),
})

describe('clock_skew', () => {
  const call = (index: number, ahead: number, serverEnd: number): SpanSpec[] => [
    {
      id: 1,
      service: 'a',
      kind: CLIENT,
      start: index * 1000 * ms,
      end: (index * 1000 + 50) * ms,
      resource: { 'host.name': 'h1' },
    },
    {
      id: 2,
      parent: 1,
      service: 'b',
      kind: SERVER,
      start: (index * 1000 + 10 + ahead) * ms,
      end: (index * 1000 + serverEnd + ahead) * ms,
      resource: { 'host.name': 'h2' },
    },
  ]

  it('names the pair of hosts and by how much', () => {
    const [finding, ...more] = found(times(5, (index) => call(index, 300_000, 30 + index)))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      code: 'clock_skew',
      what: 'The clock of b on h2 is 5 m 00 s ahead of that of a on h1.',
      services: ['a', 'b'],
      count: 5,
    })
    expect(finding?.spans[0]).toEqual({ traceId: TRACE_ID, spanId: '0000000000000002' })
  })

  it('is none of work that goes on, nor of one odd call among many', () => {
    expect(codes(times(20, (index) => call(index, 0, 60 + 100 * index)))).toEqual([])
    expect(codes(times(20, (index) => call(index, index === 3 ? 500 : 0, 30)))).toEqual([])
    expect(codes(times(20, (index) => call(index, -10.5, 49)))).toEqual([])
  })

  it('of one host among several', () => {
    const bad = { 'host.name': 'h3' }
    const other = (index: number): SpanSpec[] =>
      call(index, -40_000, 30).map((span) => (span.service === 'b' ? { ...span, resource: bad } : span))
    const traces = times(20, (index) => (index % 2 === 0 ? call(index, 0, 30) : other(index)))
    expect(found(traces).map(({ what }) => what)).toEqual(['The clock of b on h3 is 40.0 s behind that of a on h1.'])
  })

  it('told from one that was set back', () => {
    const traces = [
      [
        { id: 1, service: 'a', start: 5000 * ms, end: 9000 * ms },
        { id: 2, parent: 1, service: 'a', start: 2000 * ms, end: 2100 * ms },
      ],
    ]
    expect(found(traces)).toMatchObject([
      { code: 'clock_stepped', what: expect.stringContaining('3.00 s before') as string },
    ])
  })
})

describe('context_lost', () => {
  const address = at({ 'server.address': 'orders', 'server.port': '8080' })
  const client = (start: number, more: Partial<SpanSpec> = {}): SpanSpec => ({
    id: 2,
    parent: 1,
    service: 'a',
    kind: CLIENT,
    start: start * ms,
    end: (start + 50) * ms,
    ...address,
    ...more,
  })
  const inA = (start: number): SpanSpec[] => [
    { id: 1, service: 'a', kind: SERVER, start: start * ms, end: (start + 60) * ms },
    client(start),
  ]
  const inB = (start: number): SpanSpec[] => [
    { id: 3, service: 'b', kind: SERVER, start: (start + 5) * ms, end: (start + 40) * ms, ...address },
  ]

  it('names both services and the address', () => {
    const [finding, ...more] = found(times(5, (index) => [inA(index * 1000), inB(index * 1000)]).flat(), LATER_MS)
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      code: 'context_lost',
      severity: 'error',
      what: 'Calls of a to b (orders:8080) are in two traces each: the context is lost on the way.',
      count: 5,
    })
    expect(finding?.spans).toHaveLength(10)
  })

  it('names who of them has no propagator where it is Go, and not who hands on in other calls', () => {
    const speaks = (language: string) => ({ resource: { 'telemetry.sdk.language': language } })
    const of = (from: string, to: string, ...more: SpanSpec[][]) => {
      const a = (start: number) => inA(start).map((span) => ({ ...span, ...speaks(from) }))
      const b = (start: number) => inB(start).map((span) => ({ ...span, ...speaks(to) }))
      const [finding] = found([...times(5, (index) => [a(index * 1000), b(index * 1000)]).flat(), ...more], LATER_MS)
      return { mend: finding!.mend, line: finding!.lines[0]!.text }
    }
    expect(of('nodejs', 'python').line).toBe('OTEL_PROPAGATORS=tracecontext,baggage,b3')
    expect(of('nodejs', 'go').mend).toContain('main function of b,')
    expect(of('go', 'java').mend).toContain('main function of a,')
    // The same service in Go hands its context to another one: what is called does not take it.
    const proof: SpanSpec[] = [
      client(90_000, { parent: undefined!, ...at({ 'server.address': 'stock' }), ...speaks('go') }),
      { id: 3, parent: 2, service: 'stock', kind: SERVER, start: 90_000 * ms, end: 90_001 * ms },
    ]
    expect(of('go', 'java', proof).line).toBe('OTEL_PROPAGATORS=tracecontext,baggage,b3')
  })

  it('is none where the other side is there, or nobody knows it', () => {
    const whole = (start: number): SpanSpec[] => [...inA(start), { ...inB(start)[0]!, parent: 2 }]
    expect(
      codes(
        times(5, (index) => whole(index * 1000)),
        LATER_MS,
      ),
    ).toEqual([])
    expect(
      codes(
        times(5, (index) => inA(index * 1000)),
        LATER_MS,
      ),
    ).toEqual([])
    // Others call it, too, who are not traced.
    expect(codes(times(20, (index) => [whole(index * 1000), inB(index * 1000 + 500)]).flat(), LATER_MS)).toEqual([])
    // Of one call in five, somebody else may be who is answered.
    const some = times(3, (index) => [inA(50_000 + index * 1000), inB(50_000 + index * 1000)]).flat()
    expect(codes([...times(12, (index) => whole(index * 1000)), ...some], LATER_MS)).toEqual([])
    // At other times.
    expect(codes(times(5, (index) => [inA(index * 1000), inB(index * 1000 + 500)]).flat(), LATER_MS)).toEqual([])
  })

  it('is none of calls whose other side may be on its way', () => {
    const traces = times(5, (index) => [inA(index * 1000), inB(index * 1000)]).flat()
    const lastEndMs = EPOCH_MS + 4_050
    // The first three have had their six seconds.
    expect(found(traces, lastEndMs + 4_000).map(({ count }) => count)).toEqual([3])
    expect(codes(traces, lastEndMs + 3_999)).toEqual([])
    // Nor do those that are on their way speak for the others.
    const whole = (start: number): SpanSpec[] => [...inA(start), { ...inB(start)[0]!, parent: 2 }]
    const fresh = times(20, (index) => whole(20_000 + index))
    expect(codes([...traces, ...fresh], EPOCH_MS + 22_000)).toEqual(['context_lost'])
  })

  it('of messages, unless the consumer links to what it got', () => {
    const topic = at({ 'messaging.destination.name': 'orders' })
    const sent = (start: number): SpanSpec[] => [
      { id: 1, service: 'a', kind: PRODUCER, start: start * ms, end: (start + 1) * ms, ...topic },
    ]
    const got = (start: number): SpanSpec[] => [
      { id: 2, service: 'b', kind: CONSUMER, start: (start + 80) * ms, end: (start + 90) * ms, ...topic },
    ]
    const link = {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      traceState: '',
      attributes: [],
      droppedAttributesCount: 0,
      flags: 0,
    }
    expect(codes(times(5, (index) => [sent(index * 1000), got(index * 1000)]).flat(), LATER_MS)).toEqual([
      'context_lost',
    ])
    const linked = (start: number): SpanSpec[] => got(start).map((span) => ({ ...span, links: [link] }))
    expect(codes(times(5, (index) => [sent(index * 1000), linked(index * 1000)]).flat(), LATER_MS)).toEqual([])
  })

  it('by addresses in URLs, as older SDKs have them', () => {
    const url = (host: string) => at({ 'http.url': `http://${host}/x` })
    const old = (start: number): SpanSpec[] => [
      client(start, { parent: 1, ...url('orders:8080') }),
      { id: 1, service: 'a', start: start * ms, end: (start + 60) * ms },
    ]
    const b = (start: number): SpanSpec[] => [{ ...inB(start)[0]!, ...at({ 'http.host': 'orders:8080' }) }]
    expect(codes(times(5, (index) => [old(index * 1000), b(index * 1000)]).flat(), LATER_MS)).toEqual(['context_lost'])
  })
})

describe('context_lost_inside', () => {
  const of = (id: number, spans: readonly Omit<SpanSpec, 'id'>[]): SpanSpec[] =>
    spans.map((span, index) => ({
      service: 'shop',
      traceId: id.toString(16).padStart(32, '0'),
      id: index + 1,
      resource: { 'telemetry.sdk.language': 'python' },
      ...span,
    }))
  const request = (id: number, at: number, takes: number): SpanSpec[] =>
    of(id, [{ kind: SERVER, name: 'GET /cart', start: at * ms, end: (at + takes) * ms }])
  const work = (id: number, at: number, takes: number): SpanSpec[] =>
    of(id, [{ kind: CLIENT, name: 'SELECT', start: at * ms, end: (at + takes) * ms }])
  const told = (traces: readonly (readonly SpanSpec[])[]): Finding[] => {
    const findings = createFindings()
    for (const specs of traces) findings.add(buildTrace(requestOf(specs), specs[0]!.traceId))
    return findings.found(LATER_MS).filter(({ code }) => code === 'context_lost_inside')
  }
  // Requests that come now and then.
  const whens = times(20, (index) => index * 1_000 + ((index * 7_919) % 613))

  it('work of each request that begins a trace of its own, and how to carry the context', () => {
    const [finding, ...more] = told(
      whens.flatMap((when, index) => [request(index + 1, when, 50), work(index + 101, when + 5, 30)]),
    )
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      severity: 'error',
      what: '"SELECT" of shop begins a trace of its own each time, within "GET /cart": the context is lost inside of the process.',
      services: ['shop'],
      count: 20,
      lines: [{ text: 'pip install opentelemetry-instrumentation-threading' }, { kind: 'code' }],
    })
  })

  it('is none of work at other times, of work that is below requests, too, and of requests without a pause', () => {
    const timer = whens.flatMap((when, index) => [request(index + 1, when, 50), work(index + 101, when + 400, 30)])
    expect(told(timer)).toEqual([])
    const below = of(900, [
      { kind: SERVER, name: 'GET /cart', start: 0, end: 50 * ms },
      { name: 'handle', parent: 1, start: ms, end: 40 * ms },
      { kind: CLIENT, name: 'SELECT', parent: 2, start: ms, end: 2 * ms },
    ])
    const lost = whens.flatMap((when, index) => [request(index + 1, when, 50), work(index + 101, when + 5, 30)])
    expect(told([...lost, below])).toEqual([])
    // Many at a time, so that anything lies within one.
    const busy = times(40, (index) => [
      request(index + 1, index * 10, 500),
      work(index + 101, index * 10 + ((index * 7_919) % 100), 5),
    ]).flat()
    expect(told(busy)).toEqual([])
    expect(told(lost.slice(0, 18))).toEqual([])
  })
})

describe('names_with_ids', () => {
  it('gives the template', () => {
    expect(templateOf('GET /users/4711/orders/0af7651916cd43dd')).toBe('GET /users/{id}/orders/{id}')
    expect(templateOf('order 550e8400-e29b-41d4-a716-446655440000')).toBe('order {id}')
    expect(templateOf('load 01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe('load {id}')
    expect(templateOf('GET /customers/cus_9s6XKzkNRiz8i3/cards')).toBe('GET /customers/{id}/cards')
    expect(templateOf('GET /files/V1StGXR8_Z5jdHi6B-myT')).toBe('GET /files/{id}')
    expect(templateOf('mail to jane.doe+x@shop.example')).toBe('mail to {id}')
    for (const name of [
      'GET /v1/users/{id}',
      'com.example.OrderServiceV2Impl',
      'OrderServiceConfigurationV2',
      'get_customerorders',
      'PROCESS_ALL_ORDERS_OF_TODAY',
      'GET /@scope/package',
      'SELECT shop.orders2',
      'HTTP POST',
      'deadbeef',
      's3 GetObject',
      'utf-8 decode',
    ])
      expect(templateOf(name)).toBe(name)
  })

  it('when there are as many names as requests', () => {
    const traces = times(20, (index): SpanSpec[] => [{ id: 1, service: 'shop', name: `GET /users/${index}`, end: ms }])
    expect(found(traces)).toMatchObject([
      {
        code: 'names_with_ids',
        where: 'service shop',
        count: 20,
        lines: [{ text: 'span.updateName("GET /users/{id}")' }],
      },
    ])
    expect(codes(traces.slice(0, 9))).toEqual([])
    const few = times(100, (index): SpanSpec[] => [{ id: 1, name: `shard ${index % 12}`, end: ms }])
    expect(codes(few)).toEqual([])
  })
})

describe('health_checks', () => {
  const health = (): SpanSpec[] => [
    { id: 1, service: 'shop', kind: SERVER, name: 'GET /healthz', end: ms, ...at({ 'url.path': '/healthz' }) },
  ]
  const order = (): SpanSpec[] => [{ id: 1, service: 'shop', kind: SERVER, name: 'POST /order', end: ms }]

  it('when four fifths of all requests are', () => {
    const [finding] = found([...times(18, health), ...times(2, order)])
    expect(finding).toMatchObject({
      code: 'health_checks',
      count: 18,
      what: expect.stringContaining('90 % of 20') as string,
    })
    expect(finding?.lines.map(({ text }) => text)).toEqual([
      "SPOOR_EXCLUDE='GET /healthz'",
      `processors: { filter/health: { error_mode: ignore, traces: { span: ['attributes["url.path"] == "/healthz"'] } } }`,
    ])
    expect(codes([...times(15, health), ...times(5, order)])).toEqual([])
    expect(codes(times(10, health))).toEqual([])
    expect(codes(times(30, (): SpanSpec[] => [{ id: 1, name: 'GET /healthcare/plans', end: ms }]))).toEqual([])
  })
})

describe('n_plus_one and retry_storm', () => {
  const parent = (end: number): SpanSpec => ({ id: 1, service: 'shop', kind: SERVER, name: 'GET /cart', end: end * ms })
  const calls = (count: number, apart: number, more: (index: number) => Partial<SpanSpec> = () => ({})): SpanSpec[] =>
    times(count, (index) => ({
      id: index + 2,
      parent: 1,
      service: 'shop',
      kind: CLIENT,
      name: 'SELECT items',
      start: index * apart * ms,
      end: (index * apart + 5) * ms,
      ...more(index),
    }))

  it('one call for each of a list', () => {
    const [finding, ...more] = found([[parent(200), ...calls(20, 6)]])
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      code: 'n_plus_one',
      what: expect.stringContaining('"SELECT items" up to 20 times') as string,
    })
    expect(finding?.spans).toEqual([{ traceId: TRACE_ID, spanId: '0000000000000001' }])
  })

  it('is none beside each other, of other calls, of few, or of little time', () => {
    expect(codes([[parent(200), ...calls(20, 1)]])).toEqual([])
    expect(
      codes([[parent(200), ...calls(20, 6, (index) => ({ name: `SELECT ${'abcdefghijklmnopqrst'[index]}` }))]]),
    ).toEqual([])
    expect(codes([[parent(200), ...calls(9, 6)]])).toEqual([])
    expect(codes([[parent(2000), ...calls(20, 6)]])).toEqual([])
  })

  describe('the way out', () => {
    const of = (attributes: Record<string, string>, more: Partial<SpanSpec> = {}) => {
      const [finding] = found([
        [{ ...parent(200), ...more }, ...calls(20, 6, () => ({ attributes: texts(attributes), ...more }))],
      ])
      return { mend: finding!.mend, lines: finding!.lines.map(({ text }) => text) }
    }
    const speaks = (language: string): Partial<SpanSpec> => ({ resource: { 'telemetry.sdk.language': language } })

    it.each([
      ['postgresql', 'SELECT id, name FROM items WHERE id = $1', 'SELECT id, name FROM items WHERE id = ANY($1)'],
      ['mysql', 'select * from `items` i where i.id = ? limit 1;', 'select * from `items` i where i.id IN (?, ?, …)'],
      ['sqlite', 'SELECT *\n  FROM items\n WHERE id = :id', 'SELECT * FROM items WHERE id IN (:id, :id, …)'],
      ['oracle', 'SELECT r.* FROM kis.lab r WHERE r.nr = :1', 'SELECT r.* FROM kis.lab r WHERE r.nr IN (:1, :2, …)'],
      // What is not of this form is not written anew: nobody knows what it would be.
      ['mysql', 'SELECT * FROM items WHERE id = ? AND a = ?', 'WHERE id IN (…)'],
      ['mysql', 'SELECT 1; DROP TABLE items WHERE id = ?', 'WHERE id IN (…)'],
      ['mysql', '', 'WHERE id IN (…)'],
    ])('of queries to %s: %j', (system, query, line) => {
      expect(of({ 'db.system.name': system, 'db.query.text': query }).lines).toEqual([line])
      expect(of({ 'db.system': system, 'db.statement': query }).lines).toEqual([line])
    })

    it('of calls, in the language of the service', () => {
      expect(of({}, speaks('nodejs')).lines).toEqual([
        'const results = await Promise.all(items.map((item) => call(item)))',
      ])
      expect(of({}, speaks('python')).lines).toEqual([expect.stringContaining('asyncio.gather')])
      expect(of({}, speaks('cobol')).lines).toEqual([])
    })

    it('names file, line and function where spans do, else the span', () => {
      const placed = { 'code.file.path': 'src/cart.js', 'code.line.number': '42', 'code.function.name': 'load' }
      expect(of(placed).mend).toMatch(/^In src\/cart\.js:42, load: ask once/)
      expect(of({ 'code.filepath': 'src/cart.js' }).mend).toMatch(/^In src\/cart\.js: ask once/)
      expect(of({}, { attributes: texts({ 'code.function': 'cart' }) }).mend).toMatch(/^In cart: ask once/)
      expect(of({}).mend).toMatch(/^In what runs below GET \/cart: ask once/)
    })
  })

  it('the way out of attempts in vain is fewer of them, and further apart', () => {
    const resource = { 'telemetry.sdk.language': 'nodejs' }
    const failing = calls(6, 6, () => ({ status: ERROR, resource }))
    const [finding] = found([[{ ...parent(100), resource }, ...failing]])
    expect(finding).toMatchObject({
      code: 'retry_storm',
      mend: expect.stringContaining('In what runs below GET /cart: give up after three attempts') as string,
      lines: [{ kind: 'code', text: expect.stringContaining('attempt === 3') as string }],
    })
  })

  it('a call that fails again and again', () => {
    const failing = calls(6, 6, (index) => (index < 5 ? { status: ERROR } : {}))
    expect(found([[parent(100), ...failing]])).toMatchObject([
      { code: 'retry_storm', what: expect.stringContaining('up to 5 times in vain') as string },
    ])
    expect(codes([[parent(100), ...calls(6, 6, (index) => (index < 3 ? { status: ERROR } : {}))]])).toEqual([])
  })
})

it('unknown_service', () => {
  expect(found([[{ id: 1, service: 'unknown_service:node', end: ms }]])).toMatchObject([
    { code: 'unknown_service', lines: [{ text: 'OTEL_SERVICE_NAME=shop' }] },
  ])
})

describe('parents_missing', () => {
  const request = (index: number, parent?: number): SpanSpec[] => [
    {
      id: 1,
      service: 'c',
      kind: SERVER,
      start: index * 1000 * ms,
      end: (index * 1000 + 20) * ms,
      ...(parent && { parent }),
    },
  ]

  it('of those that nobody waits for any more', () => {
    const traces = times(40, (index) => request(index, index % 2 === 0 ? 9 : undefined))
    expect(found(traces)).toMatchObject([
      { code: 'parents_missing', what: expect.stringContaining('10 of 20 requests of c') as string, count: 10 },
    ])
    // One in twenty is lost now and then; and the last seconds are on their way.
    expect(codes(times(200, (index) => request(index, index % 20 === 0 ? 9 : undefined)))).toEqual([])
    const last = times(15, (index) => request(index, 9))
    expect(codes(last)).toEqual([])
    // Where nothing has come since, all ended with them.
    expect(codes(last, LATER_MS)).toEqual([])
  })
})

it('shared_name: programs in two languages, but for the pages of a service', () => {
  const of = (language: string): SpanSpec[] => [
    { id: 1, service: 'shop', end: ms, resource: { 'telemetry.sdk.language': language } },
  ]
  expect(found([of('nodejs'), of('python'), of('nodejs')])).toMatchObject([
    { code: 'shared_name', count: 1, lines: [{ text: 'OTEL_SERVICE_NAME=shop-python' }] },
  ])
  expect(codes([of('nodejs'), of('webjs'), of('nodejs')])).toEqual([])
})

it('shared_name: programs in one language that serve nothing that is the same, but not those that have served little', () => {
  const of = (instance: string, count: number, ...names: readonly string[]): SpanSpec[][] =>
    times(count, (index) => [
      {
        id: 1,
        service: 'app',
        kind: SERVER,
        name: names[index % names.length]!,
        end: ms,
        resource: { 'telemetry.sdk.language': 'nodejs', 'service.instance.id': instance },
      },
    ])
  const cart = ['GET /cart', 'POST /cart', 'GET', 'GET /healthz']
  const pay = ['POST /pay', 'GET', 'GET /healthz']
  expect(found([...of('a', 80, ...cart), ...of('b', 80, ...cart), ...of('c', 100, ...pay)])).toMatchObject([
    {
      code: 'shared_name',
      what: '2 programs are all called app, one with "GET /cart", one with "POST /pay", and none serves what another does: they are shown as one service.',
      lines: [{ text: 'OTEL_SERVICE_NAME=app-2' }],
    },
  ])
  // One that has both joins them; of one that has served little nobody knows; ids are in names.
  expect(codes([...of('a', 80, ...cart), ...of('c', 100, ...pay), ...of('d', 2, 'GET /cart', 'POST /pay')])).toEqual([])
  expect(codes([...of('a', 80, ...cart), ...of('c', 100, ...pay), ...of('d', 5, 'GET /rare')])).toEqual([])
  const withIds = (instance: string, from: number): SpanSpec[][] =>
    of(instance, 40, ...times(40, (index) => `GET /users/${from + index}`))
  expect(codes([...withIds('a', 100), ...withIds('b', 200)])).toEqual(['names_with_ids'])
})

it('sent_twice: nearly each span of a service comes more than once, in many traces', () => {
  const request = (index: number, twice: boolean): SpanSpec[] => {
    const id = (index + 1).toString(16).padStart(32, '0')
    const all = times(4, (at): SpanSpec => ({
      traceId: id,
      id: at + 1,
      service: 'shop',
      kind: SERVER,
      end: (at + 1) * ms,
    }))
    return twice ? [...all, ...all] : all
  }
  const of = (traces: readonly (readonly SpanSpec[])[]): Finding[] => {
    const findings = createFindings()
    for (const specs of traces) findings.add(buildTrace(requestOf(specs), specs[0]!.traceId))
    return findings.found()
  }
  const twice = times(10, (index) => request(index, true))
  expect(of(twice)).toMatchObject([
    { code: 'sent_twice', services: ['shop'], count: 40, lines: [{ text: 'OTEL_TRACES_EXPORTER=none' }] },
  ])
  // An export that was sent again, and a program that has just begun.
  expect(of([...twice.slice(0, 6), ...times(10, (index) => request(index + 20, false))])).toEqual([])
  expect(of(twice.slice(0, 4))).toEqual([])
  const one = times(40, (at): SpanSpec => ({
    traceId: '1'.repeat(32),
    id: at + 1,
    name: 'row',
    service: 'shop',
    end: ms,
  }))
  expect(of([[...one, ...one]])).toEqual([])
})

it('mixed_conventions: old names beside new ones, but where a span has both', () => {
  const of = (service: string, values: Record<string, string>): SpanSpec[] => [
    { id: 1, service, kind: SERVER, end: ms, ...at(values) },
  ]
  const [before, after] = [{ 'http.method': 'GET' }, { 'http.request.method': 'GET' }]
  expect(found([of('a', before), of('b', after)])).toMatchObject([
    {
      code: 'mixed_conventions',
      services: ['a'],
      severity: 'info',
      lines: [{ text: 'OTEL_SEMCONV_STABILITY_OPT_IN=http/dup' }],
    },
  ])
  expect(codes([of('a', { ...before, ...after }), of('b', after)])).toEqual([])
  // Next.js, whose user can do nothing about it, beside the spans of its requests.
  const next = { ...before, 'next.span_type': 'BaseServer.handleRequest' }
  expect(codes([of('web', next), of('web', after)])).toEqual([])
})
