import { describe, expect, it } from 'vitest'
import { buildTrace, criticalPath, spanIdOf, verdictOf } from './index.ts'
import { requestOf, type SpanSpec } from './testkit.ts'

const [SERVER, CLIENT] = [2, 3]
const failed = (message = '') => ({ status: { code: 2 as const, message } })

/** The verdict with ids in place of rows. */
function told(...specs: SpanSpec[]) {
  const trace = buildTrace(requestOf(specs))
  const verdict = verdictOf(trace, criticalPath(trace))
  const idOf = (row: number) => Number.parseInt(spanIdOf(trace, row), 16)
  return {
    ...verdict,
    root: verdict.root === -1 ? -1 : idOf(verdict.root),
    shares: verdict.shares.map(({ row, ...share }) => ({ id: idOf(row), ...share })),
    path: verdict.path.map(idOf),
    ...(verdict.error && { error: { ...verdict.error, row: idOf(verdict.error.row) } }),
    ...(verdict.tail && { tail: { ...verdict.tail, row: idOf(verdict.tail.row) } }),
  }
}

describe('verdictOf', () => {
  it('of a chain names the operation that had most of the time, and lights the way to it', () => {
    const verdict = told(
      { id: 1, service: 'web', end: 100 },
      { id: 2, parent: 1, service: 'shop', start: 5, end: 95 },
      { id: 3, parent: 2, service: 'stock', name: 'SELECT', start: 10, end: 88 },
    )
    expect(verdict).toMatchObject({ root: 1, requestNs: 100, window: { fromNs: 0, toNs: 100 }, path: [1, 2, 3] })
    expect(verdict.shares).toEqual([
      { id: 3, ns: 78, share: 0.78, spans: 1, failed: 0 },
      { id: 2, ns: 12, share: 0.12, spans: 1, failed: 0 },
      { id: 1, ns: 10, share: 0.1, spans: 1, failed: 0 },
    ])
    expect(verdict.error).toBeUndefined()
    expect(verdict.tail).toBeUndefined()
  })

  it('keeps operations of one name in two services apart', () => {
    const { shares } = told(
      { id: 1, service: 'web', name: 'GET', end: 100 },
      { id: 2, parent: 1, service: 'shop', name: 'GET', start: 10, end: 70 },
    )
    expect(shares.map(({ id, ns, spans }) => [id, ns, spans])).toEqual([
      [2, 60, 1],
      [1, 40, 1],
    ])
  })

  it('of parallel calls names the one that was waited for', () => {
    const verdict = told(
      { id: 1, end: 100 },
      { id: 2, parent: 1, name: 'fast', start: 1, end: 60 },
      { id: 3, parent: 1, name: 'slow', start: 1, end: 99 },
    )
    expect(verdict.shares.map(({ id, ns }) => [id, ns])).toEqual([[3, 98]])
  })

  it('leaves operations with less than a twentieth out, but for the first', () => {
    const many = Array.from({ length: 30 }, (_, index) => ({
      id: index + 2,
      parent: 1,
      start: 10 * index,
      end: 10 * index + 10,
    }))
    expect(told({ id: 1, end: 300 }, ...many).shares).toHaveLength(1)
  })

  it('counts what was called again and again as one operation, with the longest span', () => {
    const calls = Array.from({ length: 9 }, (_, index) => ({
      id: index + 2,
      parent: 1,
      name: 'SELECT item',
      start: 10 * index,
      end: 10 * index + (index === 4 ? 9 : 8),
    }))
    const verdict = told({ id: 1, end: 90 }, ...calls)
    expect(verdict.shares[0]).toEqual({ id: 6, ns: 73, share: 73 / 90, spans: 9, failed: 0 })
    expect(verdict.path).toEqual([1, 6])
  })

  it('of retries tells how many failed, and that the request did not', () => {
    const verdict = told(
      { id: 1, end: 100 },
      { id: 2, parent: 1, name: 'charge', start: 0, end: 30, ...failed('timeout') },
      { id: 3, parent: 1, name: 'charge', start: 30, end: 60, ...failed('timeout') },
      { id: 4, parent: 1, name: 'charge', start: 60, end: 98 },
    )
    expect(verdict.shares[0]).toMatchObject({ id: 4, ns: 98, spans: 3, failed: 2 })
    expect(verdict.error).toEqual({ row: 2, message: 'timeout', failedRequest: false, others: 1 })
    expect(verdict.path).toEqual([1, 4])
  })

  it('of a failure names its origin, not those above that failed of it, and lights the way there', () => {
    const verdict = told(
      { id: 1, end: 100, ...failed() },
      { id: 2, parent: 1, start: 1, end: 90 },
      { id: 3, parent: 2, start: 2, end: 3, ...failed('not what failed it') },
      { id: 4, parent: 1, start: 91, end: 99, ...failed('HTTP 500') },
      { id: 5, parent: 4, start: 92, end: 98, ...failed('card declined') },
    )
    expect(verdict.error).toEqual({ row: 5, message: 'card declined', failedRequest: true, others: 1 })
    expect(verdict.path).toEqual([1, 4, 5])
  })

  it('of what ran on after the answer tells how long, how many and which ended last', () => {
    const verdict = told(
      { id: 1, kind: SERVER, end: 100 },
      { id: 2, parent: 1, start: 50, end: 400 },
      { id: 3, parent: 2, start: 200, end: 586 },
      { id: 4, parent: 1, start: 10, end: 20 },
    )
    expect(verdict.window).toEqual({ fromNs: 0, toNs: 100 })
    expect(verdict.tail).toEqual({ ns: 486, spans: 2, row: 3 })
  })

  it('says nothing of a tail of less than a hundredth', () => {
    expect(told({ id: 1, end: 1000 }, { id: 2, parent: 1, start: 50, end: 1010 }).tail).toBeUndefined()
    expect(told({ id: 1, end: 1000 }, { id: 2, parent: 1, start: 50, end: 1011 }).tail).toBeDefined()
  })

  it('of an orphan before the root keeps to the request', () => {
    const verdict = told({ id: 1, start: 1000, end: 1100 }, { id: 2, parent: 99, start: 0, end: 40 })
    expect(verdict).toMatchObject({ root: 1, window: { fromNs: 1000, toNs: 1100 }, path: [1] })
    expect(told({ id: 2, parent: 99, start: 0, end: 40 })).toMatchObject({ root: 2, requestNs: 40 })
  })

  it('of a clock that is ahead blames what worked, and opens the window to it', () => {
    const verdict = told(
      { id: 1, service: 'web', kind: CLIENT, end: 100 },
      { id: 2, parent: 1, service: 'shop', kind: SERVER, start: 60, end: 156 },
      { id: 3, parent: 2, service: 'shop', name: 'SELECT', start: 70, end: 150 },
    )
    expect(verdict.shares[0]).toMatchObject({ id: 3, ns: 80 })
    expect(verdict.window).toEqual({ fromNs: 0, toNs: 156 })
    expect(verdict.tail).toBeUndefined()
  })

  it('of a clock that is far ahead keeps the window to the request', () => {
    const verdict = told(
      { id: 1, service: 'web', kind: CLIENT, end: 100 },
      { id: 2, parent: 1, service: 'shop', kind: SERVER, start: 5000, end: 5096 },
    )
    expect(verdict.shares[0]).toMatchObject({ id: 2, ns: 96 })
    expect(verdict.window).toEqual({ fromNs: 0, toNs: 100 })
  })

  it('of a request without duration, and of no span, says nothing that is not so', () => {
    expect(told({ id: 1 })).toMatchObject({ requestNs: 0, shares: [], path: [1], tail: undefined })
    expect(told()).toMatchObject({ root: -1, shares: [], path: [] })
  })
})
