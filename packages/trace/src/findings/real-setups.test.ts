import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildTrace } from '../build.ts'
import { EPOCH, requestOf, texts, type SpanSpec } from '../testkit.ts'
import { countWithin } from './call-times.ts'
import type { Finding } from './finding.ts'
import { createFindings } from './findings.ts'

// Set-ups that were run, broken and mended: fixtures/ has what OpenTelemetry's SDK for Go 1.47 with otelhttp 0.72 has sent.

const EPOCH_MS = Number(EPOCH / 1_000_000n)
const LATER_MS = EPOCH_MS + 3_600_000

/** Each set-up with its spans: trace, span, parent, service, kind, start and end in microseconds, address, path or URL. */
function rowsOf(file: string, setup: string): string[][] {
  const text = readFileSync(join(import.meta.dirname, 'fixtures', file), 'utf8')
  const part = text.split(/^# /m).find((one) => one.startsWith(`${setup}\n`))!
  const [, ...rows] = part.trimEnd().split('\n')
  return rows.map((row) => row.split('\t'))
}

function traces(file: string, setup: string): Map<string, SpanSpec[]> {
  const rows = rowsOf(file, setup)
  const ids = new Map(rows.map(([, spanId = ''], index) => [spanId, index + 1]))
  const all = new Map<string, SpanSpec[]>()
  for (const [traceId = '', spanId = '', parent = '', service = '', kind, start, end, address = '', url = ''] of rows) {
    const [host = '', port = ''] = address.split(':')
    const spec: SpanSpec = {
      traceId,
      id: ids.get(spanId)!,
      service,
      kind: Number(kind),
      name: kind === '3' ? 'HTTP GET' : 'GET',
      start: Number(start) * 1_000,
      end: Number(end) * 1_000,
      resource: { 'telemetry.sdk.language': 'go' },
      attributes: texts({
        'server.address': host,
        'server.port': port,
        [url.startsWith('http') ? 'url.full' : 'url.path']: url,
      }),
    }
    all.set(traceId, [
      ...(all.get(traceId) ?? []),
      parent === '-' ? spec : { ...spec, parent: ids.get(parent) ?? 9_999 },
    ])
  }
  return all
}

function found(all: ReadonlyMap<string, readonly SpanSpec[]>, nowMs = LATER_MS): Finding[] {
  const findings = createFindings()
  for (const [traceId, specs] of all) findings.add(buildTrace(requestOf(specs), traceId))
  return findings.found(nowMs)
}
const lines = ({ lines: all }: Finding): string[] => all.map(({ text }) => text)
const GO_PROPAGATOR =
  'otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))'

describe('services in Go', () => {
  it('with something between them that makes no spans and drops the header', () => {
    const [finding, ...more] = found(traces('go-context.tsv', 'relay'))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      code: 'relay_without_context',
      severity: 'error',
      where: '127.0.0.1:23102, between r-front and r-back',
      services: ['r-front', 'r-back'],
      count: 12,
    })
    expect(lines(finding!)).toContain('out.Header.Set("traceparent", in.Header.Get("traceparent")) // Go')
    expect(found(traces('go-context.tsv', 'relayHandsOn'))).toEqual([])
  })

  it.each([
    ['a prefix before the path, wherever it is', 'http://gw.example.com/api/orders/x', true],
    ['another path at an address that is near', 'http://gateway/charge', true],
    ['another path at an address in the world, which may be anything', 'http://gw.example.com/charge', false],
  ])('with %s', (_, url, isTold) => {
    const { hostname } = new URL(url)
    const all = [...traces('go-context.tsv', 'relay')].map(([traceId, specs]): [string, SpanSpec[]] => [
      traceId,
      specs.map((span) =>
        span.kind === 3 ? { ...span, attributes: texts({ 'server.address': hostname, 'url.full': url }) } : span,
      ),
    ])
    expect(found(new Map(all)).map(({ code }) => code)).toEqual(isTold ? ['relay_without_context'] : [])
  })

  it('without a propagator, which no variable gives them', () => {
    const [finding, ...more] = found(traces('go-context.tsv', 'noPropagator'))
    expect(more).toEqual([])
    expect(finding).toMatchObject({ code: 'context_lost', services: ['g-front', 'g-back'], count: 12 })
    expect(finding!.mend).toContain('main function of g-front and of g-back')
    expect(lines(finding!)).toEqual([GO_PROPAGATOR])
    expect(found(traces('go-context.tsv', 'propagator'))).toEqual([])
  })

  it('that call themselves without one', () => {
    const [finding, ...more] = found(traces('go-context.tsv', 'callsItself'))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      code: 'context_lost',
      what: 'Calls of g-self to itself (127.0.0.1:23121) are in two traces each: the context is lost on the way.',
      services: ['g-self'],
      count: 12,
    })
    expect(lines(finding!)).toEqual([GO_PROPAGATOR])
    expect(found(traces('go-context.tsv', 'callsItselfWithPropagator'))).toEqual([])
  })

  it('of which the one in the middle samples by ratio, whatever its caller has decided', () => {
    const [finding, ...more] = found(traces('go-sampler.tsv', 'ratio'))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      code: 'samples_alone',
      where: 'service s-mid',
      services: ['s-mid', 's-front'],
      what: expect.stringContaining('of 40 requests that s-front records it has') as string,
    })
    expect(lines(finding!)).toEqual([
      'OTEL_TRACES_SAMPLER=parentbased_traceidratio',
      expect.stringMatching(/^OTEL_TRACES_SAMPLER_ARG=0\.\d+$/),
      expect.stringMatching(
        /^sdktrace\.WithSampler\(sdktrace\.ParentBased\(sdktrace\.TraceIDRatioBased\(0\.\d+\)\)\)$/,
      ),
    ])
    expect(found(traces('go-sampler.tsv', 'parentBasedRatio'))).toEqual([])
  })

  it('of which the one in the middle is there for every third request, by other chance than the ids', () => {
    const all = traces('go-sampler.tsv', 'parentBasedRatio')
    const thinned = [...all].map(([traceId, specs], index): [string, SpanSpec[]] => [
      traceId,
      specs.filter(({ service }) => service === 's-front' || index % 3 === 0),
    ])
    expect(found(new Map(thinned))).toEqual([])
  })
})

