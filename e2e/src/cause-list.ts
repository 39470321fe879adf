import { decodeTraces } from '@spoor/otlp'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { hex, requests } from './checkouts.ts'
import type { PageSuite } from './page-suite.ts'

/** The list as a whole: its columns, as a file, and searches that are kept. */
export function listTests(at: PageSuite): void {
  const choose = async (menu: string, item: string | RegExp) => {
    await at.page.getByRole('button', { name: menu, exact: true }).click()
    await at.page.getByRole('menuitem', { name: item }).click()
  }
  const saved = async (item: string | RegExp) => {
    const [download] = await Promise.all([at.page.waitForEvent('download'), choose('export', item)])
    return readFile(await download.path())
  }

  it('saves what a search finds as a file: all of it, in its order', async () => {
    await at.open('/search?order=longest&q=root.name:"POST /checkout"')
    await at.page.getByText(`${requests} traces`, { exact: true }).waitFor()
    const lines = (await saved(/^CSV/)).toString().trimEnd().split('\r\n')
    expect(lines).toHaveLength(1 + requests)
    expect(lines[1]).toMatch(/,shop,POST \/checkout,640000000,900000000,1540000000,6,0,0,/)
    const json = JSON.parse((await saved(/^JSON/)).toString()) as { traceId: string }[]
    expect(new Set(json.map(({ traceId }) => traceId)).size).toBe(requests)
    await at.open('/search?q=order.id:ord-1003')
    await at.page.getByText('1 trace', { exact: true }).waitFor()
    const otlp = decodeTraces(await saved(/^OTLP/))
    const spans = otlp.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    expect([spans.length, spans[0]!.traceId]).toEqual([6, hex(4, 32)])
  })

  it('has the columns that were chosen, and the searches that were kept, another day, too', async () => {
    await at.open('/search?q=region:eu-2&range=6h')
    const list = at.page.getByRole('list', { name: 'Traces' }).getByRole('listitem')
    await list.first().waitFor()
    expect(await list.first().textContent()).not.toContain('900 ms after the answer')
    await choose('columns', 'After the answer')
    await list.first().getByText('after the answer').waitFor({ state: 'attached' })
    expect(await list.first().textContent()).toContain('900 ms after the answer')
    await choose('columns', 'Services')
    expect(await list.first().textContent()).not.toContain('services')
    await choose('searches', 'Keep this search')

    await at.page.goto(`${at.spoor.page}/search?q=service:mail`)
    await list.first().waitFor()
    expect(await list.first().textContent()).toContain('900 ms after the answer')
    await choose('searches', 'region:eu-2 · last 6h')
    await at.page.waitForURL(/q=region(:|%3A)eu-2/)
    await at.page.getByText(`${requests / 8} traces`, { exact: true }).waitFor()
    await choose('searches', 'service:mail · last 1h')
    await at.page.waitForURL(/q=service(:|%3A)mail/)
  })
}
