import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { noBrowser, openBrowser, openPage } from './browser.ts'
import { hex, sendCheckouts } from './checkouts.ts'
import { type RunningSpoor, startSpoor } from './spoor.ts'

describe.skipIf(noBrowser)('axe', () => {
  let spoor: RunningSpoor
  let browser: Browser
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    spoor = await startSpoor()
    browser = await openBrowser()
    await sendCheckouts(spoor)
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

  it('has nothing that axe finds, in any view, light and dark', { timeout: 120_000 }, async () => {
    const slow = hex(4, 32)
    for (const path of [
      '/search',
      '/search?panel=bottleneck',
      `/trace/${slow}`,
      `/trace/${slow}?view=tree`,
      `/trace/${slow}?view=table`,
      `/trace/${slow}?view=flame`,
      `/compare?left=${hex(1, 32)}&right=${slow}`,
      '/compare?a=service:shop&b=service:shop+duration>300ms&rest=true',
      '/services?service=stock',
      '/services?show=list',
      '/pipelines',
    ]) {
      if (page && !page.isClosed()) await page.close()
      await open(path)
      await page.waitForLoadState('networkidle').catch(() => {})
      await page.evaluate(axe.source)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        const found = await page.evaluate(async () => {
          const { violations } = await (window as unknown as { axe: typeof axe }).axe.run()
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
        })
        expect([path, colorScheme, ...found]).toEqual([path, colorScheme])
      }
    }
  })
})