it('one call has made one request, and not all that lie within it', () => {
  const call = { fromMs: 0, toMs: 10 }
  const answers = [
    { fromMs: 1, toMs: 3 },
    { fromMs: 4, toMs: 6 },
  ]
  expect(countWithin([call], answers, 0)).toBe(1)
  expect(countWithin([call, { fromMs: 2, toMs: 9 }], answers, 0)).toBe(2)
})

/** What the samplers of SDKs compare with a limit, by their sources; the others' order is Go's. */
describe.each([
  ['Java', (id: string) => BigInt.asIntN(64, BigInt(`0x${id.slice(16)}`))],
  ['.NET', (id: string) => BigInt.asIntN(64, BigInt(`0x${id.slice(0, 16)}`))],
  [
    'JavaScript',
    (id: string) => [0, 8, 16, 24].map((at) => BigInt(`0x${id.slice(at, at + 8)}`)).reduce((sum, word) => sum ^ word),
  ],
])('a middle in %s', (_, of) => {
  it('that samples by ratio', () => {
    const all = [...traces('go-sampler.tsv', 'parentBasedRatio')]
    const value = (id: string): bigint => (of(id) < 0n ? -of(id) : of(id))
    const limit = all.map(([id]) => value(id)).toSorted((a, b) => (a < b ? -1 : 1))[12]!
    const thinned = all.map(([traceId, specs]): [string, SpanSpec[]] => [
      traceId,
      specs.filter(({ service }) => service === 's-front' || value(traceId) < limit),
    ])
    expect(found(new Map(thinned)).map(({ code }) => code)).toEqual(['samples_alone'])
  })
})

