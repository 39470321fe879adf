import { expect, it } from 'vitest'
import { sent } from '../../conformance/spans.ts'
import { blockOf, pricedColumn, StillClock } from './blocks.test.helper.ts'
import { TraceSpans } from './trace-spans.ts'
import { Turn } from './turn.ts'

it('finds twins and parents and measures with breaths, however many spans there are', async () => {
  const count = 30_000
  const rows = blockOf(
    Array.from({ length: count }, (_, i) =>
      sent({ trace: 1, id: i + 1, parent: (i >> 1) + 1, at: (i * 7919) % count, ms: 50 }),
    ),
    4096,
  ).rows()
  const clock = new StillClock()
  const spans = new TraceSpans()
  const turn = new Turn(clock, Infinity)
  for (let row = 0; row < count; row++) spans.add(rows, row, 0, turn)
  spans.start = pricedColumn(spans.start, clock)
  spans.id = pricedColumn(spans.id, clock)
  spans.parent = pricedColumn(spans.parent, clock)
  for (const step of ['dropTwins', 'resolve', 'measure'] as const) {
    await turn.breathe()
    clock.longestMs = 0
    await spans[step](turn)
    expect([step, clock.longestMs < 10]).toEqual([step, true])
  }
  expect(spans.count).toBe(count)
  // A span in which two others run for some of its time.
  expect(spans.self.subarray(0, count).every((self) => self >= 0 && self <= 50e6)).toBe(true)
})
