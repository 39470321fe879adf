import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, type KeyValue, requestToJson } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestOf, spanIdOf, startTestSpoor, string, traceIdOf } from '../testkit.ts'
import { cli, cliJson } from '../transfer/testkit.ts'
import { differences } from './expectation.ts'
import type { Outcome } from './outcome.ts'
import type { SamplingReport } from './sampling.ts'

let folder: string
let config: string
let traces: string

const MS = 1_000_000n
const START = 1_790_000_000_000n * MS
const RECEIVE = 'receivers: {otlp: {protocols: {grpc: , http: }}}'
const SAMPLING = `${RECEIVE}
processors:
  filter: {trace_conditions: ['span.attributes["url.path"] == "/health"']}
  attributes: {actions: [{key: tenant, value: a, action: insert}, {key: secret, action: delete}]}
  tail_sampling:
    decision_wait: 30s
    policies:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: slow, type: latency, latency: {threshold_ms: 500}}
exporters: {otlp_grpc: {endpoint: "nowhere.invalid:4317"}}
service:
  pipelines: {traces: {receivers: [otlp], processors: [filter, attributes, tail_sampling], exporters: [otlp_grpc]}}
`

interface Made {
  readonly trace: number
  readonly name?: string
  readonly ms?: number
  readonly atMs?: number
  readonly isError?: boolean
  readonly attributes?: readonly KeyValue[]
}

function spans(made: readonly Made[]): Uint8Array {
  return requestOf(
    'checkout',
    made.map(({ trace, name = 'GET /cart', ms = 10, atMs = 0, isError = false, attributes = [] }) => ({
      traceId: traceIdOf(trace),
      spanId: spanIdOf(trace),
      name,
      startTimeUnixNano: START + BigInt(atMs) * MS,
      endTimeUnixNano: START + BigInt(atMs + ms) * MS,
      status: { code: isError ? 2 : 0, message: '' },
      attributes: [...attributes],
    })),
  )
}

