import { describe, expect, it } from 'vitest'
import { buildTrace, problems } from './index.ts'
import { requestOf, type SpanSpec } from './testkit.ts'

const ms = 1_000_000
const texts = (...specs: SpanSpec[]) =>
  problems(buildTrace(requestOf(specs))).map(({ code, text }) => `${code}: ${text}`)

describe('problems', () => {
  it('finds none in a trace without any', () => {
    expect(texts({ id: 1, end: 10 }, { id: 2, parent: 1, start: 1, end: 9 })).toEqual([])
  })

  it('tells of work that outlives the answer', () => {
    expect(
      texts(
        { id: 1, service: 'ensemble', kind: 2, end: 12 * ms },
        { id: 2, parent: 1, service: 'ensemble', start: 10 * ms, end: 50 * ms },
        { id: 3, parent: 2, service: 'inference', start: 20 * ms, end: 60 * ms },
      ),
    ).toContain('async-tail: ensemble answered 48.0 ms before its work was done')
  })

  it('tells it of the server span, not of a handler within', () => {
    const found = texts(
      { id: 1, service: 'web', end: 10 * ms },
      { id: 2, parent: 1, service: 'ensemble', name: 'POST /', kind: 2, start: ms, end: 5 * ms },
      { id: 3, parent: 2, service: 'ensemble', name: 'request handler', start: 2 * ms, end: 4 * ms },
      { id: 4, parent: 3, service: 'ensemble', name: 'background', start: 3 * ms, end: 9 * ms },
    )
    expect(found.filter((text) => text.startsWith('async-tail'))).toEqual([
      'async-tail: ensemble answered 4.00 ms before its work was done',
    ])
  })

  it('says nothing of a tail that is too short to matter', () => {
    const found = texts(
      { id: 1, service: 'client', end: 1000 * ms },
      { id: 2, parent: 1, service: 'web', end: 500 * ms },
      { id: 3, parent: 2, service: 'db', start: 400 * ms, end: 509 * ms },
    )
    expect(found.filter((text) => text.startsWith('async-tail'))).toEqual([])
  })

  it('names the deepest error with its message, or its exception', () => {
    const error = { code: 2, message: '' }
    const found = texts(
      { id: 1, service: 'web', status: error, end: 9 },
      { id: 2, parent: 1, service: 'api', name: 'POST /x', status: { code: 2, message: 'connection reset' }, end: 3 },
      {
        id: 3,
        parent: 1,
        service: 'db',
        name: 'SELECT',
        status: error,
        start: 4,
        end: 5,
        events: [
          {
            name: 'exception',
            timeUnixNano: 0n,
            droppedAttributesCount: 0,
            attributes: [
              { key: 'exception.message', value: { type: 'string', value: 'no such table' } },
              { key: 'exception.type', value: { type: 'string', value: 'SqlError' } },
            ],
          },
        ],
      },
    )
    expect(found).toEqual([
      'error: api POST /x failed: connection reset',
      'error: db SELECT failed: SqlError: no such table',
    ])
  })

  it('tells the same thing once', () => {
    const specs = Array.from({ length: 300 }, (_, i): SpanSpec => ({
      id: i + 2,
      parent: 1,
      start: 1,
      end: 2,
      name: 'x',
      status: { code: 2, message: 'm' },
    }))
    expect(texts({ id: 1, end: 9 }, ...specs)).toEqual(['error: shop x failed 300 times: first with m'])
  })

  it('keeps the list short when each error is another', () => {
    const specs = Array.from({ length: 300 }, (_, i): SpanSpec => ({
      id: i + 2,
      parent: 1,
      start: 1,
      end: 2,
      status: { code: 2, message: 'm' },
    }))
    const found = texts({ id: 1, end: 9 }, ...specs)
    expect(found).toHaveLength(21)
    expect(found.at(-1)).toBe('error: 280 more spans of other names failed')
  })

  it('tells of orphans, missing and many roots, cycles, clocks, shared ids and negative durations', () => {
    expect(texts({ id: 1, parent: 9, service: 'a' }, { id: 2, parent: 9, service: 'b' })).toEqual([
      'orphan: 2 spans of a and b have parents that are not in the trace: they were lost, not sampled, or are still running',
      'no-root: no span of the trace is its root: where the request began is not known',
    ])
    expect(texts({ id: 1 }, { id: 2, start: 1 })).toEqual([
      'several-roots: the trace has 2 roots: shop span 1 and shop span 2',
    ])
    expect(texts({ id: 1, parent: 1 })[0]).toBe('cycle: shop span 1 is its own ancestor: shown as a root')
    expect(
      texts({ id: 1, start: 5 * ms, end: 9 * ms }, { id: 2, parent: 1, service: 'api', start: 2 * ms, end: 6 * ms }),
    ).toEqual([
      'clock-skew: api span 2 starts 3.00 ms before its parent in shop: the clocks differ, or the parent is not what started it',
    ])
    expect(texts({ id: 1, end: 9 }, { id: 2, parent: 1, name: 'x' }, { id: 2, parent: 1, name: 'y' })).toEqual([
      'duplicate-span-id: 2 spans of shop share the span id 0000000000000002: their children may be shown under the wrong one',
    ])
    expect(texts({ id: 1, start: 4, end: 3 })).toEqual([
      'negative-duration: shop span 1 ends before it starts: shown with no length',
    ])
  })

  const call = (id: number, start: number, end: number, serverStart: number, serverEnd: number): SpanSpec[] => [
    { id, parent: 1, service: 'shop', kind: 3, name: 'GET /stock', start: start * ms, end: end * ms },
    {
      id: id + 1,
      parent: id,
      service: 'stock',
      kind: 2,
      name: 'GET /stock',
      start: serverStart * ms,
      end: serverEnd * ms,
    },
  ]
  const root: SpanSpec = { id: 1, service: 'shop', kind: 2, name: 'POST /order', end: 100 * ms }

  it('tells a clock that is ahead from work that goes on', () => {
    const ahead = call(2, 10, 40, 300_015, 300_035)
    expect(texts(root, ...ahead)).toEqual(['clock-skew: the clock of stock is 5 m 00 s ahead of that of shop'])
    const behind = call(2, 10, 40, -299_985, -299_965)
    expect(texts(root, ...behind)).toEqual(['clock-skew: the clock of stock is 5 m 00 s behind that of shop'])
    // The answer came at 20, the server went on until 90.
    expect(texts(root, ...call(2, 10, 20, 12, 90))).toEqual([
      'async-tail: shop GET /stock ended 70.0 ms before the service that it called was done',
    ])
    // Apart in one call and not in another: no clock does that.
    expect(texts(root, ...call(2, 10, 20, 30, 40), ...call(4, 50, 80, 51, 79)).join()).not.toContain('the clock of')
    // A call that failed may have been given up before the server came to it.
    const [client, server] = call(2, 10, 20, 50, 60) as [SpanSpec, SpanSpec]
    expect(texts(root, { ...client, status: { code: 2, message: '' } }, server).join()).not.toContain('the clock of')
  })

  it('tells a clock that was set back from two that differ', () => {
    const found = texts(
      { ...root, start: 50 * ms },
      { id: 2, parent: 1, service: 'shop', start: 10 * ms, end: 90 * ms },
    )
    expect(found).toEqual([
      'clock-skew: shop span 2 starts 40.0 ms before its parent in the same service: its clock was set back meanwhile, or the parent is not what started it',
    ])
  })

  it('takes the grain of clocks, and handlers that end a little late, as what they are', () => {
    const short: SpanSpec = { id: 1, service: 'shop', kind: 2, name: 'GET /', start: ms, end: 3 * ms }
    expect(texts(short, { id: 2, parent: 1, service: 'api', start: 0.2 * ms, end: 2 * ms })).toEqual([])
    expect(texts(short, { id: 2, parent: 1, service: 'shop', start: 1.5 * ms, end: 3.588 * ms })).toEqual([])
    const scope = '@opentelemetry/instrumentation-express'
    expect(texts(short, { id: 2, parent: 1, service: 'shop', scope, start: 1.5 * ms, end: 30 * ms })).toEqual([])
    expect(texts(short, { id: 2, parent: 1, service: 'shop', start: 1.5 * ms, end: 30 * ms })).toEqual([
      'async-tail: shop answered 27.0 ms before its work was done',
    ])
    // A handler that has something below it which goes on is no frame alone.
    const handler: SpanSpec = { id: 2, parent: 1, service: 'shop', scope, start: 1.5 * ms, end: 30 * ms }
    expect(texts(short, handler, { id: 3, parent: 2, service: 'shop', start: 2 * ms, end: 40 * ms }).join()).toContain(
      'async-tail',
    )
  })

  it('takes a client and a server span of one id as what they are', () => {
    expect(texts({ id: 1, kind: 3, end: 9 }, { id: 1, kind: 2, start: 2, end: 8 })).toEqual([])
  })
})
