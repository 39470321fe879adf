import { readFile } from 'node:fs/promises'
import { type Browser, firefox, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hex, sendCheckouts } from './checkouts.ts'
import { ms, sendTraces, span, traces } from './traces.ts'
import { type RunningSpoor, startSpoor } from './spoor.ts'

/** Debian's, or another that speaks WebDriver BiDi. */
const executablePath = process.env['FIREFOX_PATH'] ?? '/usr/bin/firefox-esr'

/** Playwright's own protocol needs a Firefox of its own; by WebDriver BiDi, which this stands for, it drives any. */
const channel = 'moz-firefox'

let spoor: RunningSpoor
let browser: Browser
let page: Page

describe('the page in Firefox', () => {
  beforeAll(async () => {
    ;[spoor, browser] = await Promise.all([startSpoor(), firefox.launch({ channel, executablePath })])
    await sendCheckouts(spoor)
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  })
  afterAll(async () => {
    await browser?.close()
    await spoor?.remove()
  })
  const list = () => page.getByRole('list', { name: 'Traces' }).getByRole('listitem')
  const rows = () => page.getByRole('treegrid', { name: 'Spans' }).getByRole('row')

  it('finds the slowest checkout, and says why', async () => {
    await page.goto(`${spoor.page}/search?order=longest`)
    await list().first().waitFor()
    await page.getByRole('img', { name: /Durations of 160 requests/ }).waitFor()
    await list().first().getByRole('link').click()
    await page.getByLabel('Verdict').getByText('SELECT stock').waitFor()
    expect(await rows().count()).toBe(6)
  })

  it('shows a trace in each of its views, laid out and written by workers', async () => {
    await page.goto(`${spoor.page}/trace/${hex(4, 32)}?view=tree`)
    await page.locator('.react-flow__node').nth(5).waitFor()
    for (const [view, shows] of [
      ['Table', 'table'],
      ['Flame', 'canvas'],
      ['JSON', '[role=document]'],
    ] as const) {
      await page.getByRole('link', { name: view, exact: true }).click()
      await page.locator(`main ${shows}`).first().waitFor()
    }
  })

  it('lays out the services, and shows pipelines and setup', async () => {
    await page.goto(`${spoor.page}/services`)
    await page.locator('.react-flow__node').nth(3).waitFor()
    await page.goto(`${spoor.page}/pipelines`)
    await page.getByRole('article', { name: 'receiver otlp' }).waitFor()
    await page.goto(`${spoor.page}/setup?for=java`)
    await page.getByText('-javaagent:').waitFor()
  })

  it('scrolls a trace of a million spans to its end: Firefox has a bound for heights', async () => {
    const traceId = 'bb'.repeat(16)
    const size = 1_000_000
    for (let from = 0; from < size; from += 20_000) {
      const spans = Array.from({ length: 20_000 }, (_, index) =>
        span({
          traceId,
          spanId: hex(1_000_000 + from + index, 16),
          parentSpanId: from + index === 0 ? '' : hex(1_000_000 + Math.floor((from + index - 1) / 10), 16),
          name: from + index === size - 1 ? 'the last' : 'work',
          startTimeUnixNano: BigInt(Date.now()) * ms,
          endTimeUnixNano: BigInt(Date.now()) * ms + ms,
        }),
      )
      await sendTraces(spoor, traces('bulk', spans))
    }
    await page.goto(`${spoor.page}/trace/${traceId}`)
    await rows().first().waitFor({ timeout: 60_000 })
    await page.getByRole('treegrid', { name: 'Spans' }).focus()
    await page.keyboard.press('End')
    await page.getByRole('row', { selected: true }).waitFor()
    const place = await page.getByRole('row', { selected: true }).boundingBox()
    expect(place!.y).toBeLessThan(900)
    expect(await page.getByRole('row', { selected: true }).getAttribute('aria-rowindex')).toBe(String(size))
  })

  it('is live', async () => {
    await page.goto(`${spoor.page}/search?live=1&q=service:newcomer`)
    await page.getByText('Shown as they come').waitFor()
    await sendTraces(spoor, traces('newcomer', [span({ traceId: hex(700, 32), spanId: hex(700, 16), name: 'hello' })]))
    await list().first().getByText('hello', { exact: true }).waitFor()
  })

  it('shares a trace as one file', async () => {
    await page.goto(`${spoor.page}/trace/${hex(4, 32)}`)
    await rows().first().waitFor()
    await page.getByRole('button', { name: 'Download and share' }).click()
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: /HTML/ }).click(),
    ])
    const file = `${spoor.data}/shared.html`
    await saved.saveAs(file)
    expect((await readFile(file, 'utf8')).length).toBeGreaterThan(100_000)
    const offline = await browser.newPage()
    await offline.goto(`file://${file}`)
    await offline.getByLabel('Verdict').getByText('SELECT stock').waitFor()
    await offline.keyboard.press('2')
    await offline.locator('.react-flow__node').nth(5).waitFor()
    await offline.close()
  })
})
