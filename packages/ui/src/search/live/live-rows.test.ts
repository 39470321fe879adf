import type { TraceRow } from 'spoor/api'
import { describe, expect, it } from 'vitest'
import { arrived, found, type LiveRows, maxShown, maxWaiting, noRows, withWaiting } from './live-rows.ts'

const row = (id: number, spans = 1): TraceRow =>
  ({ traceId: `t${id}`, start: String(1_790_000_000_000_000_000n + BigInt(id)), spans }) as TraceRow
const rows = (...ids: number[]) => ids.map((id) => row(id))
const shown = ({ shown }: LiveRows) => shown.map(({ traceId, spans }) => (spans > 1 ? `${traceId}*${spans}` : traceId))
const waiting = ({ waiting }: LiveRows) => [...waiting.keys()]

const start = found(noRows, rows(3, 2, 1), true)

describe('rows of a live list', () => {
  it('puts what comes on top, the newest first, while it is looked at from the top', () => {
    expect(shown(arrived(start, rows(4, 6, 5), true))).toEqual(['t6', 't5', 't4', 't3', 't2', 't1'])
  })

  it('gathers what comes else, and changes what is shown where it stands', () => {
    const live = arrived(arrived(start, rows(4), false), [row(2, 7), row(4, 2), row(5)], false)
    expect(shown(live)).toEqual(['t3', 't2*7', 't1'])
    expect(waiting(live)).toEqual(['t4', 't5'])
    expect(shown(withWaiting(live))).toEqual(['t5', 't4*2', 't3', 't2*7', 't1'])
    expect(waiting(withWaiting(live))).toEqual([])
  })

  it('takes what a search finds: further pages below, what came meanwhile on top, and nothing twice', () => {
    const paged = found(arrived(start, rows(4), false), rows(3, 2, 1, 0, -1), false)
    expect([shown(paged), waiting(paged)]).toEqual([['t3', 't2', 't1', 't0', 't-1'], ['t4']])
    const again = found(paged, rows(6, 5, 4, 3), false)
    expect([shown(again).length, waiting(again)]).toEqual([5, ['t4', 't6', 't5']])
    expect(found(again, rows(3, 2), false).shown).toEqual(again.shown)
  })

  it('does not grow, however long it is live', () => {
    let live = start
    for (let at = 0; at < 10; at++)
      live = arrived(live, rows(...Array.from({ length: 500 }, (_, i) => 10 + at * 500 + i)), true)
    expect([live.shown.length, live.cut, shown(live)[0]]).toEqual([maxShown, true, 't5009'])
    for (let at = 0; at < 10; at++)
      live = arrived(live, rows(...Array.from({ length: 500 }, (_, i) => 9000 + at * 500 + i)), false)
    expect([live.waiting.size, live.leftOut, waiting(live)[0]]).toEqual([maxWaiting, true, 't13000'])
    // What was scrolled to stays, but no more comes to it.
    const paged = found(
      live,
      Array.from({ length: 300 }, (_, i) => row(-i)),
      false,
    )
    expect(paged.shown).toHaveLength(maxShown + 300)
    expect(withWaiting(paged).shown).toHaveLength(maxShown + 300)
  })
})
