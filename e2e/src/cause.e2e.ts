import { describe, expect, it } from 'vitest'
import { noBrowser } from './browser.ts'
import { fileTests } from './cause-files.ts'
import { listTests } from './cause-list.ts'
import { hex, isSlow, requests, sendCheckouts } from './checkouts.ts'
import { pageSuite } from './page-suite.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

describe.skipIf(noBrowser)('the way from many requests to the cause', () => {
  const at = pageSuite(sendCheckouts)
  const verdict = () => at.page.getByLabel('Verdict')
  const list = () => at.page.getByRole('list', { name: 'Traces' }).getByRole('listitem')

  it('1: finds the slowest checkout of the last hour, and says why', async () => {
    await at.open('/search?order=longest&q=root.name:"POST /checkout"')
    await list().first().getByRole('link').click()
    await verdict().waitFor()
    expect(await verdict().textContent()).toMatch(
      /640 ms.*94 % in stock › SELECT stock 3 times.*worked 900 ms more, 1 span/,
    )
    // The request is in view; one click shows what ran on, another folds it away.
    await at.page.getByRole('button', { name: '+900 ms, 1 span' }).click()
    await at.page.waitForURL(/zoom=0-1540000000/)
    await at.page.getByRole('button', { name: 'fold' }).click()
    await expect.poll(() => at.page.url()).not.toMatch(/zoom=/)
    await verdict().getByRole('button', { name: 'SELECT stock' }).click()
    await at.page.waitForURL(/span=/)
    expect(await at.page.getByRole('row', { selected: true }).textContent()).toContain('SELECT stock')
  })

  it('3: lays a slow trace over a typical one, and says where it took longer', async () => {
    await at.open(`/trace/${hex(4, 32)}`)
    await at.page.getByRole('button', { name: 'Compare with a typical one' }).click()
    await at.page.waitForURL(/\/compare\?left=.*&right=0{31}4/)
    await at.page.getByText(/^B took/).waitFor()
    const told = await at.page.getByText(/^B took/).textContent()
    expect(told).toMatch(/B took 58\d ms longer.*\+58\d ms in stock › SELECT stock, 3 times in place of 1/)
    const row = at.page.getByRole('row').filter({ hasText: 'send mail' })
    expect(await row.textContent()).toContain('only in B')
  })

  it('3: compares two traces that were picked by key', async () => {
    await at.open('/search?order=shortest')
    await list().nth(3).waitFor()
    for (const key of ['j', ' ', 'j', 'j', ' ', 'c']) await at.page.keyboard.press(key)
    await at.page.waitForURL(/\/compare\?left=[0-9a-f]{32}&right=[0-9a-f]{32}/)
    await at.page.getByText(/took/).first().waitFor()
  })

  it('tells what is different in a box, with the numbers of a naive count', async () => {
    await at.open('/search')
    const plot = at.page.getByRole('img', { name: /Durations of 160 requests/ })
    await plot.waitFor()
    const { x, y, width, height } = (await plot.boundingBox())!
    await at.page.mouse.move(x + 66, y + 13)
    await at.page.mouse.down()
    await at.page.mouse.move(x + width - 17, y + height / 2, { steps: 3 })
    await at.page.mouse.up()
    await at.page.getByRole('button', { name: 'What is different in the box?' }).click()
    const row = at.page.getByRole('row').filter({ hasText: 'eu-2' })
    await row.waitFor()
    const slow = Array.from({ length: requests }, (_, index) => index).filter(isSlow).length
    const cells = await row.locator('th, td').allTextContents()
    expect([cells[0], cells[1], cells[3], cells[4]]).toEqual(['region', 'eu-2', `${slow}`, '0'])
    await row.getByRole('link').click()
    await at.page.waitForURL(/region(:|%3A)eu-2/)
  })

  it('2: tells who calls a service, how often, how slow and how often in vain, and leads to the traces of a point', async () => {
    await at.open('/dependencies?service=stock')
    await at.page.waitForURL(/\/services\?service=stock/)
    const callers = at.page.getByRole('table', { name: 'Called by' }).getByRole('row').filter({ hasText: 'shop' })
    await callers.waitFor()
    const cells = await callers.locator('th, td').allTextContents()
    const slow = Array.from({ length: requests }, (_, index) => index).filter(isSlow).length
    expect([cells[0], cells[1], cells.at(-1)]).toEqual(['shop', `${requests + 2 * slow}`, '1 · 0.5 %'])
    const chart = at.page.getByRole('img', { name: /^Errors over time/ })
    const { width } = (await chart.boundingBox())!
    // The only failure is the eleventh from the end, of 60 points over an hour or less.
    const failing = await chart
      .locator('path')
      .evaluate((path) => Number(/M([\d.]+) /.exec(path.getAttribute('d')!)![1]))
    await chart.click({ position: { x: (failing / 300) * width + 2, y: 20 } })
    await at.page.waitForURL(/\/search\?q=service(:|%3A)stock\+status(:|%3A)error&from=/)
    await at.page.getByText('1 trace', { exact: true }).waitFor()
  })

  it('2: shows around a service only what it has to do with, in the address', async () => {
    await at.open('/services')
    const nodes = at.page.locator('[data-node]')
    await nodes.nth(3).waitFor()
    await nodes.filter({ hasText: 'stock' }).click()
    await at.page.getByRole('button', { name: 'Around stock' }).click()
    await at.page.waitForURL(/around=1/)
    await expect.poll(() => nodes.locator('b').allTextContents(), { timeout: 20_000 }).toEqual(['shop', 'stock'])
    // What else shop has to do with is counted.
    expect(await nodes.filter({ hasText: 'shop' }).textContent()).toMatch(/\+2$/)
    await at.page.keyboard.press('Escape')
    await expect.poll(() => nodes.count(), { timeout: 20_000 }).toBe(4)
    expect(at.page.url()).not.toMatch(/around|service=/)
  })

  it('6: tells which service is the bottleneck of all that matches', async () => {
    await at.open('/search?panel=bottleneck&q=name:"POST /checkout"')
    const row = at.page
      .getByRole('table', { name: /160 requests waited for/ })
      .locator('tbody tr')
      .first()
    await row.waitFor()
    const cells = await row.locator('th, td').allTextContents()
    const calls = Array.from({ length: requests }, (_, index) => (isSlow(index) ? 600 : 12 + (index % 5)))
    const waited = calls.reduce((sum, each) => sum + each, 0)
    const all = waited + 40 * requests
    expect(cells[0]).toContain('stock')
    expect(Number.parseFloat(cells[1]!)).toBeCloseTo(waited / 1000, 1)
    expect(cells.slice(2, 4)).toEqual([`${Math.round((100 * waited) / all)} %`, `${requests}`])
    // The service's own spans, beside those that the query is about.
    await row.getByRole('link').first().click()
    await expect
      .poll(() => at.page.getByRole('combobox', { name: 'Query' }).inputValue())
      .toBe('{ name:"POST /checkout" } && { service:stock }')
    await at.page.getByText(`${requests} traces`, { exact: true }).waitFor()
    await row.getByRole('link').last().click()
    await verdict().waitFor()
  })

  it('shows a trace by operation and as a flame graph, sorted and selected by the address', async () => {
    await at.open(`/trace/${hex(4, 32)}`)
    await verdict().getByRole('button', { name: 'stock', exact: true }).click()
    const first = at.page.getByRole('table', { name: 'Operations' }).getByRole('row').nth(1)
    expect(await first.textContent()).toMatch(/stock SELECT stock600 ms · 94 %600 ms600 ms200 ms3/)
    await at.page.getByRole('button', { name: 'Longest' }).click()
    await at.page.waitForURL(/sort=longestNs/)
    expect(await first.textContent()).toContain('send mail')
    await at.page.keyboard.press('4')
    await at.page.waitForURL(/view=flame/)
    const flame = at.page.getByRole('img', { name: /4 paths/ })
    const { width } = (await flame.boundingBox())!
    // Self times: 900 of the mail, 600 of stock, 10 of cart and what is left of the root; in their order.
    await flame.click({ position: { x: width * 0.2, y: 33 } })
    await at.page.waitForURL(/span=/)
    await at.page.getByRole('complementary', { name: 'Span' }).getByText('SELECT stock').waitFor()
  })

  it('tells in its help of the keys that do something where one is', async () => {
    const help = async (): Promise<string> => {
      await at.page.keyboard.press('?')
      const text = (await at.page.getByRole('dialog').textContent()) ?? ''
      await at.page.keyboard.press('Escape')
      await expect.poll(() => at.page.getByRole('dialog').count()).toBe(0)
      return text
    }
    await at.open('/search')
    await list().first().waitFor()
    const search = await help()
    expect(search).toMatch(/^.*Everywhere\?This help.*jkNext, previous trace.*Spacec ?Pick a trace/)
    expect(search).not.toContain('previous span')
    await at.open(`/trace/${hex(4, 32)}`)
    await at.page.getByRole('treegrid', { name: 'Spans' }).getByRole('row').nth(3).waitFor()
    const trace = await help()
    expect(trace).toMatch(/jk↓↑Next, previous span.*\+−0Zoom in, out, whole trace/)
    expect(trace).toMatch(/f\/Ctrl FFind in the trace/)
    expect(trace).not.toContain('Pick a trace')
    await at.page.keyboard.press('4')
    await at.page.getByRole('img', { name: /4 paths/ }).waitFor()
    expect(await help()).not.toContain('previous span')
  })

  it('measures a stretch of time with shift, and zooms to a span with a double click', async () => {
    await at.open(`/trace/${hex(4, 32)}`)
    const rows = at.page.getByRole('treegrid', { name: 'Spans' }).getByRole('row')
    await rows.nth(3).waitFor()
    const { x, y, width } = (await rows.nth(3).locator('[role=gridcell]').nth(1).boundingBox())!
    await at.page.keyboard.down('Shift')
    await at.page.mouse.move(x + width / 4, y + 12)
    await at.page.mouse.down()
    await at.page.mouse.move(x + width / 2, y + 12, { steps: 3 })
    await at.page.mouse.up()
    await at.page.keyboard.up('Shift')
    // A quarter of the request's 640 ms; of its spans, the root and the first two of stock.
    const measured = at.page.getByRole('status').filter({ hasText: /^1(59|60|61)(\.\d)? ms, 3 spans$/ })
    await measured.waitFor()
    expect(at.page.url()).not.toMatch(/span=|zoom=/)
    await at.page.keyboard.press('Escape')
    expect(await measured.count()).toBe(0)
    await rows.filter({ hasText: 'GET cart' }).dblclick()
    await at.page.waitForURL(/zoom=/)
    const [from, to] = /zoom=(\d+)-(\d+)/.exec(at.page.url())!.slice(1).map(Number)
    expect([from! / 1e6, to! / 1e6].map(Math.round)).toEqual([4, 16])
  })

  it('has all views of a trace, and what else its head offers, in reach at each width', async () => {
    await at.open(`/trace/${hex(4, 32)}`)
    await verdict().waitFor()
    const head = at.page.getByRole('banner').last()
    for (const width of [390, 721, 768, 961, 1024, 1439, 1440]) {
      await at.page.setViewportSize({ width, height: 844 })
      const parts = [
        ...(await at.page.getByRole('navigation', { name: 'Views' }).getByRole('link').all()),
        at.page.getByRole('textbox', { name: /^Find in the trace/ }),
        at.page.getByRole('button', { name: 'Detail panel' }),
      ]
      for (const part of parts) {
        const { x, width: wide } = (await part.boundingBox())!
        expect([width, x >= 0, x + wide <= width, wide > 20]).toEqual([width, true, true, true])
      }
      expect((await head.boundingBox())!.height).toBeLessThan(width === 390 ? 120 : 90)
    }
  })

  it('has the bar and the list in reach where everything is twice its size', async () => {
    await at.open('/search')
    await list().first().waitFor()
    for (const width of [641, 720, 800]) {
      await at.page.setViewportSize({ width, height: 450 })
      const bar = at.page.getByRole('banner').first()
      for (const part of [...(await bar.getByRole('link').all()), ...(await bar.getByRole('button').all())]) {
        const { x, width: wide } = (await part.boundingBox())!
        expect([width, x >= 0, x + wide <= width]).toEqual([width, true, true])
      }
    }
    await at.page.keyboard.press('j')
    const row = list().first()
    await expect
      .poll(async () => {
        const { y, height } = (await row.boundingBox())!
        return y > 0 && y + height <= 450
      })
      .toBe(true)
    await at.page.setViewportSize({ width: 1440, height: 900 })
  })

  it('aligns clocks that are apart, in the address, and shows what was sent again by one click', async () => {
    const traceId = hex(0xc10c, 32)
    const at500 = now - 500n * ms
    const spans = [
      span({ traceId, spanId: hex(1, 16), name: 'GET /stock', kind: 2, endTimeUnixNano: now + 100n * ms }),
      span({
        traceId,
        spanId: hex(2, 16),
        parentSpanId: hex(1, 16),
        name: 'call',
        kind: 3,
        startTimeUnixNano: now + 10n * ms,
        endTimeUnixNano: now + 90n * ms,
      }),
    ]
    const late = span({
      traceId,
      spanId: hex(3, 16),
      parentSpanId: hex(2, 16),
      name: 'serve',
      kind: 2,
      startTimeUnixNano: at500 + 20n * ms,
      endTimeUnixNano: at500 + 80n * ms,
    })
    await sendTraces(at.spoor, traces('web', spans))
    await sendTraces(at.spoor, traces('apart', [late]))
    await at.open(`/trace/${traceId}`)
    const serve = at.page.getByRole('row').filter({ hasText: 'serve' })
    await serve.click()
    const offset = at.page.locator('dl > div').filter({ hasText: 'offset' })
    await expect.poll(() => offset.textContent(), { timeout: 20_000 }).toBe('offset0 ns')
    await verdict().getByRole('button', { name: 'Align' }).click()
    await at.page.waitForURL(/clocks=aligned/)
    await expect.poll(() => offset.textContent(), { timeout: 20_000 }).toBe('offset20.0 ms')
    await at.page.getByText('500 ms behind, aligned in the views').waitFor()
    // The address alone shows the same.
    await at.page.reload()
    await expect.poll(() => offset.textContent(), { timeout: 20_000 }).toBe('offset20.0 ms')
    await verdict().getByRole('button', { name: 'Show as sent' }).click()
    await expect.poll(() => offset.textContent(), { timeout: 20_000 }).toBe('offset0 ns')
    expect(at.page.url()).not.toContain('clocks')
  })

  it('4: finds everything about an order id, and says where it stands', async () => {
    await at.open('/search')
    const query = at.page.getByRole('combobox', { name: 'Query' })
    await query.fill('ord-1042')
    await query.press('Escape')
    await at.page.getByRole('button', { name: 'to search' }).waitFor()
    await query.press('Enter')
    await at.page.getByText('1 trace', { exact: true }).waitFor()
    expect(await list().first().textContent()).toContain('in order.id')
    expect(await list().first().getByRole('link').getAttribute('href')).toContain(hex(43, 32))
  })

  it('4: takes an id of any kind where a trace’s is asked for', async () => {
    await at.open('/pipelines')
    const lookup = at.page.getByRole('search').getByRole('textbox')
    await lookup.fill(' ord-1042 ')
    await lookup.press('Enter')
    await at.page.waitForURL(/\/search\?q=ord-1042&range=all/)
    await at.page.getByText('1 trace', { exact: true }).waitFor()
    // What could be a trace's, and is none.
    await lookup.fill('1042')
    await lookup.press('Enter')
    await at.page.getByRole('link', { name: 'Look for 1042 in all spans' }).click()
    await at.page.waitForURL(/\/search\?q=1042&range=all/)
    await lookup.fill(hex(43, 32))
    await lookup.press('Enter')
    await at.page.waitForURL(new RegExp(`/trace/${hex(43, 32)}$`))
    await verdict().waitFor()
  })

  it('7: an address shows a colleague the span, the zoom and the folds', async () => {
    await at.open(`/trace/${hex(4, 32)}`)
    const rows = () => at.page.getByRole('treegrid', { name: 'Spans' }).getByRole('row')
    await rows().first().waitFor()
    for (const key of ['End', '+', '+', 'Home', 'ArrowLeft']) await at.page.keyboard.press(key)
    await at.page.waitForURL(/span=.*&zoom=.*&folded=/)
    expect(await rows().count()).toBe(1)
    const seen = await rows().first().textContent()
    const address = at.page.url()
    await at.page.close()
    await at.open(address.slice(at.spoor.page.length))
    await rows().first().waitFor()
    expect([await rows().count(), await rows().first().textContent()]).toEqual([1, seen])
    expect(await rows().first().getAttribute('aria-selected')).toBe('true')
    expect(at.page.url()).toBe(address)
  })

  listTests(at)

  // From here on there is one checkout more.
  fileTests(at)

  it('5: tells which errors are new, and where they come from', async () => {
    const from = String(now - 60_000n * ms)
    const old = { status: { code: 2 as const, message: 'out of paper' } }
    const spans = [30n, 7200n].map((ago, at) =>
      span({
        traceId: hex(500 + at, 32),
        spanId: hex(9000 + at, 16),
        name: 'print',
        startTimeUnixNano: now - ago * 1000n * ms,
        endTimeUnixNano: now - ago * 1000n * ms + ms,
        ...old,
      }),
    )
    await sendTraces(at.spoor, traces('printer', spans))
    await at.open(`/search?panel=errors&from=${from}`)
    const rows = at.page.getByRole('table', { name: 'Errors of spans' }).locator('tbody tr')
    await rows.filter({ hasText: 'out of paper' }).waitFor()
    await at.page.getByRole('button', { name: 'ever?' }).click()
    await rows.filter({ hasText: 'row is locked' }).getByText('new', { exact: true }).waitFor()
    expect(await rows.filter({ hasText: 'out of paper' }).getByText('new', { exact: true }).count()).toBe(0)
    await rows.filter({ hasText: 'row is locked' }).getByRole('link').click()
    await at.page.waitForURL(/\/trace\/.*span=/)
    expect(await at.page.getByRole('row', { selected: true }).textContent()).toContain('SELECT stock')
  })

  it('opens with Enter what was selected by keys, whichever button was pressed before', async () => {
    await at.open('/search')
    await list().first().waitFor()
    await at.page.getByRole('button', { name: 'Live' }).click()
    await at.page.waitForURL(/live=1/)
    await at.page.keyboard.press('j')
    await at.page.keyboard.press('Enter')
    await at.page.waitForURL(/\/trace\//)
  })

  it('9: watches what comes while it is developed, and keeps its place', async () => {
    const send = (id: number, name: string, spans = 1) =>
      sendTraces(
        at.spoor,
        traces(
          'newcomer',
          Array.from({ length: spans }, (_, index) => {
            const started = {
              startTimeUnixNano: BigInt(Date.now()) * ms,
              endTimeUnixNano: BigInt(Date.now()) * ms + ms,
            }
            return span({ traceId: hex(id, 32), spanId: hex(id * 16 + index, 16), name, ...started })
          }),
        ),
      )
    await at.open('/search')
    await list().first().waitFor()
    await at.page.keyboard.press('l')
    await at.page.waitForURL(/live=1/)
    await at.page.getByText('Shown as they come').waitFor()
    await send(600, 'first')
    await list().first().getByText('first', { exact: true }).waitFor()
    // The one that is selected stays it, wherever it moves to.
    await at.page.keyboard.press('j')
    await send(601, 'second')
    await list().nth(1).getByText('first', { exact: true }).waitFor()
    expect(await list().nth(1).getByRole('link').getAttribute('data-selected')).toBe('true')

    const scroller = at.page.getByRole('list', { name: 'Traces' })
    await at.page.keyboard.press('Escape')
    await scroller.evaluate((element) => element.scrollTo(0, 1600))
    const reading = list().filter({ has: at.page.locator(`[href*="${hex(50, 32)}"]`) })
    const place = await reading.boundingBox()
    await send(602, 'third')
    await at.page.getByRole('button', { name: '1 new' }).waitFor()
    await send(602, 'third', 3)
    await send(603, 'fourth')
    await at.page.getByRole('button', { name: '2 new' }).waitFor()
    expect([await scroller.evaluate((element) => element.scrollTop), await reading.boundingBox()]).toEqual([
      1600,
      place,
    ])
    await at.page.getByRole('button', { name: '2 new' }).click()
    await list().first().getByText('fourth', { exact: true }).waitFor()
    await expect.poll(() => list().nth(1).textContent()).toMatch(/third.*4 spans/)

    await at.page.getByRole('button', { name: 'Pause' }).click()
    await send(604, 'fifth')
    await at.page.getByRole('button', { name: '1 new' }).waitFor()
    expect(await list().first().textContent()).toContain('fourth')
    await at.page.getByRole('button', { name: 'Go on' }).click()
    await send(605, 'sixth')
    await list().nth(1).getByText('fifth', { exact: true }).waitFor()
  })

  it('tells what is to be mended in a service, by its traces', async () => {
    const during = (from: bigint, to: bigint) => ({
      startTimeUnixNano: now + from * ms,
      endTimeUnixNano: now + to * ms,
    })
    const root = span({
      traceId: hex(700, 32),
      spanId: hex(70_000, 16),
      name: 'GET /list',
      kind: 2,
      ...during(0n, 200n),
    })
    const calls = Array.from({ length: 30 }, (_, index) => ({
      ...root,
      spanId: hex(70_001 + index, 16),
      parentSpanId: root.spanId,
      name: 'SELECT item',
      kind: 3,
      ...during(BigInt(index * 6), BigInt(index * 6 + 5)),
    }))
    await sendTraces(at.spoor, traces('lister', [root, ...calls]))
    await at.open('/services?service=lister')
    await at.page.getByText('1 thing to mend').click()
    const row = at.page.getByRole('region', { name: 'What needs attention' }).getByRole('listitem')
    await row
      .filter({ hasText: '"SELECT item" up to 30 times' })
      .getByRole('link', { name: `trace ${root.traceId.slice(0, 8)}` })
      .click()
    await at.page.waitForURL(new RegExp(`/trace/${root.traceId}\\?span=${root.spanId}`))
  })

  it('Back leads to where one was in the list', async () => {
    await at.open('/search')
    await list().first().waitFor()
    const scroller = at.page.getByRole('list', { name: 'Traces' })
    // The list grows as it is told.
    await expect
      .poll(() => scroller.evaluate((element) => (element.scrollTo(0, 2000), element.scrollTop)), { timeout: 20_000 })
      .toBe(2000)
    await list().filter({ hasText: 'POST /checkout' }).nth(15).getByRole('link').click()
    await verdict().waitFor()
    await at.page.goBack()
    await list().first().waitFor()
    await expect.poll(() => scroller.evaluate((element) => element.scrollTop)).toBe(2000)
  })
})
