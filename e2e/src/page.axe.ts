import axe from 'axe-core'
import { describe, expect, it } from 'vitest'
import { noBrowser } from './browser.ts'
import { hex, sendCheckouts } from './checkouts.ts'
import { pageSuite } from './page-suite.ts'

describe.skipIf(noBrowser)('axe', () => {
  const at = pageSuite(async (spoor) => {
    await sendCheckouts(spoor)
    // Somebody has a mistake that is told on the page.
    await fetch(`${spoor.http}/v1/traces`, { method: 'POST', headers: { 'user-agent': 'mistaken/1' } })
  })

  /** Looks at what is shown, light and dark. */
  async function look(what: string): Promise<void> {
    await at.page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => {})
    await at.page.evaluate(axe.source)
    for (const colorScheme of ['light', 'dark'] as const) {
      await at.page.emulateMedia({ colorScheme })
      const found = await at.page.evaluate(async () => {
        const { violations } = await (window as unknown as { axe: typeof axe }).axe.run()
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
      })
      expect([what, colorScheme, ...found]).toEqual([what, colorScheme])
    }
  }

  it('has nothing that axe finds, in any view, light and dark', { timeout: 180_000 }, async () => {
    const slow = hex(4, 32)
    for (const path of [
      '/search',
      '/search?live=1',
      '/search?panel=bottleneck',
      '/search?panel=flame',
      '/search?panel=flame&flame=table',
      `/trace/${slow}`,
      `/trace/${slow}?view=tree`,
      `/trace/${slow}?view=table`,
      `/trace/${slow}?view=flame`,
      `/compare?left=${hex(1, 32)}&right=${slow}`,
      '/compare?a=service:shop&b=service:shop+duration>300ms&rest=true',
      '/services?service=stock',
      '/services?show=list',
      '/pipelines',
      '/setup?for=browser',
    ]) {
      if (at.page && !at.page.isClosed()) await at.page.close()
      await at.open(path)
      await look(path)
    }
    await at.page.getByRole('button', { name: /to mend/ }).click()
    await at.page.getByRole('dialog', { name: 'To mend' }).getByRole('listitem').first().waitFor()
    await look('what is to be mended')
    await at.page.keyboard.press('Escape')
    // Two traces, and the beginning of a third.
    const parts = [1, 2].map(async (trace) => {
      const answer = await fetch(`${at.spoor.page}/api/spoor/v1/traces/${hex(trace, 32)}`)
      return new Uint8Array(await answer.arrayBuffer())
    })
    const buffer = Buffer.concat([...(await Promise.all(parts)), Buffer.from([0x0a, 0x7f])])
    await at.page.locator('input[type=file]').setInputFiles({ name: 'two.pb', mimeType: '', buffer })
    await at.page.getByRole('list', { name: 'Traces of the file' }).waitFor()
    await look('a file')
    await at.page.getByRole('list', { name: 'Traces of the file' }).getByRole('link').first().click()
    await at.page.getByRole('treegrid', { name: 'Spans' }).waitFor()
    await look('a trace of a file')
  })
})
