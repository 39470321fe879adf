import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestContext } from '../testkit/index.ts'
import { createDropLog, type DropLog, type Loss } from './drop-log.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const loss = (items: number, reason = 'unavailable'): Loss => ({ signal: 'traces', items, reason, error: 'down' })

function create(): { drops: DropLog; context: ReturnType<typeof createTestContext> } {
  const context = createTestContext('otlp')
  const drops = createDropLog(context, { counter: 'failed', labels: { exporter: 'otlp' }, message: 'Dropping data.' })
  return { drops, context }
}

describe('what the log tells is what was counted', () => {
  test('the first at once, the others as a sum when the interval is over, and nothing when nothing came', () => {
    const { drops, context } = create()
    for (let index = 0; index < 100; index++) drops.add(loss(30))
    expect(context.logger.lines.map(({ fields }) => fields['dropped_items'])).toEqual([30])
    vi.advanceTimersByTime(10_000)
    expect(context.logger.lines.map(({ fields }) => fields['dropped_items'])).toEqual([30, 2970])
    vi.advanceTimersByTime(60_000)
    expect(context.logger.lines.length).toBe(2)
    drops.add(loss(1))
    expect(context.logger.lines.length).toBe(3)
  })

  test('at the end: what was not told, then one line with the totals by reason', () => {
    const { drops, context } = create()
    for (let index = 0; index < 100; index++) drops.add(loss(30))
    for (let index = 0; index < 5; index++) drops.add(loss(2, 'shutdown'))
    drops.close()
    drops.close()
    const { lines } = context.logger
    const told = lines.reduce((sum, { fields }) => sum + ((fields['dropped_items'] as number | undefined) ?? 0), 0)
    expect(told).toBe(3010)
    expect(lines.at(-1)?.fields).toEqual({
      component: 'otlp',
      total_dropped_items: 3010,
      total_dropped_batches: 105,
      reasons: { unavailable: { items: 3000, batches: 100 }, shutdown: { items: 10, batches: 5 } },
    })
    expect(lines.filter(({ fields }) => 'reasons' in fields).length).toBe(1)
    expect(context.value('failed_spans', { reason: 'unavailable' })).toBe(3000)
    expect(context.value('failed_spans', { reason: 'shutdown' })).toBe(10)
    expect(context.value('failed_batches')).toBe(105)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('nothing lost, nothing told', () => {
    const { drops, context } = create()
    drops.close()
    expect(context.logger.lines).toEqual([])
  })
})
