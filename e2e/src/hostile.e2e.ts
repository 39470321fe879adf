import type { KeyValue } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { noBrowser } from './browser.ts'
import { hex } from './checkouts.ts'
import { pageSuite } from './page-suite.ts'
import type { RunningSpoor } from './spoor.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

/** Turns the direction of all that follows, is markup, has a zero byte and lines. */
const hostile = (word: string) => `${word} \u202Egpj.exe <img src=x onerror="window.wasHacked=1">\0\n</script>"'`
const long = 'm'.repeat(1_000_000)
const text = (key: string, value: string): KeyValue => ({ key, value: { type: 'string', value } })
const traceId = hex(7, 32)
const otherId = hex(8, 32)

async function sendHostile(spoor: RunningSpoor): Promise<void> {
  for (const [id, after] of [
    [traceId, 40n],
    [otherId, 60n],
  ] as const) {
    const at = Number.parseInt(id, 16) * 100
    const root = span({
      traceId: id,
      spanId: hex(at, 16),
      name: hostile('root'),
      kind: 2,
      endTimeUnixNano: now + after * ms,
      attributes: [text(hostile('key'), hostile('value')), text('user.id', hostile('user')), text('long', long)],
      status: { code: 2, message: hostile('status') },
      traceState: `a=${'b'.repeat(300)}`,
      events: [
        {
          timeUnixNano: now + ms,
          name: 'exception',
          attributes: [
            text('exception.type', hostile('Error')),
            text('exception.message', hostile('message')),
            text('exception.stacktrace', `${hostile('at')}\n    at evil ${hostile('file')}`),
          ],
          droppedAttributesCount: 0,
        },
        { timeUnixNano: now + 2n * ms, name: hostile('event'), attributes: [], droppedAttributesCount: 0 },
      ],
      links: [
        {
          traceId: hex(9, 32),
          spanId: hex(9, 16),
          traceState: '',
          attributes: [text(hostile('key'), hostile('link'))],
          droppedAttributesCount: 0,
          flags: 0,
        },
      ],
    })
    const child = (number: number, name: string, attributes: KeyValue[] = []) =>
      span({ traceId: id, spanId: hex(at + number, 16), parentSpanId: hex(at, 16), name, kind: 3, attributes })
    const many = Array.from({ length: 10_000 }, (_, index) => text(`key ${index} ${hostile('k')}`, hostile('v')))
    await sendTraces(spoor, traces(hostile('service'), [root, child(1, long), child(2, 'many', many)]))
    await sendTraces(
      spoor,
      traces(hostile('callee'), [
        span({
          traceId: id,
          spanId: hex(at + 3, 16),
          parentSpanId: hex(at + 1, 16),
          name: hostile('call'),
          kind: 2,
          status: { code: 2, message: long },
        }),
        span({ traceId: id, spanId: hex(at + 4, 16), parentSpanId: hex(999, 16), name: hostile('orphan') }),
        span({
          traceId: id,
          spanId: hex(at + 5, 16),
          parentSpanId: hex(at, 16),
          name: hostile('late'),
          endTimeUnixNano: now + 90n * ms,
        }),
      ]),
    )
    await sendTraces(spoor, traces(long, [child(6, hostile('far'))]))
  }
}

/** Where a text turns the direction of what follows it and is not its own, in what is read and in what is told. */
function leaks(): string[] {
  const turn = '\u202E'
  const found: string[] = []
  const isOver = (whole: string) => {
    // What of a hostile text comes after the turn ends with its last quote, or where it was cut.
    const after = whole.slice(whole.lastIndexOf(turn)).replace(/^\u202Egpj\.exe[^]*?(?:"'|…|$)/, '')
    return /[\p{L}\p{N}]/u.test(after)
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.textContent?.includes(turn)) continue
    let element = node.parentElement!
    const isBound = (style: CSSStyleDeclaration) =>
      style.unicodeBidi.startsWith('isolate') || style.unicodeBidi === 'plaintext' || style.display !== 'inline'
    while (!isBound(getComputedStyle(element)) && element.parentElement) element = element.parentElement
    // Of a block only what is in lines with it: another block begins anew.
    const inLine = [...element.childNodes]
      .filter(
        (child) =>
          child instanceof Text ||
          (child instanceof Element &&
            getComputedStyle(child).display === 'inline' &&
            !isBound(getComputedStyle(child))),
      )
      .map((child) => child.textContent)
    if (isOver(inLine.join('')))
      found.push(`<${element.tagName.toLowerCase()} class=${element.className}> ${inLine.join('').slice(0, 200)}`)
  }
  for (const element of document.querySelectorAll('[title], [aria-label]')) {
    for (const name of ['title', 'aria-label']) {
      const value = element.getAttribute(name) ?? ''
      if (value.includes(turn) && isOver(value)) found.push(`${name}: ${value.slice(0, 200)}`)
      if (value.length > 20_000) found.push(`${name} of ${value.length} characters`)
    }
  }
  if (document.title.includes(turn)) found.push(`title of the page: ${document.title.slice(0, 100)}`)
  return found
}

describe.skipIf(noBrowser)('what spans say', () => {
  const suite = pageSuite(sendHostile)
  const q = encodeURIComponent('status:error')

  it.each([
    ['groups', `/search?q=${q}`, 'main'],
    ['errors', '/search?panel=errors', '[aria-label=Traces] a'],
    ['bottleneck', '/search?panel=bottleneck', '[aria-label=Traces] a'],
    ['the flame graph of many', '/search?panel=flame', 'main canvas'],
    ['the flame graph as a table', '/search?panel=flame&flame=table', 'main table'],
    ['timeline and a span', `/trace/${traceId}?span=${hex(700, 16)}`, '[role=treegrid] [role=row]'],
    ['a span with 10,000 attributes', `/trace/${traceId}?span=${hex(702, 16)}`, '[role=treegrid] [role=row]'],
    ['the tree', `/trace/${traceId}?view=tree`, '[data-node]'],
    ['the table', `/trace/${traceId}?view=table`, 'main table'],
    ['the flame graph', `/trace/${traceId}?view=flame`, 'main canvas'],
    ['JSON', `/trace/${traceId}?view=json`, 'main [role=document]'],
    ['two traces', `/compare?left=${traceId}&right=${otherId}`, '[role=row]'],
    ['the services', '/services', '[data-node]'],
    ['a service', `/services?service=${encodeURIComponent(hostile('callee'))}`, '[data-node]'],
    ['the pipelines', '/pipelines', '[aria-label="receiver otlp"]'],
    ['the setup', '/setup', 'main h1'],
  ])('turns, breaks and runs nothing in %s', { timeout: 120_000 }, async (_, path, ready) => {
    await suite.open(path)
    const { page } = suite
    await page.locator(ready).first().waitFor({ timeout: 60_000 })
    await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null)
    expect(await page.evaluate(leaks)).toEqual([])
    expect(await page.evaluate(() => 'wasHacked' in globalThis || document.querySelector('img[src=x]') !== null)).toBe(
      false,
    )
    // Of many rows, lines and attributes those in sight.
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(8_000)
    // Nothing sticks out of the window.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
  })
})
