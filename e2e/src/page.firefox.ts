import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hex, sendCheckouts } from './checkouts.ts'
import { type Firefox, type FirefoxPage, startFirefox } from './firefox.ts'
import { eventually, type RunningSpoor, startSpoor } from './spoor.ts'
import { ms, sendTraces, span, traces } from './traces.ts'

/** Debian's, or another. */
const executable = process.env['FIREFOX_PATH'] ?? '/usr/bin/firefox-esr'
/** As WebDriver has it. */
const END = '\uE010'

let spoor: RunningSpoor
let firefox: Firefox
let page: FirefoxPage

describe('the page in Firefox', () => {
  beforeAll(async () => {
    firefox = await startFirefox(executable)
    spoor = await startSpoor()
    await sendCheckouts(spoor)
    page = await firefox.page()
  })
  afterAll(async () => {
    await firefox?.close()
    await spoor?.remove()
  })
  const has = (text: string, selector = 'main') =>
    `[...document.querySelectorAll('${selector}')].some((one) => one.textContent.includes(${JSON.stringify(text)}))`
  const rows = `document.querySelectorAll('[role=treegrid] [role=row]')`

  it('finds the slowest checkout, and says why', async () => {
    await page.go(`${spoor.page}/search?order=longest`)
    await page.until(`document.querySelector('[role=img][aria-label*="Durations of 160 requests"]')`)
    await page.click('[aria-label=Traces] a')
    await page.until(has('SELECT stock', '[aria-label=Verdict]'))
    expect(await page.value(`${rows}.length`)).toBe(6)
  })

  it('shows a trace in each of its views, laid out and written by workers', async () => {
    await page.go(`${spoor.page}/trace/${hex(4, 32)}?view=tree`)
    await page.until(`document.querySelectorAll('[data-node]').length === 6`)
    for (const [view, shows] of [
      ['Table', 'main table'],
      ['Flame', 'main canvas'],
      ['JSON', 'main [role=document]'],
    ] as const) {
      await page.click('nav[aria-label=Views] a', view)
      await page.until(`document.querySelector('${shows}')`)
    }
  })

  it('lays out the services, and shows pipelines and setup', async () => {
    await page.go(`${spoor.page}/services`)
    await page.until(`document.querySelectorAll('[data-node]').length === 4`)
    await page.go(`${spoor.page}/pipelines`)
    await page.until(`document.querySelector('[aria-label="receiver otlp"]')`)
    await page.go(`${spoor.page}/setup?for=java`)
    await page.until(has('-javaagent:'))
  })

  it('is live', async () => {
    await page.go(`${spoor.page}/search?live=1&q=service:newcomer`)
    await page.until(has('Shown as they come'))
    const ids = { traceId: hex(700, 32), spanId: hex(700, 16) }
    await sendTraces(spoor, traces('newcomer', [span({ ...ids, name: 'hello' })]))
    await page.until(has('hello', '[aria-label=Traces] a'))
  })

  it('shares a trace as one file, which opens from the disk', async () => {
    await page.go(`${spoor.page}/trace/${hex(4, 32)}`)
    await page.until(`${rows}.length === 6`)
    await page.click('button[title="Download and share"]')
    await page.click('[role=menuitem]', 'HTML')
    const file = await eventually('the file is saved', async () => {
      const name = (await readdir(firefox.downloads)).find((each) => each.endsWith('.html'))
      const path = name && join(firefox.downloads, name)
      return path && (await stat(path)).size > 100_000 ? path : undefined
    })
    await page.go(`file://${file}`)
    await page.until(has('SELECT stock', '[aria-label=Verdict]'))
    await page.click('nav[aria-label=Views] a', 'Tree')
    await page.until(`document.querySelectorAll('[data-node]').length === 6`)
  })

  it(
    'scrolls a trace of a million spans to its end: Firefox has a bound for heights',
    { timeout: 240_000 },
    async () => {
      const traceId = 'bb'.repeat(16)
      const [size, atOnce] = [1_000_000, 20_000]
      for (let from = 0; from < size; from += atOnce) {
        const spans = Array.from({ length: atOnce }, (_, at) => {
          const index = from + at
          return span({
            traceId,
            spanId: hex(size + index, 16),
            parentSpanId: index === 0 ? '' : hex(size + Math.floor((index - 1) / 10), 16),
            name: 'work',
            startTimeUnixNano: BigInt(Date.now()) * ms,
            endTimeUnixNano: BigInt(Date.now()) * ms + ms,
          })
        })
        await sendTraces(spoor, traces('bulk', spans))
      }
      await page.go(`${spoor.page}/trace/${traceId}`)
      // It is a hundred megabytes.
      await page.until(`${rows}.length > 0`, 100_000)
      await page.press(END)
      await page.until(`document.querySelector('[role=row][aria-selected=true]')`)
      const [place, index] = await page.value<[number, string]>(
        `(() => { const row = document.querySelector('[role=row][aria-selected=true]'); return [row.getBoundingClientRect().y, row.ariaRowIndex ?? row.getAttribute('aria-rowindex')] })()`,
      )
      expect([place > 0 && place < 900, index]).toEqual([true, String(size)])
    },
  )
})