describe('a queue that overruns', () => {
  const MS = 1_000_000
  const word = (id: number): string => id.toString(16).padStart(32, '0')

  /** Requests of three spans each, the way they end: a queue that has so much room takes those that end first, but for what goes on beside it. */
  function burst(count: number, atMs: number, room: number, firstId: number): Map<string, SpanSpec[]> {
    const ended = Array.from({ length: count }, (_, index): SpanSpec[] => {
      const [start, id] = [(atMs + (index % 40)) * MS, firstId + index * 3]
      const traceId = word(id)
      const of = { traceId, service: 'orders' }
      const root = { ...of, id, kind: 2, name: 'GET /order', start, end: start + 50 * MS }
      return [
        { ...of, id: id + 1, parent: id, name: 'load', start, end: start + (5 + (index % 7)) * MS },
        { ...of, id: id + 2, parent: id, name: 'price', start: start + 15 * MS, end: start + 30 * MS },
        root,
      ]
    })
      .flat()
      .toSorted((a, b) => (a.end ?? 0) - (b.end ?? 0))
    const all = new Map<string, SpanSpec[]>()
    for (const span of ended.slice(0, room)) all.set(span.traceId!, [...(all.get(span.traceId!) ?? []), span])
    return all
  }
  /** One request after the other, before the burst and long after it. */
  const quiet = (fromMs: number, firstId: number): [string, SpanSpec[]][] =>
    Array.from({ length: 20 }, (_, index) => [...burst(1, fromMs + index * 60, 3, firstId + index * 3)]).flat()

  it('has dropped what ended late: parents', () => {
    const all = new Map([...quiet(0, 1), ...burst(300, 10_000, 500, 1_000), ...quiet(60_000, 5_000)])
    const [finding, ...more] = found(all)
    expect(more).toEqual([])
    expect(finding).toMatchObject({ code: 'queue_overflow', severity: 'error', services: ['orders'] })
    expect(finding!.count).toBeGreaterThan(250)
    expect(lines(finding!)).toEqual(['OTEL_BSP_MAX_QUEUE_SIZE=65536'])
    // With room for all of them.
    expect(found(new Map([...all, ...burst(300, 10_000, 900, 1_000)]))).toEqual([])
  })

  it('is none where parents may be open still, or are never ended in quiet times either', () => {
    const open = new Map([...quiet(0, 1), ...burst(300, 10_000, 500, 1_000)])
    expect(found(open)).toEqual([])
    expect(found(new Map([...open, ...quiet(20_000, 5_000)]))).toEqual([])
    const unended = [...quiet(0, 1), ...burst(300, 10_000, 900, 1_000), ...quiet(60_000, 5_000)].map(
      ([id, specs]): [string, SpanSpec[]] => [id, specs.filter(({ name }) => name !== 'GET /order')],
    )
    expect(found(new Map(unended)).map(({ code }) => code)).not.toContain('queue_overflow')
  })

  it('of one request: a whole number of batches below a span that is not there', () => {
    const children = (count: number): Map<string, SpanSpec[]> => {
      const rows = Array.from({ length: count }, (_, index): SpanSpec => ({
        traceId: word(1),
        id: index + 2,
        parent: 1,
        service: 'import',
        name: 'row',
        end: (index + 1) * 1_000,
      }))
      return new Map([[word(1), rows]])
    }
    // As Node's SDK 2.12 has left of 10,000: the queue, and the batch that was on its way.
    expect(found(children(2_560))).toMatchObject([{ code: 'queue_overflow', count: 2_560 }])
    expect(found(children(2_500))).toEqual([])
    expect(found(children(2_560), EPOCH_MS + 10_000)).toEqual([])
  })
})
