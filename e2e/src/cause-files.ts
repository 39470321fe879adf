import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { decodeTraces, encodeTraces } from '@spoor/otlp'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { hex } from './checkouts.ts'
import type { PageSuite } from './page-suite.ts'

/** A slow checkout, and an id that no trace has. */
const slow = hex(4, 32)
const other = 'ab'.repeat(16)

const spanRows = (page: Page) => page.getByRole('treegrid', { name: 'Spans' }).getByRole('row')

async function download(page: Page, form: string): Promise<Buffer> {
  await page.getByRole('button', { name: 'Download and share' }).click()
  const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: form }).click()])
  return readFile(await saved.path())
}

/** Drops a file on the page. */
async function drop(page: Page, name: string, content: Buffer): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ name, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      const transfer = new DataTransfer()
      transfer.items.add(new File([bytes], name))
      return transfer
    },
    { name, base64: content.toString('base64') },
  )
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer })
}

/** The eighth task: a trace leaves as a file, and comes as one. */
export function fileTests(at: PageSuite): void {
  it('8: downloads a trace, and shows a file that a colleague sent, which only goes to the store when asked to', async () => {
    await at.open(`/trace/${slow}`)
    await spanRows(at.page).first().waitFor()
    const jaeger = JSON.parse((await download(at.page, 'Jaeger JSON')).toString()) as { data: { spans: unknown[] }[] }
    expect(jaeger.data[0]!.spans).toHaveLength(6)
    const otlp = await download(at.page, 'OTLP protobuf')
    const stored = await fetch(`${at.spoor.page}/api/spoor/v1/traces/${slow}`)
    expect(decodeTraces(otlp)).toEqual(decodeTraces(new Uint8Array(await stored.arrayBuffer())))
    const json = (await download(at.page, 'OTLP JSON')).toString()
    expect(json.match(/"spanId"/g)).toHaveLength(6)

    // As another installation would have it: one of these spans has an id that is no id.
    const elsewhere = json
      .replaceAll(slow, other)
      .replace('{"resourceSpans":[', `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${other}"}]}]},`)
    const sent: string[] = []
    at.page.on('request', (request) => {
      if (request.method() !== 'GET') sent.push(new URL(request.url()).pathname)
    })
    await drop(at.page, 'checkout.json.gz', gzipSync(elsewhere))
    await at.page.waitForURL(new RegExp(`/trace/${other}\\?file=checkout\\.json\\.gz`))
    await at.page.getByLabel('Verdict').getByText('SELECT stock').waitFor()
    expect(await spanRows(at.page).count()).toBe(6)
    await at.page.getByRole('link', { name: 'A part of it cannot be shown' }).waitFor()
    expect(sent).toEqual([])
    expect((await fetch(`${at.spoor.page}/api/spoor/v1/traces/${other}`)).status).toBe(404)

    await at.page.getByRole('button', { name: 'Keep it in the store' }).click()
    await at.page.getByRole('link', { name: 'Show it from there' }).click()
    await expect.poll(() => at.page.url()).not.toContain('file=')
    await spanRows(at.page).nth(5).waitFor()
    expect(sent).toEqual(['/api/spoor/v1/traces'])
  })

  it('8: lists the traces of a file, says what of it cannot be shown, and that it is gone after a reload', async () => {
    const all = await fetch(`${at.spoor.page}/api/spoor/v1/traces/${hex(1, 32)}`)
    const first = Buffer.from(await all.arrayBuffer())
    const second = encodeTraces({
      resourceSpans: decodeTraces(first).resourceSpans.map((each) => ({
        ...each,
        scopeSpans: each.scopeSpans.map((scope) => ({
          ...scope,
          spans: scope.spans.map((span) => ({ ...span, traceId: other.replace('a', 'c') })),
        })),
      })),
    })
    await at.open('/services')
    const picker = at.page.locator('input[type=file]')
    await picker.waitFor({ state: 'attached' })
    const buffer = Buffer.concat([first, second, Buffer.from([0x0a, 0x7f])])
    await picker.setInputFiles({ name: 'two.pb', mimeType: 'application/octet-stream', buffer })
    await at.page.waitForURL(/\/file\?name=two\.pb/)
    const listed = at.page.getByRole('list', { name: 'Traces of the file' }).getByRole('listitem')
    await listed.nth(1).waitFor()
    expect(await listed.count()).toBe(2)
    await at.page.getByText('it ends in the middle of the message that begins here').waitFor()
    await listed.nth(1).getByRole('link').click()
    await spanRows(at.page).first().waitFor()
    await at.page.getByRole('link', { name: 'one of 2 traces' }).waitFor()
    await at.page.reload()
    await at.page.getByRole('heading', { name: 'two.pb is not open' }).waitFor()
  })

  it('8: shares a span exactly as it is seen, in one file that opens without any network', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spoor-shared-'))
    try {
      const span = hex(3 * 16 + 4, 16)
      await at.open('/setup')
      // As the services got their colours in this browser, and in no other.
      await at.page.evaluate(() => {
        const owners = Array.from({ length: 40 }, (_, slot) => ['mail', 'stock', 'cart', 'shop'][slot] ?? null)
        localStorage.setItem('spoor.service-colors', JSON.stringify(owners))
      })
      await at.page.goto(`${at.spoor.page}/trace/${slow}?span=${span}&zoom=0-700000000`)
      await spanRows(at.page).first().waitFor()
      const seen = await at.page.getByLabel('Verdict').textContent()
      const colours = await spanRows(at.page).evaluateAll((rows) =>
        rows.map((row) => row.outerHTML.match(/--hue: ?\d+/)?.[0]),
      )
      expect(new Set(colours).size).toBe(4)
      await at.page.getByRole('button', { name: 'Download and share' }).click()
      const [saved] = await Promise.all([
        at.page.waitForEvent('download'),
        at.page.getByRole('menuitem', { name: /HTML/ }).click(),
      ])
      const file = join(folder, 'shared.html')
      await saved.saveAs(file)
      expect(await readFile(file, 'utf8')).toContain(`content="default-src 'none';`)

      const context = await at.page
        .context()
        .browser()!
        .newContext({ offline: true, viewport: { width: 1440, height: 900 } })
      const page = await context.newPage()
      const wrong: string[] = []
      page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()))
      page.on('pageerror', (error) => wrong.push(String(error)))
      page.on('request', (request) => {
        if (!/^(file|blob|data):/.test(request.url())) wrong.push(request.url())
      })
      await page.goto(`file://${file}`)
      await spanRows(page).first().waitFor()
      const shown = await page.getByLabel('Verdict').textContent()
      // But for the way to another trace of the store.
      expect(seen).toBe(`${shown}Compare with a typical one`)
      expect(page.url()).toMatch(new RegExp(`#/trace/${slow}\\?span=${span}&zoom=0-700000000$`))
      expect(await page.getByRole('row', { selected: true }).textContent()).toContain('SELECT stock')
      expect(
        await spanRows(page).evaluateAll((rows) => rows.map((row) => row.outerHTML.match(/--hue: ?\d+/)?.[0])),
      ).toEqual(colours)
      await page.keyboard.press('2')
      await page.locator('[data-node]').nth(5).waitFor()
      await page.keyboard.press('5')
      await page.getByRole('document', { name: 'OTLP/JSON' }).getByText('"resourceSpans"').waitFor()
      const again = await download(page, 'OTLP protobuf')
      const stored = await fetch(`${at.spoor.page}/api/spoor/v1/traces/${slow}`)
      expect(decodeTraces(again)).toEqual(decodeTraces(new Uint8Array(await stored.arrayBuffer())))
      expect(wrong).toEqual([])
      await context.close()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}
