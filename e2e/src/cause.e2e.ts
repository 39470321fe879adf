import type { Span } from '@spoor/otlp'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { noBrowser, openBrowser, openPage } from './browser.ts'
import { type RunningSpoor, startSpoor } from './spoor.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

const requests = 160
const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')

/** Every eighth checkout goes to a region whose stock is slow, is asked three times, and has work after its answer. */
const isSlow = (index: number) => index % 8 === 3
const text = (key: string, value: string) => ({ key, value: { type: 'string' as const, value } })

/** One checkout: shop, cart and stock, each a service of its own. Times in milliseconds from its start. */
function checkout(index: number): Map<string, Span[]> {
  const traceId = hex(index + 1, 32)
  const start = now - BigInt(index) * 2_000n * ms
  let next = index * 16
  const spanId = () => hex(++next, 16)
  const at = (from: number, to: number) => ({
    startTimeUnixNano: start + BigInt(Math.round(from * 1000)) * 1000n,
    endTimeUnixNano: start + BigInt(Math.round(to * 1000)) * 1000n,
  })
  const slow = isSlow(index)
  const each = slow ? 200 : 12 + (index % 5)
  const calls = slow ? 3 : 1
  const end = 40 + calls * each
  const root = span({
    traceId,
    spanId: spanId(),
    name: 'POST /checkout',
    kind: 2,
    ...at(0, end),
    attributes: [text('region', slow ? 'eu-2' : `eu-${index % 3 === 0 ? 1 : 3}`)],
    status: { code: index === 11 ? 2 : 0, message: '' },
  })
  const below = (name: string, from: number, to: number, parent = root.spanId, fields: Partial<Span> = {}) =>
    span({ traceId, spanId: spanId(), parentSpanId: parent, name, ...at(from, to), ...fields })
  const cart = below('GET cart', 5, 15)
  const failed = { status: { code: 2 as const, message: 'row is locked' } }
  const stock = Array.from({ length: calls }, (_, call) =>
    below(
      'SELECT stock',
      20 + call * each,
      20 + (call + 1) * each,
      root.spanId,
      index === 11 && call === 0 ? failed : {},
    ),
  )
  const mail = slow ? [below('send mail', end - 5, end + 900)] : []
  return new Map([
    ['shop', [root]],
    ['cart', [cart]],
    ['stock', stock],
    ['mail', mail],
  ])
}

describe.skipIf(noBrowser)('the way from many requests to the cause', () => {
  let spoor: RunningSpoor
  let browser: Browser
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    spoor = await startSpoor()
    browser = await openBrowser()
    const all = Array.from({ length: requests }, (_, index) => checkout(index))
    for (const service of ['shop', 'cart', 'stock', 'mail']) {
      await sendTraces(
        spoor,
        traces(
          service,
          all.flatMap((spans) => spans.get(service)!),
        ),
      )
    }
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await spoor?.remove()
  })
  afterEach(async () => {
    await page.close()
    expect(complaints).toEqual([])
  })

  async function open(path: string): Promise<void> {
    ;({ page, complaints } = await openPage(browser))
    await page.goto(`${spoor.page}${path}`)
  }
  const verdict = () => page.getByLabel('Verdict')
  const list = () => page.getByRole('list', { name: 'Traces' }).getByRole('listitem')

  it('1: finds the slowest checkout of the last hour, and says why', async () => {
    await open('/search?order=longest&q=root.name:"POST /checkout"')
    await list().first().getByRole('link').click()
    await verdict().waitFor()
    expect(await verdict().textContent()).toMatch(
      /640 ms.*94 % in stock › SELECT stock 3 times.*worked 900 ms more, 1 span/,
    )
    // The request is in view; one click shows what ran on, another folds it away.
    await page.getByRole('button', { name: '+900 ms, 1 span' }).click()
    await page.waitForURL(/zoom=0-1540000000/)
    await page.getByRole('button', { name: 'fold' }).click()
    await expect.poll(() => page.url()).not.toMatch(/zoom=/)
    await verdict().getByRole('button', { name: 'SELECT stock' }).click()
    await page.waitForURL(/span=/)
    expect(await page.getByRole('row', { selected: true }).textContent()).toContain('SELECT stock')
  })

  it('3: lays a slow trace over a typical one, and says where it took longer', async () => {
    await open(`/trace/${hex(4, 32)}`)
    await page.getByRole('button', { name: 'Compare with a typical one' }).click()
    await page.waitForURL(/\/compare\?left=.*&right=0{31}4/)
    await page.getByText(/^B took/).waitFor()
    const told = await page.getByText(/^B took/).textContent()
    expect(told).toMatch(/B took 58\d ms longer.*\+58\d ms in stock › SELECT stock, 3 times in place of 1/)
    const row = page.getByRole('row').filter({ hasText: 'send mail' })
    expect(await row.textContent()).toContain('only in B')
  })

  it('3: compares two traces that were picked by key', async () => {
    await open('/search?order=shortest')
    await list().nth(3).waitFor()
    for (const key of ['j', ' ', 'j', 'j', ' ', 'c']) await page.keyboard.press(key)
    await page.waitForURL(/\/compare\?left=[0-9a-f]{32}&right=[0-9a-f]{32}/)
    await page.getByText(/took/).first().waitFor()
  })

  it('tells what is different in a box, with the numbers of a naive count', async () => {
    await open('/search')
    const plot = page.getByRole('img', { name: /Durations of 160 requests/ })
    await plot.waitFor()
    const { x, y, width, height } = (await plot.boundingBox())!
    await page.mouse.move(x + 66, y + 13)
    await page.mouse.down()
    await page.mouse.move(x + width - 17, y + height / 2, { steps: 3 })
    await page.mouse.up()
    await page.getByRole('button', { name: 'What is different in the box?' }).click()
    const row = page.getByRole('row').filter({ hasText: 'eu-2' })
    await row.waitFor()
    const slow = Array.from({ length: requests }, (_, index) => index).filter(isSlow).length
    const cells = await row.locator('th, td').allTextContents()
    expect([cells[0], cells[1], cells[3], cells[4]]).toEqual(['region', 'eu-2', `${slow}`, '0'])
    await row.getByRole('link').click()
    await page.waitForURL(/region(:|%3A)eu-2/)
  })
})
