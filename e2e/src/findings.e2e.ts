import { describe, expect, it } from 'vitest'
import { noBrowser } from './browser.ts'
import { hex } from './checkouts.ts'
import { pageSuite } from './page-suite.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

/** A query for each of a list: 12 calls, one after the other, below one request. */
const loopOf = (trace: number, service: string) =>
  traces(
    service,
    Array.from({ length: 13 }, (_, index) =>
      span({
        traceId: hex(trace, 32),
        spanId: hex(trace * 100 + index + 1, 16),
        name: index === 0 ? 'GET /cart' : 'SELECT items',
        kind: index === 0 ? 2 : 3,
        parentSpanId: index === 0 ? '' : hex(trace * 100 + 1, 16),
        startTimeUnixNano: now + BigInt(Math.max(0, index - 1) * 10) * ms,
        endTimeUnixNano: now + BigInt(index === 0 ? 130 : index * 10) * ms,
      }),
    ),
  )

describe.skipIf(noBrowser)('what is to be mended', () => {
  const at = pageSuite(async (spoor) => {
    await sendTraces(spoor, loopOf(1, 'shop'))
  })
  const bell = (name: RegExp) => at.page.getByRole('button', { name })

  it(
    'rings until it is seen, leads to a span that shows it, and is told with the trace',
    { timeout: 90_000 },
    async () => {
      await at.open('/search')
      await bell(/^1 thing to mend, 1 new$/).waitFor({ timeout: 60_000 })
      // By the keyboard alone.
      await bell(/to mend/).focus()
      await at.page.keyboard.press('Enter')
      const list = at.page.getByRole('dialog', { name: 'To mend' })
      const entry = list.getByRole('listitem').filter({ hasText: 'makes the call "SELECT items" up to 12 times' })
      await entry.getByText('new', { exact: true }).waitFor()
      await entry.getByText('service shop').waitFor()
      await entry.getByText('Ask once for all of them').waitFor()
      await at.page.keyboard.press('Escape')
      await bell(/^1 thing to mend$/).waitFor()
      // It stays seen, whatever is read anew.
      await at.page.reload()
      await bell(/^1 thing to mend$/).waitFor()
      await bell(/^1 thing to mend$/).click()
      await entry.getByRole('link', { name: `trace ${hex(1, 32).slice(0, 8)}` }).click()
      await at.page.getByRole('treegrid', { name: 'Spans' }).waitFor()
      expect(new URL(at.page.url()).searchParams.get('span')).toBe(hex(101, 16))
      expect(await list.count()).toBe(0)
      await at.page.getByRole('button', { name: /^1 problem/ }).click()
      await at.page.getByRole('menuitem', { name: /makes the call "SELECT items" up to 12 times.*ask once/ }).waitFor()
    },
  )

  it('what begins later is new', { timeout: 90_000 }, async () => {
    await at.open('/setup')
    await bell(/to mend/).waitFor()
    await sendTraces(at.spoor, loopOf(2, 'basket'))
    await bell(/^2 things to mend, [12] new$/).waitFor({ timeout: 60_000 })
  })
})
