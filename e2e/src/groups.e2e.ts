import type { Span } from '@spoor/otlp'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { noBrowser, openBrowser, openPage } from './browser.ts'
import { type RunningSpoor, startSpoor } from './spoor.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

interface Sent {
  readonly service: string
  readonly name: string
  readonly ms: number
  readonly failed: boolean
}

/** Many operations of a few services; each n-th fails, each n-th runs long, in ways that agree with no other. */
const sent: readonly Sent[] = Array.from({ length: 900 }, (_, i) => {
  const operation = Math.floor(Math.sqrt(i))
  return {
    service: `service-${operation % 4}`,
    name: operation === 29 ? 'say "no" (OR maybe)' : `operation ${operation}`,
    ms: 1 + ((i * 7) % 50) + (operation % 5 === 0 ? 400 : 0),
    failed: i % (operation + 2) === 1,
  }
})

/** Two errors, one of them with a number that is another in each span. */
const messageOf = (index: number) => (index % 4 === 1 ? 'connection refused' : `card ${index} declined`)

function spanOf({ name, ms: lasts, failed }: Sent, index: number): Span {
  const start = now - BigInt(index) * 1_000n * ms
  return span({
    traceId: (index + 1).toString(16).padStart(32, '0'),
    spanId: (index + 1).toString(16).padStart(16, '0'),
    kind: 2,
    name,
    startTimeUnixNano: start,
    endTimeUnixNano: start + BigInt(lasts) * ms,
    status: { code: failed ? 2 : 0, message: failed ? messageOf(index) : '' },
  })
}

/** What a table of operations shows, counted one by one. */
function naive(spans: readonly Sent[]) {
  const byOperation = Map.groupBy(spans, ({ service, name }) => `${service} ${name}`)
  return [...byOperation].map(([operation, all]) => {
    const durations = all.map((each) => each.ms).sort((a, b) => a - b)
    const at = (share: number) => durations[Math.ceil(share * durations.length) - 1]!
    return {
      operation,
      count: all.length,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      total: durations.reduce((sum, each) => sum + each, 0),
      errors: all.filter(({ failed }) => failed).length,
    }
  })
}
type Row = ReturnType<typeof naive>[number]

/** `1.20 s` and `143 ms`, in milliseconds. */
const toMs = (text: string) => Number.parseFloat(text.replaceAll(',', '')) * (/\d\s*s$/.test(text) ? 1000 : 1)

async function shownRows(page: Page): Promise<Row[]> {
  const rows = await page
    .getByRole('table', { name: 'Spans that match' })
    .locator('tbody tr')
    .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent.trim())))
  return rows.map(([operation, count, , p50, p95, p99, total, errors]) => ({
    operation: operation!,
    count: Number(count),
    p50: toMs(p50!),
    p95: toMs(p95!),
    p99: toMs(p99!),
    total: toMs(total!),
    errors: Number(errors!.split(' ')[0]),
  }))
}

/** What is shown has three digits, and percentiles are within 0.54 %. */
const isAbout = (shown: number, real: number) => Math.abs(shown - real) <= real * 0.012

let spoor: RunningSpoor
let browser: Browser
let page: Page
let complaints: string[]

