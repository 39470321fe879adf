import { mkdir } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser, Page, Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { noBrowser, openBrowser, openPage } from './browser.ts'
import { type RunningSpoor, startSpoor } from './spoor.ts'

// What the page shows when a part of it, or the server, fails. Each test breaks something, reads what is said of it, mends it, and takes the way out.

const traceId = 'cc'.repeat(16)
/** Where pictures of the failures go, for a person to look at; none are made without it. */
const pictures = process.env['SPOOR_PICTURES']

let spoor: RunningSpoor
let browser: Browser
let page: Page

async function send(count: number, id = traceId, service = 'shop'): Promise<void> {
  const start = Date.now() - 1000
  const spans = Array.from({ length: count }, (_, index) => ({
    traceId: id,
    spanId: (index + 1).toString(16).padStart(16, '0'),
    parentSpanId: index === 0 ? '' : '0000000000000001',
    name: `step ${index}`,
    startTimeUnixNano: `${start + index}000000`,
    endTimeUnixNano: `${start + index + 5}000000`,
  }))
  const resource = (name: string) => ({ attributes: [{ key: 'service.name', value: { stringValue: name } }] })
  const resourceSpans = [
    { resource: resource(service), scopeSpans: [{ spans: spans.slice(0, 1) }] },
    { resource: resource(`${service}-bank`), scopeSpans: [{ spans: spans.slice(1) }] },
  ]
  const response = await fetch(`${spoor.http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans }),
  })
  expect(response.status).toBe(200)
}

/** Opens a page on which the routes given are taken over until `page.unrouteAll()`. */
async function open(path: string, routes: Readonly<Record<string, (route: Route) => Promise<void>>> = {}) {
  ;({ page } = await openPage(browser, { width: 1100, height: 600 }))
  for (const [glob, handler] of Object.entries(routes)) await page.route(glob, handler)
  await page.goto(`${spoor.page}${path}`)
}

async function picture(name: string): Promise<void> {
  if (pictures === undefined) return
  await mkdir(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`) })
}

const alert = (title: string | RegExp) =>
  page.getByRole('alert').filter({ has: page.getByRole('heading', { name: title }) })
const again = () => page.getByRole('button', { name: 'Try again' })
/** Takes the way out, unless the page has tried again by itself meanwhile, as it does after what passes and when Spoor answers again. */
const tryAgain = () =>
  again()
    .click({ timeout: 2000 })
    .catch(() => {})
