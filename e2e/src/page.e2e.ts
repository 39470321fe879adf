import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { noBrowser, openBrowser, openPage } from './browser.ts'
import { type RunningSpoor, startSpoor } from './spoor.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

const id = (number: number) => number.toString(16).padStart(16, '0')

const shop = 'aa'.repeat(16)
const large = 'bb'.repeat(16)
/** In a large trace all spans are below one root, ten children to each. */
const largeSize = 20_000

let spoor: RunningSpoor
let browser: Browser
let page: Page
let complaints: string[]

describe.skipIf(noBrowser)('the page', () => {
  beforeAll(async () => {
    browser = await openBrowser()
    spoor = await startSpoor()
  })
  afterAll(async () => {
    await browser?.close()
    await spoor?.remove()
  })
  afterEach(async () => {
    await page?.close()
    // Nothing in the browser may complain, in any of these tests.
    expect(complaints).toEqual([])
  })

  const open = async (path: string) => {
    ;({ page, complaints } = await openPage(browser))
    await page.goto(`${spoor.page}${path}`)
  }

  it('tells a newcomer with no traces what to do', async () => {
    await open('/')
    await page.getByText(spoor.http).first().waitFor()
    expect(new URL(page.url()).pathname).toBe('/search')
    await page.getByRole('tab', { name: 'Python' }).click()
    const panel = page.getByRole('tabpanel', { name: 'Python' })
    await panel.getByText('opentelemetry-instrument python app.py').waitFor()
    await panel.getByText(`export OTEL_EXPORTER_OTLP_ENDPOINT=${spoor.http}`).waitFor()
    // A mistake that somebody made is told where nothing has come yet, with what mends it.
    await fetch(`${spoor.http}/v1/traces/v1/traces`, { method: 'POST', headers: { 'user-agent': 'twice/1' }, body: '' })
    const wrong = page.getByRole('region', { name: 'What needs attention' }).getByRole('listitem')
    await wrong.filter({ hasText: 'twice/1' }).getByText(spoor.http).first().waitFor()
    // So is one by which what has come is found by no search.
    const early = { startTimeUnixNano: BigInt(Date.now()), endTimeUnixNano: BigInt(Date.now()) + 5n }
    await sendTraces(
      spoor,
      traces('early', [span({ traceId: 'ea'.repeat(16), spanId: id(9), name: 'early', ...early })]),
    )
    await page.getByRole('heading', { name: 'No trace matches' }).waitFor()
    await wrong.filter({ hasText: 'in milliseconds' }).getByText('BigInt(Date.now()) * 1_000_000n').waitFor()
  })

  it('finds a trace by what it is, and opens it', async () => {
    const failed = { status: { code: 2, message: 'card declined' } }
    const started = (offset: bigint, length: bigint) => ({
      startTimeUnixNano: now + offset * ms,
      endTimeUnixNano: now + (offset + length) * ms,
    })
    await sendTraces(
      spoor,
      traces('shop', [
        span({ traceId: shop, spanId: id(1), name: 'checkout', kind: 2, ...started(0n, 200n) }),
        span({ traceId: shop, spanId: id(2), parentSpanId: id(1), name: 'reserve', ...started(10n, 50n) }),
      ]),
    )
    await sendTraces(
      spoor,
      traces('payment', [
        span({
          traceId: shop,
          spanId: id(3),
          parentSpanId: id(1),
          name: 'charge',
          kind: 2,
          ...started(70n, 100n),
          ...failed,
          attributes: [{ key: 'card.kind', value: { type: 'string', value: 'debit' } }],
          events: [{ timeUnixNano: now + 90n * ms, name: 'declined', attributes: [], droppedAttributesCount: 0 }],
          links: [
            { traceId: shop, spanId: id(2), traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 },
          ],
        }),
      ]),
    )
    await open('/search')
    const query = page.getByRole('combobox', { name: 'Query' })
    const row = page.getByRole('list', { name: 'Traces' }).getByRole('listitem')
    // Else it may come when nothing is expected any more.
    await row.first().waitFor()
    await query.fill('card.kind:credit')
    await query.press('Enter')
    await page.waitForURL(/card/)
    // What was found before stays until the answer is there.
    await expect.poll(() => row.count()).toBe(0)
    await query.fill('card.kind:debit')
    await query.press('Enter')
    await row.first().waitFor()
    expect(await row.count()).toBe(1)
    expect(await row.first().textContent()).toMatch(/shop.*checkout/)
    await row.first().click()
    await page.waitForURL(`**/trace/${shop}**`)
  })

  it('shows where a query is wrong', async () => {
    await open('/search')
    const query = page.getByRole('combobox', { name: 'Query' })
    await query.fill('(service:shop')
    await query.press('Enter')
    await page.getByRole('alert').first().waitFor()
    // The browser itself reports that the API answered 400.
    complaints = complaints.filter((text) => !text.includes('400'))
  })

  it('draws the waterfall, and a span’s details', async () => {
    await open(`/trace/${shop}`)
    const rows = page.getByRole('treegrid', { name: 'Spans' }).getByRole('row')
    await rows.nth(2).waitFor()
    expect(await rows.count()).toBe(3)
    const names = await rows.allTextContents()
    expect(names.map((text) => /checkout|reserve|charge/.exec(text)?.[0])).toEqual(['checkout', 'reserve', 'charge'])
    await rows.nth(2).click()
    const detail = page.getByLabel('Span', { exact: true })
    await detail.getByText('card.kind').waitFor()
    await detail.getByText('debit').waitFor()
    await detail.getByText('card declined').first().waitFor()
    await detail.locator('summary', { hasText: 'declined' }).waitFor()
    // What is known of the span is a question to all others.
    await detail.getByRole('button', { name: 'What can be done with card.kind' }).click()
    await page.getByRole('menuitem', { name: 'Find this operation with it' }).click()
    await page.waitForURL(/\/search\?q=/)
    const query = page.getByRole('combobox', { name: 'Query' })
    expect(await query.inputValue()).toBe('service:payment name:charge span.card.kind:debit')
    await page.getByText('1 trace', { exact: true }).waitFor()
  })

  it('draws the trace tree with its link', async () => {
    await open(`/trace/${shop}`)
    await page.getByRole('link', { name: 'Tree' }).click()
    const nodes = page.locator('[data-node]')
    await nodes.nth(2).waitFor()
    expect(await nodes.count()).toBe(3)
    // Two calls and a link.
    await page.locator('main canvas[data-edges="3"]').waitFor({ state: 'attached' })
  })

  it('tells who calls a service, how fast and how often in vain, and leads to what failed', async () => {
    await open('/dependencies')
    await page.locator('[data-node]', { hasText: 'payment' }).click()
    await page.waitForURL(/service=payment/)
    const panel = page.getByRole('region', { name: 'Service payment' })
    const callers = panel.getByRole('table', { name: 'Called by' }).getByRole('row')
    await callers.nth(1).waitFor()
    expect(await callers.nth(1).getByRole('rowheader').textContent()).toBe('shop')
    const [calls, , p50, , , errors] = await callers.nth(1).getByRole('cell').allTextContents()
    expect([calls, errors]).toEqual(['1', '1 · 100 %'])
    expect(Number.parseFloat(p50!)).toBeCloseTo(100, -1)
    await panel.getByRole('table', { name: 'Spans that match' }).getByRole('row', { name: 'charge' }).waitFor()

    await callers.nth(1).getByRole('link').click()
    const caller = page.getByRole('region', { name: 'Service shop' })
    await caller.getByRole('table', { name: 'Calls' }).getByRole('row', { name: 'payment' }).waitFor()
    await page.goBack()
    await panel.getByRole('link', { name: 'Failed' }).click()
    await page.waitForURL(/\/search/)
    expect(await page.getByRole('combobox', { name: 'Query' }).inputValue()).toBe('service:payment status:error')
    await page.getByRole('list', { name: 'Traces' }).getByRole('listitem').first().waitFor()
  })

  it('opens a trace of 20,000 spans with a small DOM', async () => {
    const spans = Array.from({ length: largeSize }, (_, index) =>
      span({
        traceId: large,
        spanId: id(1000 + index),
        parentSpanId: index === 0 ? '' : id(1000 + Math.floor((index - 1) / 10)),
        name: `work ${index % 50}`,
        startTimeUnixNano: now + BigInt(index) * 1000n,
        endTimeUnixNano: now + BigInt(index) * 1000n + ms,
      }),
    )
    await sendTraces(spoor, traces('bulk', spans))
    await open(`/trace/${large}`)
    const grid = page.getByRole('treegrid', { name: 'Spans' })
    await grid.getByRole('row').first().waitFor()
    await page.getByText('20,000 spans').first().waitFor()
    expect(await grid.getByRole('row').count()).toBeLessThan(200)
    await grid.focus()
    await page.keyboard.press('End')
    await page.waitForTimeout(200)
    expect(await grid.getByRole('row').count()).toBeLessThan(200)
    // As a tree, too: what is in sight is in the document; all of it at once is drawn.
    await page.getByRole('link', { name: 'Tree' }).click()
    await page.locator('[data-node][aria-pressed="true"]').waitFor()
    expect(await page.locator('[data-node]').count()).toBeLessThan(500)
    await page.getByRole('button', { name: 'Fit' }).click()
    await page.locator('main canvas[data-edges="19999"]').waitFor({ state: 'attached' })
    expect(await page.locator('[data-node]').count()).toBe(0)
  })

  it('shows the pipelines, and who sends with what success', async () => {
    const refused = await fetch(`${spoor.http}/v1/traces`, { method: 'POST', headers: { 'user-agent': 'mistaken/1' } })
    expect(refused.status).toBe(415)
    await open('/dependencies')
    await page.getByRole('link', { name: 'Pipelines' }).click()
    const receiver = page.getByRole('article', { name: 'receiver otlp' })
    await receiver.getByText('spans/s').waitFor()
    const total = (await (await fetch(`${spoor.page}/api/spoor/v1/status`)).json()) as { spansAccepted: number }
    expect(total.spansAccepted).toBeGreaterThan(largeSize)
    await receiver.getByText(`${total.spansAccepted.toLocaleString('en')} spans`).waitFor()
    expect(await page.getByRole('article', { name: 'exporter spoor_storage' }).textContent()).toContain('spans')
    await page.getByRole('row', { name: 'mistaken/1' }).getByText('1 × unsupported media type').waitFor()
  })

  it('tells who has sent what, what is wrong with it, and how to send more, for this address', async () => {
    await open('/search')
    await page.getByRole('link', { name: 'Setup' }).click()
    await page.getByText(spoor.grpc).first().waitFor()
    await page.getByRole('region', { name: 'Senders' }).getByRole('row', { name: 'mistaken/1' }).waitFor()
    await page.getByRole('region', { name: 'What needs attention' }).getByText('mistaken/1').first().waitFor()
    await page.getByRole('tab', { name: 'Node' }).press('ArrowRight')
    await page.waitForURL(/for=nextjs/)
    await page.getByRole('tabpanel', { name: 'Next.js' }).getByText('NEXT_RUNTIME').first().waitFor()
    await page.getByRole('tab', { name: 'Collector' }).click()
    await page.getByText(`endpoint: ${spoor.grpc}`).waitFor()
  })

  it('has no blank pane while an answer is on its way', async () => {
    ;({ page, complaints } = await openPage(browser))
    await page.route('**/api/spoor/v1/dependencies*', () => {})
    await page.goto(`${spoor.page}/services`)
    await page.getByRole('status').filter({ hasText: 'Looking for calls between services' }).waitFor()
    await expect.poll(() => page.locator('[role=status] i').last().isVisible(), { timeout: 20_000 }).toBe(true)
  })

  it('says that a trace is not there', async () => {
    await open(`/trace/${'0'.repeat(31)}1`)
    await page
      .getByText(/not (found|in the store|here)|no (such )?trace/i)
      .first()
      .waitFor()
    complaints = complaints.filter((text) => !text.includes('404'))
  })
})
