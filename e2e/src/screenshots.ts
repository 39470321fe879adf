/**
 * Makes the pictures of the README: of the real world, run once, and of a market of 41 services over six hours; photographs the page that shows them. `npm run screenshots`; needs
 * a Chromium. `npm run screenshots -- search` makes those pictures alone.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { openBrowser, openPage } from './browser.ts'
import { eventually, freePorts, getJson, root, runProgram, spoorMain, startSpoor, worldFlags } from './spoor.ts'

interface Shot {
  readonly name: string
  readonly path: string
  /** What is clicked before: a tab, and then a row with that text. */
  readonly tab?: string
  readonly row?: string
}

/** Spans of the market: 20,000 traces. */
const marketSpans = 400_000

const wanted = process.argv.slice(2)
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name)
const pictures = join(root, 'docs', 'pictures')
await mkdir(pictures, { recursive: true })
const browser = await openBrowser()
try {
  if (isWanted('search')) await photographMarket(browser)
  if (isWanted('trace') || isWanted('tree')) await photographWorld(browser)
} finally {
  await browser.close()
}

/** Many requests of many services. */
async function photographMarket(browser: Browser): Promise<void> {
  const spoor = await startSpoor()
  try {
    const options = ['--endpoint', `http://${spoor.grpc}`, '--shape', 'market', '--seed', '1']
    const load = runProgram([spoorMain, 'loadgen', ...options, '--spans', `${marketSpans}`, '--over', '6h'])
    await eventually('the market is sent', async () => load.child.exitCode ?? undefined, 600_000, load.output)
    if (load.child.exitCode !== 0) throw new Error(`loadgen ended with ${load.child.exitCode}\n${load.output()}`)
    await photograph(browser, spoor.page, [{ name: 'search', path: '/search?range=6h' }])
  } finally {
    await spoor.remove()
  }
}

/** One request of the example. */
async function photographWorld(browser: Browser): Promise<void> {
  const state = await mkdtemp(join(tmpdir(), 'spoor-screenshots-'))
  const { flags, page } = worldFlags(await freePorts(12), state)
  const main = join(root, 'examples', 'object-classification', 'dist', 'world.js')
  const world = runProgram([main, ...flags, '--rate', '1'])
  try {
    interface Search {
      traces: { traceId: string; services: unknown[] }[]
    }
    const found = await eventually(
      'ten complete traces',
      async () => {
        const url = `${page}/api/spoor/v1/search?q=service:client&limit=50`
        const answer = await getJson<Search>(url).catch(() => undefined)
        const complete = answer?.traces.filter((trace) => trace.services.length === 6) ?? []
        return complete.length >= 10 ? complete : undefined
      },
      180_000,
      world.output,
    )
    const { traceId } = found[0]!
    await photograph(browser, page, [
      { name: 'trace', path: `/trace/${traceId}`, row: 'classify in the background' },
      { name: 'tree', path: `/trace/${traceId}`, tab: 'Tree' },
    ])
  } finally {
    await world.stop('SIGINT')
    await rm(state, { recursive: true, force: true })
  }
}

async function photograph(browser: Browser, url: string, shots: readonly Shot[]): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    for (const shot of shots.filter(({ name }) => isWanted(name))) {
      const { page } = await openPage(browser, { theme, width: 1280, height: 800 })
      await page.goto(`${url}${shot.path}`)
      await page.waitForLoadState('networkidle')
      await page.waitForTimeout(1000)
      if (shot.tab) await page.getByRole('link', { name: shot.tab }).click()
      if (shot.row) await page.getByRole('row').filter({ hasText: shot.row }).first().click()
      await page.waitForTimeout(800)
      const path = join(pictures, `${shot.name}-${theme}.png`)
      await page.screenshot({ path })
      console.log(path)
      await page.close()
    }
  }
}
