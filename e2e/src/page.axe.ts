import axe from 'axe-core'
import { describe, expect, it } from 'vitest'
import { noBrowser } from './browser.ts'
import { hex, sendCheckouts } from './checkouts.ts'
import { pageSuite } from './page-suite.ts'

describe.skipIf(noBrowser)('axe', () => {
  const at = pageSuite(sendCheckouts)

  it('has nothing that axe finds, in any view, light and dark', { timeout: 120_000 }, async () => {
    const slow = hex(4, 32)
    for (const path of [
      '/search',
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
      '/search?live=1',
      '/file?name=none.json',
    ]) {
      if (at.page && !at.page.isClosed()) await at.page.close()
      await at.open(path)
      await at.page.waitForLoadState('networkidle').catch(() => {})
      await at.page.evaluate(axe.source)
      for (const colorScheme of ['light', 'dark'] as const) {
        await at.page.emulateMedia({ colorScheme })
        const found = await at.page.evaluate(async () => {
          const { violations } = await (window as unknown as { axe: typeof axe }).axe.run()
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
        })
        expect([path, colorScheme, ...found]).toEqual([path, colorScheme])
      }
    }
  })
})
