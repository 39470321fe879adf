/**
 * What a large trace costs the browser: `npm run page-cost`, on Linux, with a Chromium; two minutes. Each figure is the median of five browsers, without what a trace of one span
 * costs in the same run. CPU is of all threads of the renderer; milliseconds. `npm run page-cost -- 100000` takes that size alone.
 */
import type { Browser, Page } from 'playwright-core'
import { openBrowser, openPage } from '../browser.ts'
import { startSpoor } from '../spoor.ts'
import { giantId, sendGiant } from './giant.ts'
import { median } from './median.ts'
import { type Renderers, renderersOf } from './renderers.ts'

const rounds = 5
const sizes = process.argv.slice(2).map(Number)
if (sizes.length === 0) sizes.push(100_000, 1_000_000)

type Figures = Record<
  'open' | 'openMain' | 'wheel' | 'wheelMain' | 'hover' | 'hoverMain' | 'flame' | 'megabytes',
  number
>

const spoor = await startSpoor()
try {
  for (const size of [1, ...sizes]) await sendGiant(spoor, size)
  const empty = await measured(1)
  for (const size of sizes) {
    const figures = await measured(size)
    console.log(`${size.toLocaleString('en')} spans`)
    for (const [name, each] of Object.entries(figures) as [keyof Figures, number[]][]) {
      const less = /^(open|flame|mega)/.test(name) ? median(empty[name]) : 0
      const all = each.map((value) => (value - less).toFixed(1)).join('  ')
      console.log(`  ${name.padEnd(10)} ${(median(each) - less).toFixed(1).padStart(8)}   of ${all}`)
    }
  }
} finally {
  await spoor.remove()
}

async function measured(size: number): Promise<Record<keyof Figures, number[]>> {
  const figures: Record<string, number[]> = {}
  for (let round = 0; round < rounds; round++) {
    const browser = await openBrowser()
    try {
      for (const [name, value] of Object.entries(await measure(browser, size))) (figures[name] ??= []).push(value)
    } finally {
      await browser.close()
    }
  }
  return figures
}

async function measure(browser: Browser, size: number): Promise<Figures> {
  const { page } = await openPage(browser)
  const renderers = await renderersOf(browser)
  const open = await spent(page, renderers, async () => {
    await page.goto(`${spoor.page}/trace/${giantId(size)}`)
    await page.getByRole('row').first().waitFor({ timeout: 120_000 })
  })
  const wheels = size > 1 ? 40 : 0
  await page.mouse.move(700, 500)
  await settled(renderers)
  const wheel = await spent(page, renderers, async () => {
    for (let turn = 0; turn < wheels; turn++) {
      await page.mouse.wheel(0, 240)
      await frame(page)
    }
  })
  const hovers = size > 1 ? 40 : 0
  const hover = await spent(page, renderers, async () => {
    for (let move = 0; move < hovers; move++) {
      await page.mouse.move(700, 300 + (move % 20) * 24)
      await frame(page)
    }
  })
  const flame = await spent(page, renderers, async () => {
    await page.getByRole('navigation', { name: 'Views' }).getByText('Flame').click()
    await page.locator('main canvas').first().waitFor()
  })
  const collector = await page.context().newCDPSession(page)
  await collector.send('HeapProfiler.collectGarbage')
  await settled(renderers)
  return {
    open: open.all,
    openMain: open.main,
    wheel: wheel.all / wheels,
    wheelMain: wheel.main / wheels,
    hover: hover.all / hovers,
    hoverMain: hover.main / hovers,
    flame: flame.all,
    megabytes: (await renderers.residentBytes()) / 1e6,
  }
}

/** What something costs, with all that it leads to. */
async function spent(page: Page, renderers: Renderers, act: () => Promise<void>) {
  const before = await renderers.cpu()
  await act()
  await frame(page)
  await settled(renderers)
  const after = await renderers.cpu()
  return { all: after.all - before.all, main: after.main - before.main }
}

/** Waits until nothing much is done any more. */
async function settled(renderers: Renderers): Promise<void> {
  for (let last = 0, quiet = 0; quiet < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const { all } = await renderers.cpu()
    quiet = all - last < 10 ? quiet + 1 : 0
    last = all
  }
}

/** Waits until the page is drawn. */
async function frame(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))))
}
