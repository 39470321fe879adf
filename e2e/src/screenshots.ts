/**
 * Makes the pictures of the README: runs the real world once, then photographs the page that shows it. `npm run screenshots`; needs a Chromium.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBrowser, openPage } from './browser.ts'
import { eventually, freePorts, getJson, root, runProgram, worldFlags } from './spoor.ts'

const pictures = join(root, 'docs', 'pictures')
await mkdir(pictures, { recursive: true })
const state = await mkdtemp(join(tmpdir(), 'spoor-screenshots-'))
const { flags, page: url } = worldFlags(await freePorts(12), state)
const world = runProgram([join(root, 'examples', 'object-classification', 'dist', 'world.js'), ...flags, '--rate', '1'])
const browser = await openBrowser()

try {
  interface Search {
    traces: { traceId: string; services: unknown[]; durationNs: number }[]
  }
  const found = await eventually(
    'ten complete traces',
    async () => {
      const page = await getJson<Search>(`${url}/api/spoor/v1/search?q=service:client&limit=50`).catch(() => undefined)
      return page && page.traces.filter((trace) => trace.services.length === 6).length >= 10 ? page.traces : undefined
    },
    180_000,
    world.output,
  )
  const { traceId } = found.find((trace) => trace.services.length === 6)!
  const shots: { name: string; path: string; tab?: string; row?: string }[] = [
    { name: 'search', path: '/search?q=service%3Aclient' },
    { name: 'trace', path: `/trace/${traceId}`, row: 'classify in the background' },
    { name: 'tree', path: `/trace/${traceId}`, tab: 'Tree' },
  ]
  for (const theme of ['light', 'dark'] as const) {
    for (const shot of shots) {
      const { page } = await openPage(browser, { theme, width: 1280, height: 800 })
      await page.goto(`${url}${shot.path}`)
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
} finally {
  await browser.close()
  await world.stop('SIGINT')
  await rm(state, { recursive: true, force: true })
}
