import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { openBrowser, openPage } from './browser.ts'
import { type RunningSpoor, startSpoor } from './spoor.ts'

/** A Spoor and a browser for the tests of one suite, which each open a page, about which nothing in the browser may complain. */
export interface PageSuite {
  readonly spoor: RunningSpoor
  /** What was opened last. */
  readonly page: Page
  open(path: string): Promise<void>
}

/** To be called where the tests are described. `prepare`: what Spoor is to have before the first of them. */
export function pageSuite(prepare: (spoor: RunningSpoor) => Promise<void>): PageSuite {
  let spoor: RunningSpoor
  let browser: Browser
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    spoor = await startSpoor()
    browser = await openBrowser()
    await prepare(spoor)
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await spoor?.remove()
  })
  afterEach(async () => {
    await page.close()
    expect(complaints).toEqual([])
  })
  return {
    get spoor() {
      return spoor
    },
    get page() {
      return page
    },
    async open(path) {
      ;({ page, complaints } = await openPage(browser))
      await page.goto(`${spoor.page}${path}`)
    },
  }
}
