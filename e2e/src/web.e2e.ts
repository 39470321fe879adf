import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { noBrowser, openBrowser } from './browser.ts'
import {
  eventually,
  freePorts,
  getJson,
  type Program,
  root,
  runProgram,
  type RunningSpoor,
  startSpoor,
} from './spoor.ts'

// @spoor/web as pages have it: the built file for a script tag, in a real browser, in front of a service that is instrumented.

interface Span {
  readonly spanID: string
  readonly operationName: string
  readonly process: string
  readonly parent: string | undefined
  readonly tags: Readonly<Record<string, unknown>>
}
type Trace = readonly Span[]

describe.skipIf(noBrowser)('a page with @spoor/web', () => {
  let spoor: RunningSpoor
  let shop: Program
  let browser: Browser
  let origin: string
  let other: string
  let away: string
  const pages: Page[] = []

  beforeAll(async () => {
    spoor = await startSpoor()
    const [port, otherPort, nobody] = await freePorts(3)
    origin = `http://127.0.0.1:${port}`
    other = `http://127.0.0.1:${otherPort}`
    away = `http://127.0.0.1:${nobody}`
    shop = runProgram(['--import', '@spoor/instrument/register', join(import.meta.dirname, 'web-app.ts')], {
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_ENDPOINT: spoor.http,
      PORT: `${port}`,
      OTHER_PORT: `${otherPort}`,
      SPOOR_WEB: join(root, 'packages', 'web', 'dist', 'bundle', 'spoor-web.js'),
    })
    await eventually(
      'the shop answers',
      async () => (await fetch(`${origin}/api/up`).catch(() => undefined))?.ok || undefined,
      60_000,
      shop.output,
    )
    browser = await openBrowser()
  })
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close()
  })
  afterAll(async () => {
    await browser?.close()
    await shop?.stop()
    await spoor?.remove()
  })

  /** Opens the shop, whose page runs this; what the console said is beside it. */
  async function open(run: string, options: { to?: string; tag?: string; csp?: string } = {}) {
    const page = await browser.newPage()
    pages.push(page)
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    const query = new URLSearchParams({ to: spoor.http, run, ...options })
    await page.goto(`${origin}/?${query}`)
    return { page, said }
  }

  /** The traces that begin with a page’s load and have a span that is asked for. */
  async function traceWith(has: (trace: Trace) => boolean): Promise<Trace> {
    return eventually(
      'the trace',
      async () => (await traces()).find(has),
      60_000,
      () => `${shop.output()}\n${spoor.output()}`,
    )
  }
  async function traces(): Promise<Trace[]> {
    interface Found {
      data: {
        spans: {
          spanID: string
          operationName: string
          processID: string
          references: { spanID: string }[]
          tags: { key: string; value: unknown }[]
        }[]
        processes: Record<string, { serviceName: string }>
      }[]
    }
    const { data } = await getJson<Found>(`${spoor.page}/api/traces?service=shop-web&limit=100&lookback=1h`)
    return data.map(({ spans, processes }) =>
      spans.map(({ spanID, operationName, processID, references, tags }) => ({
        spanID,
        operationName,
        process: processes[processID]!.serviceName,
        parent: references[0]?.spanID,
        tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
      })),
    )
  }
  const calls = (trace: Trace, path: string) =>
    trace.filter(
      ({ process, tags }) => process === 'shop-web' && (tags['url.full'] as string | undefined)?.includes(path),
    )

  it('has one trace from the load of the document to the spans of the server, by fetch and by XHR', async () => {
    await open(`
      fetch('/api/by-fetch').then((response) => response.json()).then(() => fetch(new Request('/api/in-turn', { method: 'POST' })).catch(() => {}))
      const xhr = new XMLHttpRequest(); xhr.open('GET', '/api/by-xhr?token=secret'); xhr.send()`)
    const trace = await traceWith(
      (spans) =>
        ['/api/by-fetch', '/api/in-turn', '/api/by-xhr'].every((path) => calls(spans, path).length > 0) &&
        spans.filter(({ process }) => process === 'shop').length > 2,
    )
    const root = trace.find(({ operationName }) => operationName === 'documentLoad')!
    expect(root.parent).toBeUndefined()
    expect(trace.map(({ operationName }) => operationName)).toEqual(
      expect.arrayContaining(['documentFetch', 'resourceFetch']),
    )
    for (const path of ['/api/by-fetch', '/api/by-xhr']) {
      const [call] = calls(trace, path)
      expect(call).toMatchObject({
        parent: root.spanID,
        operationName: 'GET',
        tags: { 'http.response.status_code': 200, 'span.kind': 'client' },
      })
      const server = trace.find(({ process, parent }) => process === 'shop' && parent === call!.spanID)
      expect(server).toMatchObject({ operationName: 'GET /api/:what' })
    }
    expect(calls(trace, '/api/in-turn')[0]).toMatchObject({ parent: root.spanID, operationName: 'POST' })
    expect(calls(trace, '/api/by-xhr')[0]!.tags['url.full']).toBe(`${origin}/api/by-xhr?token=REDACTED`)
    expect(root.tags['session.id']).toMatch(/^\d+-\d+-\d+-\d+$/)
  })

  it('tells its own origin and those that are allowed of its trace, and nobody else', async () => {
    await open(`fetch('${other}/api/not-allowed')`)
    await open(`fetch('${other}/api/allowed')`, { tag: `data-propagate-to="${other}"` })
    const seen = await eventually('both calls', async () => {
      const all = await getJson<{ what: string; traceparent?: string }[]>(`${origin}/api/seen`)
      const found = ['not-allowed', 'allowed'].map((name) => all.find(({ what }) => what === name))
      return found.every((one) => one !== undefined) ? found : undefined
    })
    expect(seen[0]!.traceparent).toBeUndefined()
    expect(seen[1]!.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  })

  it('records what fails: a status, a call that nobody answers, an error, a rejection', async () => {
    await open(`
      fetch('/api/broken'); fetch('${away}/api/gone').catch(() => {})
      setTimeout(() => { throw new RangeError('too far') }); Promise.reject(new TypeError('not so'))`)
    const trace = await traceWith(
      (spans) =>
        ['TypeError', 'RangeError'].every((name) => spans.some(({ operationName }) => operationName === name)) &&
        calls(spans, '/api/gone').length > 0 &&
        calls(spans, '/api/broken').length > 0,
    )
    expect(calls(trace, '/api/broken')[0]!.tags).toMatchObject({ error: true, 'error.type': '500' })
    expect(calls(trace, '/api/gone')[0]!.tags).toMatchObject({ error: true, 'error.type': 'TypeError' })
  })

  it('loses nothing when it is closed in the middle of a call, and says which was not over', async () => {
    const { page } = await open(`for (let i = 0; i < 40; i++) fetch('/api/many-' + i); fetch('/api/never')`)
    await page.waitForFunction(
      () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/many-')).length === 40,
    )
    // The browser has asked Spoor whether this page may send: what it would have to ask as the page goes may be lost.
    await page.waitForFunction(
      () =>
        (window as unknown as { spoor: { tracing: { counts(): { sent: number } } } }).spoor.tracing.counts().sent > 0,
    )
    await page.close({ runBeforeUnload: true })
    const trace = await traceWith(
      (spans) => calls(spans, '/api/never').length > 0 && calls(spans, '/api/many-').length === 40,
    )
    expect(calls(trace, '/api/never')[0]!.tags).toMatchObject({ 'spoor.unfinished': true })
    expect(trace.find(({ operationName }) => operationName === 'web vitals')?.tags).toHaveProperty(
      'browser.web_vital.cls',
    )
  })

  it('is there when it is closed at once, before its browser has asked whether it may send', async () => {
    const names = Array.from({ length: 5 }, (_, index) => `/api/brief-${index}`)
    for (const name of names) {
      const { page } = await open(`fetch('${name}')`)
      await page.close({ runBeforeUnload: true })
    }
    for (const name of names) await traceWith((spans) => calls(spans, name).length > 0)
  })

  it('works on where nobody listens, says so once, and sends when Spoor is back', async () => {
    const { page, said } = await open(`fetch('/api/waits')`, { to: away })
    await expect
      .poll(() => said.filter((text) => text.startsWith('@spoor/web:')))
      .toEqual([
        expect.stringContaining(
          `no answer from ${away}/v1/traces: nothing listens there, or pages of ${origin} may not send to it (spoor --cors ${origin})`,
        ),
      ])
    expect(await page.evaluate(async () => (await fetch('/api/still')).status)).toBe(200)
    const counts = () =>
      page.evaluate(() =>
        (
          window as unknown as {
            spoor: { tracing: { counts(): { waiting: number; sent: number; dropped: number; ended: number } } }
          }
        ).spoor.tracing.counts(),
      )
    await expect.poll(async () => (await counts()).waiting).toBeGreaterThan(3)
    expect(await counts()).toMatchObject({ sent: 0, dropped: 0 })
    await page.route(`${away}/**`, (route) => route.continue({ url: `${spoor.http}/v1/traces` }))
    await expect.poll(async () => (await counts()).waiting, { timeout: 60_000 }).toBe(0)
    await traceWith((spans) => calls(spans, '/api/waits').length > 0)
  })

  it('says which line of a Content-Security-Policy is missing', async () => {
    const { page, said } = await open(`fetch('/api/csp')`, { csp: `default-src 'self' 'unsafe-inline' data:` })
    await expect
      .poll(() => said.filter((text) => text.startsWith('@spoor/web:')))
      .toEqual([
        `@spoor/web: the Content-Security-Policy of this page forbids to send to ${spoor.http}/v1/traces: write in it connect-src ${spoor.http}`,
      ])
    expect(await page.evaluate(async () => (await fetch('/api/still')).status)).toBe(200)
    // The line works.
    const mended = await open(`fetch('/api/csp-mended')`, {
      csp: `default-src 'self' 'unsafe-inline' data:; connect-src 'self' ${spoor.http}`,
    })
    await traceWith((spans) => calls(spans, '/api/csp-mended').length > 0)
    expect(mended.said).toEqual([])
  })
})