describe.skipIf(noBrowser)('groups of all that matches', () => {
  beforeAll(async () => {
    browser = await openBrowser()
    spoor = await startSpoor()
    const indexed = sent.map((each, index) => ({ service: each.service, span: spanOf(each, index) }))
    for (const [service, group] of Map.groupBy(indexed, (each) => each.service)) {
      await sendTraces(
        spoor,
        traces(
          service,
          group.map((each) => each.span),
        ),
      )
    }
  })
  afterAll(async () => {
    await browser?.close()
    await spoor?.remove()
  })
  afterEach(async () => {
    await page?.close()
    expect(complaints).toEqual([])
  })

  const open = async (path: string) => {
    ;({ page, complaints } = await openPage(browser))
    await page.goto(`${spoor.page}${path}`)
    await page.locator('tbody tr').first().waitFor()
  }
  const sortedBy = async (column: 'Spans' | 'Errors' | 'Total' | 'p95') => {
    await page.getByRole('columnheader', { name: column }).getByRole('button').click()
    await page.locator('th[aria-sort]', { hasText: column }).waitFor()
    await page.locator('[role=region][aria-busy=false]').waitFor()
  }

  it('shows what a count of all that was sent gives, in each order', async () => {
    const all = naive(sent)
    await open('/search?range=all')
    for (const [column, key] of [
      ['Spans', 'count'],
      ['Errors', 'errors'],
      ['Total', 'total'],
      ['p95', 'p95'],
    ] as const) {
      await sortedBy(column)
      const rows = await shownRows(page)
      expect(rows).toHaveLength(20)
      for (const row of rows) {
        const real = all.find(({ operation }) => operation === row.operation)!
        expect(row).toMatchObject({ count: real.count, errors: real.errors })
        for (const figure of ['p50', 'p95', 'p99', 'total'] as const) {
          expect
            .soft(isAbout(row[figure], real[figure]), `${row.operation} ${figure}: ${row[figure]}, not ${real[figure]}`)
            .toBe(true)
        }
      }
      // The greatest of all, not of those that happened to be shown before.
      const greatest = all.map((row) => row[key]).sort((a, b) => b - a)
      rows.forEach((row, index) => expect(isAbout(row[key], greatest[index]!), `${column} ${index}`).toBe(true))
      expect(await page.locator('tfoot tr').first().textContent()).toMatch(/^10 more operations/)
      const shown = rows.reduce((sum, { count }) => sum + count, 0)
      expect(await page.locator('tfoot tr').first().locator('td').first().textContent()).toBe(`${900 - shown}`)
      expect(await page.locator('tfoot tr').last().locator('td').first().textContent()).toBe('900')
    }
    await page.getByRole('button', { name: 'Show more' }).click()
    await expect.poll(() => page.locator('tbody tr').count(), { timeout: 30_000 }).toBe(30)
  })

  it('draws how long all requests took, also those that the list has not fetched, and narrows them by a box', async () => {
    await open('/search?range=all')
    const plot = page.getByRole('img', { name: 'Durations of 900 requests over time' })
    await plot.waitFor()
    const durations = sent.map((each) => each.ms).sort((a, b) => a - b)
    const text = await plot.innerText()
    for (const share of [50, 95, 99]) {
      const shown = new RegExp(`p${share} ([\\d.]+ m?s)`).exec(text)![1]!
      expect(isAbout(toMs(shown), durations[Math.ceil((share / 100) * 900) - 1]!), `p${share} ${shown}`).toBe(true)
    }
    expect(text).toContain(`${sent.filter(({ failed }) => failed).length} failed`)

    const { x, y, width, height } = (await plot.boundingBox())!
    await page.mouse.move(x + width / 2, y + 14)
    await page.mouse.down()
    await page.mouse.move(x + width - 18, y + height / 5, { steps: 3 })
    await page.mouse.up()
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.waitForURL(/trace\.request/)
    const { searchParams } = new URL(page.url())
    const [, least, most] = /trace\.request>=(\S+) trace\.request<=(\S+)/.exec(searchParams.get('q')!)!
    const [from, to] = [BigInt(searchParams.get('from')!), BigInt(searchParams.get('to')!)]
    const matching = sent.filter((each, index) => {
      const start = now - BigInt(index) * 1_000n * ms
      return start >= from && start <= to && each.ms >= toMs(least!) && each.ms <= toMs(most!)
    })
    expect(matching.length).toBeGreaterThan(20)
    expect(matching.length).toBeLessThan(200)
    await page.getByText(`${matching.length} traces`, { exact: true }).waitFor()
  })

  it('opens the longest request of a bin of the heat map', async () => {
    await open('/search?range=all')
    const plot = page.getByRole('img', { name: 'Durations of 900 requests over time' })
    await plot.waitFor()
    const { x, y, width } = (await plot.boundingBox())!
    const tip = plot.getByText('a click opens the longest')
    for (let step = 0; step < 20 && !(await tip.isVisible()); step++) {
      await page.mouse.move(x + width - 20, y + 14 + step * 5)
    }
    await page.mouse.down()
    await page.mouse.up()
    await page.waitForURL(/\/trace\/0{28}/)
    await page.getByRole('treegrid', { name: 'Spans' }).waitFor()
  })

  it('a click narrows the query to the operation, whatever its name', async () => {
    await open('/search?range=all&q=status:error')
    const failed = naive(sent.filter((each) => each.failed)).find(({ operation }) => operation.includes('maybe'))!
    await page.getByRole('link', { name: failed.operation }).click()
    await expect.poll(() => page.locator('tbody tr').count(), { timeout: 30_000 }).toBe(1)
    expect(await page.getByRole('combobox', { name: 'Query' }).inputValue()).toBe(
      'status:error service:service-1 name:"say \\"no\\" (OR maybe)"',
    )
    expect(await shownRows(page)).toMatchObject([{ operation: failed.operation, count: failed.count }])
  })

  it('folded it asks for nothing, and says so in the address', async () => {
    await open('/search?range=all')
    const fold = page.getByRole('button', { name: 'Groups of all that matches' })
    await fold.click()
    await page.waitForURL(/panel=none/)
    expect(await page.locator('table').count()).toBe(0)
    let asked = 0
    page.on('request', (request) => void (asked += request.url().includes('groupBy=') ? 1 : 0))
    await page.reload()
    await page.getByRole('list', { name: 'Traces' }).getByRole('listitem').first().waitFor()
    await fold.waitFor()
    expect(asked).toBe(0)
    await fold.click()
    await page.locator('tbody tr').first().waitFor()
    expect(asked).toBe(1)
  })

  it('asks for nothing while a query is written', async () => {
    await open('/search?range=all')
    await page.getByRole('img', { name: 'Durations of 900 requests over time' }).waitFor()
    let asked = 0
    page.on('request', (request) => void (asked += request.url().includes('/aggregate') ? 1 : 0))
    const query = page.getByRole('combobox', { name: 'Query' })
    await query.pressSequentially('service:service-2')
    expect(asked).toBe(0)
    await query.press('Escape')
    await query.press('Enter')
    await expect.poll(() => page.locator('tbody tr').count(), { timeout: 30_000 }).toBe(7)
    expect(asked).toBe(1)
  })
  it('tells which errors there are, how often and where, and opens the latest', async () => {
    await open('/search?range=all')
    await page.getByRole('link', { name: 'Errors', exact: true }).click()
    const rows = page.getByRole('table', { name: 'Errors of spans' }).locator('tbody tr')
    await rows.first().waitFor()
    const failed = sent.flatMap((each, index) => (each.failed ? [{ ...each, index }] : []))
    const real = [
      { message: 'card <n> declined', all: failed.filter(({ index }) => index % 4 !== 1) },
      { message: 'connection refused', all: failed.filter(({ index }) => index % 4 === 1) },
    ].sort((a, b) => b.all.length - a.all.length)
    expect(await rows.count()).toBe(real.length)
    for (const [i, { message, all }] of real.entries()) {
      const cells = rows.nth(i).locator('th, td')
      expect(await cells.nth(0).textContent()).toContain(message)
      expect(await cells.nth(2).textContent()).toBe(String(all.length))
      const services = (await cells.nth(1).getAttribute('title'))!.split('\n').map((line) => line.split('  ')[0])
      expect(new Set(services)).toEqual(new Set(all.map(({ service }) => service)))
    }
    // The later a span was sent in the list, the earlier it began.
    const latest = spanOf(real[0]!.all[0]!, real[0]!.all[0]!.index)
    await rows.first().getByRole('link').click()
    await page.waitForURL(new RegExp(`/trace/${latest.traceId}.*span=${latest.spanId}`))
  })
})
