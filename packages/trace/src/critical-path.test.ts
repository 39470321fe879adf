import { describe, expect, it } from 'vitest'
import { buildTrace, criticalPath, spanIdOf } from './index.ts'
import { requestOf, type SpanSpec } from './testkit.ts'

/** `id from-to` of each segment. */
function pathOf(...specs: SpanSpec[]): string[] {
  const trace = buildTrace(requestOf(specs))
  return Array.from(
    criticalPath(trace),
    ({ row, startNs, endNs }) => `${Number.parseInt(spanIdOf(trace, row), 16)} ${startNs}-${endNs}`,
  )
}

/** How long each segment of {@link pathOf} is. */
function lengths(path: readonly string[]): number[] {
  return path.map((segment) => {
    const [from, to] = segment.split(' ')[1]!.split('-').map(Number) as [number, number]
    return to - from
  })
}

describe('criticalPath', () => {
  it('is the picture in its docstring', () => {
    const path = pathOf(
      { id: 1, start: 0, end: 26 },
      { id: 2, parent: 1, start: 2, end: 12 },
      { id: 3, parent: 1, start: 6, end: 24 },
      { id: 4, parent: 3, start: 10, end: 20 },
      { id: 5, parent: 1, start: 17, end: 32 },
    )
    expect(path).toEqual(['1 0-6', '3 6-10', '4 10-20', '3 20-24', '1 24-26'])
  })

  it('goes through children one after the other', () => {
    const path = pathOf(
      { id: 1, end: 10 },
      { id: 2, parent: 1, start: 1, end: 4 },
      { id: 3, parent: 1, start: 4, end: 9 },
    )
    expect(path).toEqual(['1 0-1', '2 1-4', '3 4-9', '1 9-10'])
  })

  it('counts a server span that works on after its client span up to the client’s end', () => {
    const path = pathOf({ id: 1, kind: 3, end: 10 }, { id: 2, parent: 1, kind: 2, start: 2, end: 13 })
    expect(path).toEqual(['1 0-2', '2 2-10'])
  })

  it.each([
    ['ahead', 100],
    ['behind', -3],
  ])('puts a server whose clock is %s in the middle of its client span, with all below it', (_, start) => {
    const path = pathOf(
      { id: 1, kind: 3, start: 10, end: 20 },
      { id: 2, parent: 1, kind: 2, start: 10 + start, end: 16 + start },
      { id: 3, parent: 2, start: 11 + start, end: 14 + start },
    )
    expect(path.map((segment) => segment.split(' ')[0])).toEqual(['1', '2', '3', '2', '1'])
    expect(lengths(path)).toEqual([2, 1, 3, 2, 2])
  })

  it('tells by how much the clock of a segment is ahead', () => {
    const trace = buildTrace(
      requestOf([
        { id: 1, kind: 3, end: 10 },
        { id: 2, parent: 1, kind: 2, start: 102, end: 108 },
      ]),
    )
    expect(Array.from(criticalPath(trace), ({ row, aheadNs }) => [row, aheadNs])).toEqual([
      [0, 0],
      [1, 100],
      [0, 0],
    ])
  })

  it('leaves out work in the background, and all below it', () => {
    const path = pathOf(
      { id: 1, kind: 2, end: 10 },
      { id: 2, parent: 1, start: 5, end: 50 },
      { id: 3, parent: 2, start: 6, end: 9 },
    )
    expect(path).toEqual(['1 0-10'])
  })

  it('takes a call for awaited that is told to end a little after who has waited for it, with all below it', () => {
    const ms = 1e6
    const path = pathOf(
      { id: 1, end: 155 * ms },
      { id: 2, parent: 1, kind: 3, start: 34 * ms, end: 155 * ms + 60 },
      { id: 3, parent: 2, kind: 2, start: 35 * ms, end: 155 * ms + 40 },
      { id: 4, parent: 3, start: 36 * ms, end: 155 * ms + 20 },
    )
    expect(path).toEqual([
      `1 0-${34 * ms}`,
      `2 ${34 * ms}-${35 * ms}`,
      `3 ${35 * ms}-${36 * ms}`,
      `4 ${36 * ms}-${155 * ms}`,
    ])
  })

  it.each([
    ['by more than clocks are apart', 100e6, 103e6],
    ['by more than a twentieth of what it took', 100e6, 101e6, 98e6],
  ])('not one that is later %s', (_, parentEnd, end, start = 10e6) => {
    const path = pathOf({ id: 1, end: parentEnd }, { id: 2, parent: 1, start, end })
    expect(path).toEqual([`1 0-${parentEnd}`])
  })

  it('keeps to the time of the parent when a child starts before it', () => {
    expect(pathOf({ id: 1, start: 5, end: 10 }, { id: 2, parent: 1, start: 0, end: 8 })).toEqual(['2 5-8', '1 8-10'])
  })

  it('is that of the earliest root when there are several, of the earliest orphan when there is none', () => {
    expect(pathOf({ id: 3, parent: 99, start: 0, end: 4 }, { id: 2, start: 1, end: 5 })).toEqual(['2 1-5'])
    expect(pathOf({ id: 3, parent: 99, start: 0, end: 4 }, { id: 2, parent: 98, start: 1, end: 5 })).toEqual(['3 0-4'])
    expect(pathOf()).toEqual([])
  })
})
