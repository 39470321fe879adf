import { describe, expect, it } from 'vitest'
import { runsOf, type Figure } from './figure.ts'
import { worseSince, worseText, type RunRecord } from './results.ts'

const machine = { CPU: 'a processor, 2 cores', Node: 'v24.0.0' }

function record(figures: readonly Figure[], changes: Partial<RunRecord> = {}): RunRecord {
  const results = [{ section: 'forward', title: 'Forward', figures }]
  const base = { at: '2026-11-22T10:00:00Z', commit: 'abc', form: 'full', machine, peers: {}, results } as const
  return { ...base, load: { before: 0, after: 2 }, minutes: 5, ...changes }
}

const perSecond = (runs: readonly number[], peer?: readonly number[]): Figure => ({
  name: 'gRPC',
  unit: 'spans/CPU s',
  ...runsOf(runs),
  ...(peer && { peer: runsOf(peer) }),
})
/** Numbers from 0 to 1, the same for each seed. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())

const megabytes = (value: number): Figure => ({ name: 'peak', unit: 'MB', value })

describe('what got worse since the results before', () => {
  it('is what differs by more than the noise of both runs together', () => {
    const before = record([perSecond([95, 100, 105])])
    expect(worseSince(before, record([perSecond([87, 92, 97])]))).toEqual([])
    expect(worseSince(before, record([perSecond([80, 85, 90])]))).toEqual([])
    expect(worseSince(before, record([perSecond([70, 75, 80])]))).toEqual([
      { section: 'forward', name: 'gRPC', by: expect.closeTo(0.333, 2) as number, text: '100 → 75 spans/CPU s' },
    ])
    expect(worseSince(before, record([perSecond([200, 201, 202])]))).toEqual([])
  })

  it('allows a figure of a single run, and runs that happen to be alike, some noise all the same', () => {
    expect(worseSince(record([megabytes(100)]), record([megabytes(129)]))).toEqual([])
    expect(worseSince(record([megabytes(100)]), record([megabytes(131)]))).toHaveLength(1)
    expect(worseSince(record([perSecond([100, 100])]), record([perSecond([95, 95])]))).toEqual([])
    expect(worseSince(record([perSecond([100, 100])]), record([perSecond([93, 93])]))).toHaveLength(1)
  })

  it('is asked of the times better than the peer on another machine, and not at all without one', () => {
    const before = record([perSecond([300, 300], [100, 100]), megabytes(100)])
    const elsewhere = { machine: { ...machine, CPU: 'a slower one, 2 cores' } }
    expect(worseSince(before, record([perSecond([150, 150], [50, 50]), megabytes(900)], elsewhere))).toEqual([])
    expect(worseSince(before, record([perSecond([100, 100], [50, 50])], elsewhere))).toHaveLength(1)
  })

  it('is not what the machine got slower by, and the peer with it', () => {
    const before = record([perSecond([300, 300], [100, 100])])
    expect(worseSince(before, record([perSecond([150, 150], [50, 50])]))).toEqual([])
    expect(worseSince(before, record([perSecond([300, 300], [150, 150])]))).toEqual([])
    expect(worseSince(before, record([perSecond([150, 150], [100, 100])]))).toEqual([
      { section: 'forward', name: 'gRPC', by: 1, text: '300 → 150 spans/CPU s' },
    ])
  })

  it.each([3, 5])(
    'is nothing where a run of %d each is repeated, and what got half as slow again is among it',
    (count) => {
      const random = generator(count)
      const runs = (mean: number) => Array.from({ length: count }, () => mean * (1 + 0.05 * normal(random)))
      const figures = (mean: number): Figure[] =>
        Array.from({ length: 1_000 }, (_, i) => ({ ...perSecond(runs(mean)), name: `figure ${i}` }))
      const before = record(figures(100))
      expect(worseSince(before, record(figures(100))).length).toBeLessThan(15)
      expect(worseSince(before, record(figures(100 / 1.5))).length).toBeGreaterThan(980)
    },
  )

  it('compares only what was measured in the same unit both times', () => {
    const before = record([{ ...perSecond([100, 100]), unit: 'ns/span' }])
    expect(worseSince(before, record([perSecond([1, 1])]))).toEqual([])
    expect(worseSince(record([]), record([perSecond([1, 1])]))).toEqual([])
  })

  it('is said in words', () => {
    const before = record([megabytes(100)])
    expect(worseText(undefined, before)).toBe('no results of a full run are committed: nothing to compare with')
    expect(worseText(before, before)).toBe('nothing got worse by more than its noise since abc (2026-11-22)')
    expect(worseText(before, record([megabytes(200)]))).toBe(
      'worse by more than its noise since abc (2026-11-22):\n  forward, peak: 100 % worse, 100 → 200 MB',
    )
  })
})