const jsonOf = (bytes: Uint8Array): string => JSON.stringify(requestToJson('traces', bytes))

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-trial-test-'))
  config = join(folder, 'it.yaml')
  traces = join(folder, 'traces.json')
  writeFileSync(config, SAMPLING)
  const all = spans([
    { trace: 1 },
    { trace: 2, isError: true, attributes: [string('secret', 'x')] },
    { trace: 3, ms: 900, name: 'POST /pay' },
    { trace: 4, attributes: [string('url.path', '/health')], name: 'GET /health' },
  ])
  writeFileSync(traces, jsonOf(all))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('spoor collector test', () => {
  it('says stage by stage what comes through, what is dropped, and why', async () => {
    const { code, output } = await cli('collector', 'test', config, traces)
    expect(output.replaceAll(folder, '')).toMatchInlineSnapshot(`
      "/it.yaml with /traces.json: 4 spans in 1 request

      traces  otlp → filter → attributes → tail_sampling → otlp_grpc
        otlp           4 spans of 4 traces
        filter         3 spans of 3 traces  −1  filter
                       1 × span.attributes["url.path"] == "/health"
        attributes     3 spans of 3 traces
                       3 spans changed: +tenant -secret
        tail_sampling  2 spans of 2 traces  −1  not_sampled  waited 31.0 s
                       errors  1 of 3 traces
                       slow    1 of 3 traces
        → otlp_grpc    2 spans of 2 traces in 2 requests, the first after 31.0 s

      4 traces, 2 kept
        ● 0000000000000000  checkout GET /cart      10.0 ms     1 span  error  traces:otlp_grpc
        ● 0000000000000000  checkout POST /pay       900 ms     1 span         traces:otlp_grpc
        ○ 0000000000000000  checkout GET /cart      10.0 ms     1 span         ended at traces:tail_sampling
        ○ 0000000000000000  checkout GET /health    10.0 ms     1 span         ended at traces:filter
      "
    `)
    expect(code).toBe(0)
  })

  it('says the same as JSON', async () => {
    const { code, report } = await cliJson('collector', 'test', config, traces)
    expect(code).toBe(0)
    const { pipelines, traces: fates, output } = report as Outcome
    expect(pipelines[0]!.processors).toMatchObject([
      {
        component: 'filter',
        in: 4,
        out: 3,
        dropped: { filter: 1 },
        conditions: { 'span.attributes["url.path"] == "/health"': 1 },
      },
      { component: 'attributes', in: 3, out: 3, changed: { spans: 3, what: ['+tenant', '-secret'] } },
      {
        component: 'tail_sampling',
        in: 3,
        out: 2,
        dropped: { not_sampled: 1 },
        policies: { errors: { sampled: 1, asked: 3 }, slow: { sampled: 1, asked: 3 } },
      },
    ])
    expect(pipelines[0]!.processors[2]!.waitedMs).toBeGreaterThanOrEqual(30_000)
    expect(fates.map(({ kept, endedAt }) => [...kept, ...endedAt])).toEqual([
      ['traces:tail_sampling'],
      ['traces:otlp_grpc'],
      ['traces:otlp_grpc'],
      ['traces:filter'],
    ])
    expect(Object.keys(output)).toEqual(['traces:otlp_grpc'])
  })

  it('is a test: a file says what should come out, and what is other is told', async () => {
    const expected = join(folder, 'expected.json')
    expect((await cli('collector', 'test', config, traces, '--expect', expected, '--update')).code).toBe(0)
    const again = await cli('collector', 'test', config, traces, '--expect', expected)
    expect(again.output).toContain(`as expected by ${expected}`)
    expect(again.code).toBe(0)
    const text = readFileSync(expected, 'utf8')
    writeFileSync(expected, text.replace('"tenant"', '"tenants"').replace(`"${spanIdOf(3)}"`, `"${spanIdOf(7)}"`))
    const other = await cli('collector', 'test', config, traces, '--expect', expected)
    expect(other.code).toBe(1)
    expect(other.output).toContain('not as expected')
    expect(other.output).toMatch(/attributes\.tenants: expected .*, found nothing/)
    expect(other.output).toContain(`missing span ${traceIdOf(3)} ${spanIdOf(7)}`)
    expect(other.output).toContain(`not expected span ${traceIdOf(3)} ${spanIdOf(3)}`)
  })

  it('goes by what is meant: not by orders and zeros that are left out, but by the types of values', () => {
    const requests = (span: object, attributes: readonly object[]): object[] => [
      { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'a', spanId: 'b', name: 'c', attributes, ...span }] }] }] },
    ]
    const [a, b] = [
      { key: 'a', value: { intValue: '0' } },
      { key: 'b', value: { stringValue: '' } },
    ]
    const compared = (expected: object[], found: object[]) => differences({ x: expected }, { x: found })
    expect(
      compared(requests({ kind: 0, events: [] }, [a, b]), requests({}, [b, { ...a, value: { intValue: 0 } }])),
    ).toEqual([])
    expect(compared(requests({}, [a]), requests({}, [{ key: 'a', value: { boolValue: false } }]))).toHaveLength(2)
    expect(compared(requests({}, [a]), requests({}, []))).toEqual([
      'x: span a b "c": attributes: expected [{"key":"a","value":{"intValue":"0"}}], found nothing',
    ])
  })

  it('takes a request alone as what the only exporter gets, in whatever order', async () => {
    const plain = join(folder, 'plain.yaml')
    writeFileSync(plain, SAMPLING.replace('[filter, attributes, tail_sampling]', '[]'))
    const { code, output } = await cli('collector', 'test', plain, traces, '--expect', traces)
    expect([code, output]).toEqual([0, expect.stringContaining('as expected')])
  })

  it('gives requests with headers, one after the other, to the receiver that is named', async () => {
    const routed = join(folder, 'routed.yaml')
    writeFileSync(
      routed,
      `${RECEIVE.replace('{otlp:', '{otlp/b: {protocols: {http: }}, otlp/a:')}
connectors:
  routing:
    table: [{context: request, condition: 'request["x-tenant"] == "acme"', pipelines: [traces/acme]}]
    default_pipelines: [traces/rest]
exporters: {file/acme: {path: acme.json}, file/rest: {path: rest.json}}
service:
  pipelines:
    traces/in: {receivers: [otlp/a], exporters: [routing]}
    traces/b: {receivers: [otlp/b], exporters: [file/rest]}
    traces/acme: {receivers: [routing], exporters: [file/acme]}
    traces/rest: {receivers: [routing], exporters: [file/rest]}`,
    )
    const args = ['collector', 'test', routed, traces, traces, '--every', '2s', '--receiver', 'otlp/a']
    const { report } = await cliJson(...args, '--header', 'X-Tenant=acme')
    const { pipelines } = report as Outcome
    const acme = pipelines.find(({ id }) => id === 'traces/acme')!
    expect(acme.exporters).toMatchObject([{ component: 'file/acme', in: 8, requests: 2, atMs: 0 }])
    const rest = await cliJson(...args)
    expect((rest.report as Outcome).pipelines.find(({ id }) => id === 'traces/acme')!.exporters[0]!.in).toBe(0)
  })

  it('tells what is wrong with its files by their lines', async () => {
    const lines = join(folder, 'lines.json')
    writeFileSync(lines, `${jsonOf(spans([{ trace: 1 }]))}\n\n{"resourcespans": []}\n`)
    expect(await cli('collector', 'test', config, lines)).toMatchObject({
      code: 1,
      output: expect.stringContaining(`${lines}:3: no request: OTLP/JSON begins with "resourceSpans"`),
    })
    expect(await cli('collector', 'test', config)).toMatchObject({ code: 2 })
    expect(await cli('collector', 'test', config, join(folder, 'none.json'))).toMatchObject({ code: 1 })
    const wrong = join(folder, 'wrong.yaml')
    writeFileSync(wrong, SAMPLING.replace('status_codes', 'status_code_list'))
    const { code, output } = await cli('collector', 'test', wrong, traces)
    expect([code, output]).toEqual([1, expect.stringContaining('wrong.yaml:8:')])
  })
})

