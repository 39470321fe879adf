import { describe, expect, it } from 'vitest'
import { buildTrace, clocksOf, rowOfSpanId } from './index.ts'
import { requestOf, spanId, type SpanSpec } from './testkit.ts'

const ms = 1_000_000
const [SERVER, CLIENT] = [2, 3]

/** A call of `callee` in [start, end] by the caller's clock, whose server's span takes all but a millisecond on each side, by a clock that is so much ahead. */
function call(id: number, parent: number, services: [string, string], at: [number, number, number], host = 'one') {
  const [start, end, ahead] = at
  return [
    {
      id,
      parent,
      service: services[0],
      kind: CLIENT,
      start: start * ms,
      end: end * ms,
      resource: { 'host.name': 'one' },
    },
    {
      id: id + 1,
      parent: id,
      service: services[1],
      kind: SERVER,
      start: (start + 1 + ahead) * ms,
      end: (end - 1 + ahead) * ms,
      resource: { 'host.name': host },
    },
  ] satisfies SpanSpec[]
}
const root: SpanSpec = { id: 1, service: 'web', end: 1000 * ms, resource: { 'host.name': 'one' } }

const apartOf = (...specs: SpanSpec[]) =>
  clocksOf(buildTrace(requestOf(specs))).apart.map(({ service, host, aheadNs }) => `${service}@${host} ${aheadNs / ms}`)

describe('clocksOf', () => {
  it('finds none where clocks agree', () => {
    expect(apartOf(root, ...call(2, 1, ['web', 'api'], [10, 100, 0]))).toEqual([])
    expect(apartOf()).toEqual([])
  })

  it('adds up what is between the request and a clock, and takes each host for itself', () => {
    const calls = [
      ...call(2, 1, ['web', 'api'], [10, 900, -500]),
      ...call(6, 1, ['web', 'api'], [910, 990, 200], 'two'),
    ]
    // api calls stock by its own clock, 500 ms behind; stock's is 400 ms ahead of that.
    const inner = call(4, 3, ['api', 'stock'], [20 - 500, 400 - 500, 400])
    expect(apartOf(root, ...calls, ...inner)).toEqual(['api@one -500', 'stock@one -100', 'api@two 200'])
  })

  it('lets one that nothing is known of go with who started its work', () => {
    const consumer: SpanSpec = { id: 4, parent: 3, service: 'mail', kind: 5, start: 300 * ms, end: 320 * ms }
    expect(apartOf(root, ...call(2, 1, ['web', 'api'], [10, 100, 250]), consumer)).toEqual(['api@one 250', 'mail@ 250'])
  })

  it('goes by proved differences first, also from who is called to who calls', () => {
    const api: SpanSpec = {
      id: 8,
      parent: 1,
      service: 'api',
      start: 101 * ms,
      end: 900 * ms,
      resource: { 'host.name': 'one' },
    }
    const specs = [
      root,
      // web starts work of api without a call, which tells nothing of its clock. That is 100 ms ahead: both call mail, whose clock is 250 ms ahead.
      api,
      ...call(4, 8, ['api', 'mail'], [110, 200, 150]),
      ...call(2, 1, ['web', 'mail'], [210, 300, 250]),
    ]
    expect(apartOf(...specs)).toEqual(['api@one 100', 'mail@one 250'])
  })
})

describe('buildTrace with clocks', () => {
  it('puts each span where it was by the clock of the request, and leaves what was sent', () => {
    const bytes = requestOf([
      root,
      ...call(2, 1, ['web', 'api'], [10, 100, -500]),
      ...call(4, 3, ['api', 'stock'], [-480, -420, 300]),
    ])
    const sent = buildTrace(bytes)
    const aligned = buildTrace(bytes, undefined, clocksOf(sent).aheadOf)
    const at = (id: number) => {
      const row = rowOfSpanId(aligned, spanId(id))
      return [aligned.startNs[row]! / ms, aligned.durationsNs[row]! / ms]
    }
    expect([1, 2, 3, 4, 5].map(at)).toEqual([
      [0, 1000],
      [10, 90],
      [11, 88],
      [20, 60],
      [21, 58],
    ])
    expect(aligned.start - sent.start).toBe(489n * 1_000_000n)
    expect(sent.durationNs / ms).toBe(1489)
    expect(aligned.durationNs / ms).toBe(1000)
    expect(aligned.bytes).toBe(bytes)
  })
})
