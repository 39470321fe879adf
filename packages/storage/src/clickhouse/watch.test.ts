import { expect, it, vi } from 'vitest'
import { createHealth, type StoreEvent } from '../events.ts'
import { watchServer } from './watch.ts'

it('tells that the server is away, and that it is back', async () => {
  const health = createHealth()
  const events: StoreEvent[] = []
  let isAway = false
  let asked = 0
  const end = watchServer({
    async ping() {
      asked++
      if (isAway) throw new Error('connect ECONNREFUSED')
    },
    tell(event) {
      events.push(event)
      health.add(event, 0)
    },
    everyMs: 1,
    awayEveryMs: 1,
  })
  await vi.waitFor(() => expect(asked).toBeGreaterThan(2), { timeout: 60_000 })
  expect(events).toEqual([])
  isAway = true
  await vi.waitFor(() => expect(health.health().readable).toBe(false), { timeout: 60_000 })
  expect(health.health()).toMatchObject({ writable: false, reasons: [expect.stringMatching(/ECONNREFUSED/) as string] })
  isAway = false
  await vi.waitFor(() => expect(health.health()).toMatchObject({ readable: true, writable: true }), { timeout: 60_000 })
  expect(events.map(({ code }) => code)).toEqual(['failing', 'recovered_again'])
  end()
})

it('takes one answer that is missed for the network’s', async () => {
  const events: StoreEvent[] = []
  let asked = 0
  const end = watchServer({
    async ping() {
      if (++asked % 2 === 0) throw new Error('reset')
    },
    tell: (event) => events.push(event),
    everyMs: 1,
    awayEveryMs: 1,
  })
  await vi.waitFor(() => expect(asked).toBeGreaterThan(20), { timeout: 60_000 })
  end()
  expect(events).toEqual([])
})