describe('spoor collector simulate', () => {
  /** 40 ordinary ones over two minutes, 4 that fail, and 2 that are slow. */
  const made: Made[] = [
    ...Array.from({ length: 40 }, (_, i) => ({ trace: i + 1, atMs: i * 3000 })),
    ...Array.from({ length: 4 }, (_, i) => ({ trace: i + 101, atMs: i * 20_000, isError: true, name: 'POST /pay' })),
    ...Array.from({ length: 2 }, (_, i) => ({ trace: i + 201, atMs: i * 9000, ms: 400 })),
  ]

  it('says what would have been kept of the spans in files, and what missed', async () => {
    const file = join(folder, 'traffic.json')
    writeFileSync(file, jsonOf(spans(made)))
    const { code, report } = await cliJson('collector', 'simulate', config, '--from', file)
    expect(code).toBe(0)
    const { all, operations, policies, dropped } = report as SamplingReport
    expect(all).toEqual({
      traces: 46,
      tracesKept: 4,
      spans: 46,
      spansKept: 4,
      errors: 4,
      errorsKept: 4,
      slow: 2,
      slowKept: 0,
    })
    expect(operations.map(({ operation, tracesKept }) => [operation, tracesKept])).toEqual([
      ['GET /cart', 0],
      ['POST /pay', 4],
    ])
    expect(policies).toEqual({ errors: 4, slow: 0 })
    expect(dropped).toEqual([{ processor: 'tail_sampling', reason: 'not_sampled', spans: 42 }])
    const { output } = await cli('collector', 'simulate', config, '--from', file)
    expect(output.replaceAll(folder, '')).toMatchInlineSnapshot(`
      "/it.yaml over 46 spans of 46 traces from /traffic.json, 117 s

        kept    8.7 % of the spans, 8.7 % of the traces (4)
        saved   0.4 spans/s: 0 spans/s in place of 0.4 spans/s
        errors  all 4 traces kept
        slow    2 of 2 traces missed (the slowest twentieth of each operation)

        SERVICE   OPERATION  TRACES     KEPT  SPANS     KEPT  ERRORS MISSED  SLOW MISSED
        checkout  GET /cart      42    0.0 %     42    0.0 %              –       2 of 2
        checkout  POST /pay       4  100.0 %      4  100.0 %         0 of 4            –

        policies, by themselves
        errors  4  8.7 %
        slow    0  0.0 %

        spans dropped
        tail_sampling, not_sampled  42  91.3 %
      "
    `)
  })

  it('goes by the root of a trace, wherever it is among its spans', async () => {
    const file = join(folder, 'rooted.json')
    const ofTrace = { traceId: traceIdOf(1), startTimeUnixNano: START, endTimeUnixNano: START + 10n * MS }
    const child = { ...ofTrace, spanId: spanIdOf(2), parentSpanId: spanIdOf(1), name: 'query' }
    const root = { ...ofTrace, spanId: spanIdOf(1), name: 'GET /cart' }
    writeFileSync(
      file,
      [
        jsonOf(requestOf('db', [child])),
        jsonOf(requestOf('shop', [{ ...child, spanId: spanIdOf(3) }, root])),
        jsonOf(requestOf('mail', [{ ...child, spanId: spanIdOf(4) }])),
      ].join('\n'),
    )
    const { report } = await cliJson('collector', 'simulate', config, '--from', file)
    expect((report as SamplingReport).operations).toEqual([
      expect.objectContaining({ service: 'shop', operation: 'GET /cart', traces: 1, spans: 4 }),
    ])
  })

  it('goes by the times of the spans: a limit by the second keeps as many as it would have', async () => {
    const limited = join(folder, 'limited.yaml')
    writeFileSync(
      limited,
      SAMPLING.replace(
        /policies:[^]*?exporters/,
        'policies: [{name: few, type: rate_limiting, rate_limiting: {spans_per_second: 1}}]\nexporters',
      ),
    )
    const file = join(folder, 'slowly.json')
    const slowly = Array.from({ length: 20 }, (_, i) => ({ trace: i + 1, atMs: i * 2000 }))
    const atOnce = Array.from({ length: 20 }, (_, i) => ({ trace: i + 101, atMs: 200_000 }))
    // As a store has them: not in the order of their times.
    writeFileSync(file, jsonOf(spans([...atOnce, ...slowly].toReversed())))
    const { report } = await cliJson('collector', 'simulate', limited, '--from', file)
    const { tracesKept } = (report as SamplingReport).all
    expect(tracesKept).toBeGreaterThanOrEqual(20)
    expect(tracesKept).toBeLessThanOrEqual(23)
  })

  it('reads a data directory', async () => {
    const data = join(folder, 'data')
    const spoor = await startTestSpoor({ data })
    expect((await spoor.post(spans(made))).status).toBe(200)
    await spoor.stop()
    const { report } = await cliJson(
      'collector',
      'simulate',
      config,
      '--from',
      data,
      '--slow',
      '100ms',
      '--limit',
      '45',
    )
    const { all, notes } = report as SamplingReport
    expect([all.spans, notes.length]).toEqual([45, 1])
    expect(all.slow).toBeGreaterThan(0)
  })

  it('says that there is nothing', async () => {
    const file = join(folder, 'empty.json')
    writeFileSync(file, jsonOf(encodeTraces({ resourceSpans: [] })))
    expect(await cli('collector', 'simulate', config, '--from', file)).toMatchObject({ code: 1 })
    expect(await cli('collector', 'simulate', config)).toMatchObject({ code: 2 })
    writeFileSync(file, '{"resourceSpans":[,]}')
    expect(await cli('collector', 'simulate', config, '--from', file)).toMatchObject({
      code: 1,
      output: expect.stringContaining('"," where a value should be'),
    })
  })
})