const rows = () => page.getByRole('treegrid', { name: 'Spans' }).getByRole('row')
/** A search's answer in lines, as the page asks for it. */
const linesOf = (traces: unknown[], end: object) => ({
  contentType: 'application/x-ndjson',
  body: [
    { type: 'traces', traces },
    { type: 'end', ...end },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join(''),
})
/** What the server finds, for a test to answer otherwise with it. */
const found = async (route: Route): Promise<{ traces: unknown[]; complete: boolean }> =>
  (await route.fetch({ headers: { accept: 'application/json' } })).json() as Promise<never>
const script = (body: string) => (route: Route) => route.fulfill({ contentType: 'text/javascript', body })
/** The worker as it is, but that it ends when it should answer. */
const dying = async (route: Route) => {
  const code = await (await route.fetch()).text()
  const fault = `const { postMessage } = MessagePort.prototype
MessagePort.prototype.postMessage = function (message, transfer) {
  if (message.kind === 'reply') setTimeout(() => close(), 100)
  else postMessage.call(this, message, transfer)
};`
  await route.fulfill({ contentType: 'text/javascript', body: fault + code })
}
const api = '**/api/spoor/v1'

describe.skipIf(noBrowser)('when something fails, the page says so and has a way out', () => {
  beforeAll(async () => {
    browser = await openBrowser()
    spoor = await startSpoor()
    await send(4)
  })
  afterAll(async () => {
    await browser?.close()
    await spoor?.remove()
  })
  afterEach(async () => {
    await page?.close()
  })

  /** The three workers, each by the view that waits for it. */
  const workers = [
    {
      file: 'layout',
      path: `/trace/${traceId}?view=tree`,
      title: 'The tree cannot be laid out',
      shows: '[data-node]',
    },
    {
      file: 'json',
      path: `/trace/${traceId}?view=json`,
      title: 'The trace cannot be shown as JSON',
      shows: 'role=document',
    },
    { file: 'load', path: `/trace/${traceId}`, title: 'The trace cannot be shown', shows: 'role=treegrid' },
    {
      file: 'layout',
      path: '/services?range=1h',
      title: 'The services cannot be laid out',
      shows: '[data-node]',
    },
  ]
  const faults = [
    { name: 'cannot be loaded', fault: (route: Route) => route.abort(), says: /could not be loaded/ },
    {
      name: 'is not there any more',
      fault: (route: Route) => route.fulfill({ status: 404, body: '' }),
      says: /could not be loaded/,
    },
    { name: 'throws while it starts', fault: script('throw new Error("bad start")'), says: /bad start/ },
    {
      name: 'throws at work',
      fault: script('onmessage = () => { throw new RangeError("too deep") }'),
      says: /too deep/,
    },
    { name: 'dies before it has answered', fault: dying, says: /ended by the browser/ },
  ]
  // All of them are asked in one way: the first one shows each fault, the others that they are asked in that way.
  describe.each(workers)('the $file worker at $path', ({ file, path, title, shows }) => {
    it.each(path === workers[0]!.path ? faults : faults.slice(-1))('$name', async ({ name, fault, says }) => {
      await open(path, { [`**/assets/${file}.worker-*.js`]: fault })
      await alert(title).getByText(says).waitFor()
      await picture(`worker-${file}-${name.replaceAll(' ', '-')}${path.startsWith('/dep') ? '-services' : ''}`)
      await page.unrouteAll()
      await again().click()
      await page.locator(shows).first().waitFor()
      expect(await page.getByRole('alert').count()).toBe(0)
    })
  })

  it.each(['onmessage = () => {}', 'close()', 'for (;;) {}'])(
    'gives up a worker that says nothing (%s)',
    async (code) => {
      ;({ page } = await openPage(browser))
      await page.route('**/assets/load.worker-*.js', script(code))
      await page.clock.install()
      await page.goto(`${spoor.page}/trace/${traceId}`)
      await page.getByText('Loading the trace').waitFor({ state: 'attached' })
      await page.clock.fastForward(59_000)
      expect(await page.getByRole('alert').count()).toBe(0)
      await page.clock.fastForward(2_000)
      await alert('The trace cannot be shown').getByText('has not answered for 60 s').waitFor()
      await page.unrouteAll()
      // With the clock, whatever else the page waits for was moved ahead too: it may have tried again by itself, with a worker as silent as the first.
      await page.clock.fastForward(61_000)
      await tryAgain()
      await rows().first().waitFor()
    },
  )

  it('folds a tree that cannot be laid out, and leads back to the timeline', async () => {
    await open(`/trace/${traceId}?view=tree`, { '**/assets/layout.worker-*.js': (route) => route.abort() })
    await alert('The tree cannot be laid out').getByRole('link', { name: 'Show the timeline' }).click()
    await rows().first().waitFor()
  })

  describe.each([
    {
      what: 'the search',
      path: '/search',
      route: `${api}/search*`,
      title: 'The search failed',
      shows: 'role=listitem',
    },
    {
      what: 'a trace',
      path: `/trace/${traceId}`,
      route: `${api}/traces/*`,
      title: 'The trace cannot be shown',
      shows: 'role=treegrid',
    },
    {
      what: 'the services',
      path: '/services',
      route: `${api}/dependencies*`,
      title: 'The services cannot be shown',
      shows: '[data-node]',
    },
  ])('$what', ({ what, path, route, title, shows }) => {
    const explained = { error: { code: 'busy', message: 'the store is busy: 64 queries wait' } }
    const faults = [
      {
        name: 'no answer',
        fault: (request: Route) => request.abort('connectionrefused'),
        says: /does not answer.*still running/,
      },
      {
        name: '503 with the reason',
        fault: (request: Route) => request.fulfill({ status: 503, headers: { 'retry-after': '7' }, json: explained }),
        says: /64 queries wait\. Spoor asks to wait 7 s/,
      },
      {
        name: '502 of something between',
        fault: (request: Route) => request.fulfill({ status: 502, body: '<h1>Bad' }),
        says: /502/,
      },
      {
        name: 'another program’s answer',
        fault: (request: Route) => request.fulfill({ contentType: 'text/html', body: '<p>' }),
        says: /text\/html/,
      },
    ]
    // As above: the search shows each fault.
    it.each(path === '/search' ? faults : faults.slice(1, 2))('$name', async ({ name, fault, says }) => {
      await open(path, { [route]: fault })
      await alert(title).getByText(says).waitFor()
      await picture(`${what} ${name}`.replaceAll(/[^a-z0-9]+/gi, '-'))
      await page.unrouteAll()
      await tryAgain()
      await page.locator(shows).first().waitFor()
      expect(await page.getByRole('alert').count()).toBe(0)
    })
  })

  it('keeps a notice in its place while it tries again by itself', async () => {
    let asked = 0
    await open(`/trace/${traceId}`, {
      [`${api}/traces/*`]: async (route) => {
        asked++
        await new Promise((done) => setTimeout(done, 200))
        await route.fulfill({ status: 404, json: { error: { code: 'not_found', message: 'not in the store' } } })
      },
    })
    await page.getByRole('heading', { name: 'No such trace' }).waitFor()
    await page.evaluate(() => {
      new MutationObserver(() => {
        if (!document.body.textContent.includes('No such trace')) document.title = 'gone'
      }).observe(document.body, { childList: true, subtree: true })
    })
    await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(2)
    expect(await page.title()).not.toBe('gone')
  })

  it('shows what it has when a later answer fails, and says that it is old', async () => {
    const id = 'cd'.repeat(16)
    await send(3, id)
    await open(`/trace/${id}`)
    await rows().nth(2).waitFor()
    await page.route(`${api}/traces/*`, (route) =>
      route.fulfill({ status: 503, json: { error: { code: 'busy', message: 'busy now' } } }),
    )
    await page.getByText('Not up to date: busy now').waitFor()
    await picture('trace-not-up-to-date')
    expect(await rows().count()).toBe(3)
    await page.unrouteAll()
    await page.getByText('Not up to date').waitFor({ state: 'detached' })
  })

  it('tells of a search that was stopped, with and without traces', async () => {
    const answer = (traces: unknown[]) =>
      linesOf(traces, { complete: false, spansScanned: 9_000_000, elapsedMs: 10_000 })
    let asked = 0
    await open('/search', {
      [`${api}/search*`]: (route) => {
        asked++
        return route.fulfill(answer([]))
      },
    })
    await page.getByRole('heading', { name: 'Nothing found so far' }).waitFor()
    await picture('search-stopped')
    expect(await page.getByText('No trace matches').count()).toBe(0)
    // A search that had to stop is not asked again and again by itself.
    const before = asked
    await page.waitForTimeout(3000)
    expect(asked).toBe(before)
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Search again' }).click()
    await page.getByRole('listitem').first().waitFor()

    await page.route(`${api}/search*`, async (route) => {
      const { traces } = await found(route)
      await route.fulfill(answer(traces))
    })
    await page.reload()
    await page.getByText(/Stopped after 10,000 ms: there may be more/).waitFor()
    await picture('search-stopped-with-traces')
  })

  it('asks for a further page of the list that failed only when it is wanted', async () => {
    let asked = 0
    await open('/search', {
      [`${api}/search*`]: async (route) => {
        if (route.request().url().includes('cursor=')) {
          asked++
          await route.fulfill({ status: 503, json: { error: { code: 'busy', message: 'busy now' } } })
        } else {
          const { traces, ...end } = await found(route)
          await route.fulfill(linesOf(traces, { ...end, next: 'further' }))
        }
      },
    })
    await page.getByText('More could not be loaded: busy now').waitFor()
    await picture('search-no-more')
    await page.waitForTimeout(1000)
    expect(asked).toBe(1)
    await again().click()
    await expect.poll(() => asked).toBe(2)
  })

  it('tells of a part whose code does not come, and tries again', async () => {
    await open(`/trace/${traceId}`, { '**/assets/tree-view-*.js': (route) => route.abort() })
    await page.getByRole('link', { name: 'Tree' }).click()
    await alert('The tree could not be loaded').waitFor()
    await picture('part-tree')
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Reload the page' }).click()
    await page.locator('[data-node]').first().waitFor()
  })

  it('stays when a page’s code does not come, and when a dialog’s does not', async () => {
    await open('/search', {
      '**/assets/services-page-*.js': (route) => route.abort(),
      '**/assets/help-dialog-*.js': (route) => route.abort(),
    })
    await page.getByRole('link', { name: 'Services', exact: true }).click()
    await alert('The services page could not be loaded').waitFor()
    await picture('part-page')
    await page.getByRole('link', { name: 'Search', exact: true }).click()
    await page.getByRole('listitem').first().waitFor()
    await page.getByRole('button', { name: 'Keyboard and query help' }).click()
    await alert('The help could not be loaded').waitFor()
    await picture('part-dialog')
    await page.getByRole('button', { name: 'Close' }).click()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it.each([
    { name: 'does not come', fault: (route: Route) => route.abort(), says: /did not come/ },
    { name: 'does not start', fault: script('throw new Error("bad start")'), says: /bad start/ },
  ])('is not blank when the code of the whole page $name', async ({ name, fault, says }) => {
    await open('/search', { '**/assets/index-*.js': fault })
    await alert('The page could not be loaded').getByText(says).waitFor()
    await picture(`whole-${name.replaceAll(' ', '-')}`)
    await page.unrouteAll()
    await again().click()
    await page.getByRole('listitem').first().waitFor()
  })

  it('stands up from an answer of another shape', async () => {
    await open('/services', { [`${api}/dependencies*`]: (route) => route.fulfill({ json: { edges: 7 } }) })
    await alert('This page came upon an error').waitFor()
    await picture('page-error')
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Reload the page' }).click()
    await page.locator('[data-node]').first().waitFor()
  })

  it('says that completions are missing, and takes the query all the same', async () => {
    await open('/search', { [`${api}/attributes*`]: (route) => route.fulfill({ status: 503, body: '' }) })
    const query = page.getByRole('combobox', { name: 'Query' })
    await query.pressSequentially('ser')
    await page.getByText(/cannot be offered here/).waitFor()
    await picture('completions')
  })
})

/** A server that passes what it is asked on to Spoor, but for what `take` takes. */
async function between(
  take: (...args: Parameters<RequestListener>) => boolean,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    if (take(request, response)) return
    fetch(`${spoor.page}${request.url}`, {
      headers: { accept: request.headers.accept ?? '*/*', 'accept-encoding': 'identity' },
    })
      .then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
        // As it comes: what is live has no end.
        for await (const chunk of answer.body ?? []) response.write(chunk)
        response.end()
      })
      .catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe.skipIf(noBrowser)('when an answer breaks off', () => {
  beforeAll(async () => {
    browser = await openBrowser()
    spoor = await startSpoor()
    await send(200)
  })
  afterAll(async () => {
    await browser?.close()
    await spoor?.remove()
  })

  it.each([
    {
      what: 'a trace',
      path: `/trace/${traceId}`,
      cut: '/traces/',
      title: 'The trace cannot be shown',
      shows: 'role=treegrid',
    },
    { what: 'the search', path: '/search', cut: '/search?', title: 'The search failed', shows: 'role=listitem' },
  ])('says so of $what, and takes nothing for the whole', async ({ what, path, cut, title, shows }) => {
    let isCutting = true
    const { server, url } = await between((request, response) => {
      if (!isCutting || !request.url?.includes(`/v1${cut}`)) return false
      const type = cut === '/traces/' ? 'application/x-protobuf' : 'application/x-ndjson'
      response.writeHead(200, { 'content-type': type, 'transfer-encoding': 'chunked' })
      response.write('{"traces":[')
      setTimeout(() => response.destroy(), 100)
      return true
    })
    ;({ page } = await openPage(browser, { width: 1100, height: 600 }))
    await page.goto(`${url}${path}`)
    // A busy page hears of the end before it has read what came.
    await alert(title)
      .getByText(/broke off after (0|11) bytes/)
      .waitFor()
    await picture(`cut ${what}`.replaceAll(' ', '-'))
    isCutting = false
    await tryAgain()
    await page.locator(shows).first().waitFor()
    await page.close()
    server.closeAllConnections()
    server.close()
  })

  it('is live again when Spoor is back, with what it had and with what came meanwhile', async () => {
    let isGone = false
    const { server, url } = await between((request, response) => {
      if (!isGone || !request.url?.startsWith('/api/')) return false
      response.destroy()
      return true
    })
    ;({ page } = await openPage(browser, { width: 1100, height: 600 }))
    await page.goto(`${url}/search?live=1`)
    const shown = page.getByRole('list', { name: 'Traces' }).getByRole('listitem')
    await page.getByText('Shown as they come').waitFor()
    await expect.poll(() => shown.count()).toBe(1)
    isGone = true
    server.closeAllConnections()
    await page.getByText(/^Nothing comes: .*It is tried again/).waitFor()
    await picture('live-gone')
    expect(await shown.count()).toBe(1)
    await send(3, 'ef'.repeat(16), 'meanwhile')
    isGone = false
    await shown.filter({ hasText: 'meanwhile' }).waitFor()
    await send(3, 'f0'.repeat(16), 'afterwards')
    await shown.filter({ hasText: 'afterwards' }).waitFor()
    expect(await page.getByText('Nothing comes').count()).toBe(0)
    await page.close()
    server.closeAllConnections()
    server.close()
  })

  it('comes back by itself when Spoor does', async () => {
    let isGone = true
    const { server, url } = await between((request, response) => {
      if (!isGone || !request.url?.startsWith('/api/')) return false
      response.destroy()
      return true
    })
    ;({ page } = await openPage(browser, { width: 1100, height: 600 }))
    await page.goto(`${url}/services`)
    await alert('The services cannot be shown').waitFor()
    await page.getByText('no answer').waitFor()
    isGone = false
    await page.locator('[data-node]').first().waitFor()
    await page.close()
    server.closeAllConnections()
    server.close()
  })
})
