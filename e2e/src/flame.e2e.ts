import type { Span } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { noBrowser } from './browser.ts'
import { hex } from './checkouts.ts'
import { pageSuite } from './page-suite.ts'
import type { RunningSpoor } from './spoor.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

/** A span of a request, in milliseconds from its start, and those below it. */
interface Call {
  readonly service: string
  readonly name: string
  readonly from: number
  readonly to: number
  readonly failed?: boolean
  readonly calls?: readonly Call[]
}

/** So many frames are told one by one. */
const maxFrames = 1000
const steps = 1010

/** Orders that ask the shop side by side, reads that ask the store, some of them the cache before, and one run with more call paths than are told one by one. */
const requests: readonly Call[] = [
  ...Array.from({ length: 60 }, (_, i): Call => {
    const end = 30 + (i % 7)
    const shops = Array.from({ length: 1 + (i % 3) }, (_, n): Call => {
      const to = end - 2 - n
      return {
        service: 'shop',
        name: 'reserve',
        from: 4,
        to,
        failed: i % 5 === 1,
        calls: [{ service: 'bank', name: 'pay "now"', from: 6, to: to - 5 - (i % 4), failed: i % 5 === 1 && n === 0 }],
      }
    })
    return { service: 'web', name: 'POST /order', from: 0, to: end, calls: shops }
  }),
  ...Array.from({ length: 40 }, (_, i): Call => {
    const cache: Call = { service: 'cache', name: 'get', from: 1, to: 3 + (i % 2) }
    const store: Call = { service: 'shop', name: 'reserve', from: 5, to: 9 + (i % 6) }
    return { service: 'web', name: 'GET /item', from: 0, to: 20, calls: i % 4 === 0 ? [cache, store] : [store] }
  }),
  {
    service: 'batch',
    name: 'run',
    from: 0,
    to: 1015,
    calls: Array.from({ length: steps }, (_, n): Call => ({ service: 'batch', name: `step ${n}`, from: n, to: n + 1 })),
  },
]

const idOf = (index: number) => hex(index + 1, 32)

async function sendRequests(spoor: RunningSpoor): Promise<void> {
  const spans = new Map<string, Span[]>()
  let next = 0
  const add = (call: Call, request: number, parentSpanId: string): void => {
    const spanId = hex(++next, 16)
    const start = now - BigInt(request) * 2_000n * ms
    const one = span({
      traceId: idOf(request),
      spanId,
      parentSpanId,
      name: call.name,
      kind: parentSpanId === '' ? 2 : 1,
      startTimeUnixNano: start + BigInt(call.from) * ms,
      endTimeUnixNano: start + BigInt(call.to) * ms,
      status: { code: call.failed ? 2 : 0, message: '' },
    })
    spans.set(call.service, [...(spans.get(call.service) ?? []), one])
    for (const below of call.calls ?? []) add(below, request, spanId)
  }
  requests.forEach((request, index) => add(request, index, ''))
  for (const [service, own] of spans) await sendTraces(spoor, traces(service, own))
}

/** A call path as a person counts it: all calls of one service and name below the same. Milliseconds. */
class Path {
  calls = 0
  errors = 0
  total = 0
  self = 0
  readonly traces = new Map<string, number>()
  readonly below = new Map<string, Path>()
  readonly name: string
  constructor(name: string) {
    this.name = name
  }

  at(...names: string[]): Path {
    const [first, ...rest] = names
    return first === undefined ? this : this.below.get(first)!.at(...rest)
  }

  add(call: Call, traceId: string): void {
    const key = `${call.service} ${call.name}`
    const path = this.below.get(key) ?? new Path(key)
    this.below.set(key, path)
    const lasts = call.to - call.from
    path.calls++
    path.errors += call.failed ? 1 : 0
    path.total += lasts
    path.traces.set(traceId, (path.traces.get(traceId) ?? 0) + lasts)
    for (let at = call.from; at < call.to; at++) {
      if (!call.calls?.some(({ from, to }) => from <= at && at < to)) path.self++
    }
    for (const below of call.calls ?? []) path.add(below, traceId)
  }

  /** How wide it has to be to hold what is below it. */
  width(by: 'total' | 'self'): number {
    const below = [...this.below.values()].reduce((sum, path) => sum + path.width(by), 0)
    return by === 'self' ? this.self + below : Math.max(this.total, below)
  }

  sorted(): Path[] {
    return [...this.below.values()].sort((a, b) => b.total - a.total)
  }

  /** With all below it, the level before each; those of the run are counted apart. */
  rows(level: number): [level: number, path: Path][] {
    const below = this.sorted().filter(({ name }) => !name.startsWith('batch step'))
    return [[level, this], ...below.flatMap((path) => path.rows(level + 1))]
  }
}

const top = new Path('')
requests.forEach((request, index) => top.add(request, idOf(index)))
const order = top.at('web POST /order')
const reserve = order.at('shop reserve')

/** `1.20 s` and `143 ms`, in milliseconds. */
const toMs = (text: string) => Number.parseFloat(text.replaceAll(',', '')) * (/\d\s*s$/.test(text) ? 1000 : 1)
/** Times are shown with three digits. */
const isAbout = (shown: string, real: number) => Math.abs(toMs(shown) - real) <= real * 0.005

describe.skipIf(noBrowser)('the flame graph of all that matches', () => {
  const at = pageSuite(sendRequests)
  const graph = () => at.page.getByRole('img', { name: /^Call paths of/ })
  const tip = () => graph().locator('xpath=..').locator('[aria-live]')
  const levelHeight = 22
  const openGraph = async (more = '') => {
    await at.open(`/search?range=all&panel=flame${more}`)
    await graph().waitFor()
  }
  /** Where a path's middle is by the widths of a naive count; only the most of each level are asked for. */
  const place = async (by: 'total' | 'self', ...names: string[]) => {
    let path = top
    let from = 0
    for (const name of names) {
      for (const other of path.sorted()) {
        if (other.name === name) break
        from += other.width(by)
      }
      path = path.at(name)
    }
    const all = [...top.below.values()].reduce((sum, each) => sum + each.width(by), 0)
    const { width } = (await graph().boundingBox())!
    return { x: ((from + path.width(by) / 2) / all) * width, y: (names.length - 0.5) * levelHeight }
  }
  const told = ({ calls, total, errors, traces: of }: Path) =>
    new RegExp(
      `${calls} calls · total ${total >= 1000 ? (total / 1000).toFixed(2) : total} m?s.*${errors} errors · in ${of.size} traces`,
    )

  it('has the calls, times, errors and traces of a naive count, path by path, and says what it leaves out', async () => {
    await at.open('/search?range=all&panel=flame&flame=table')
    const rows = at.page.getByRole('table', { name: `Call paths of ${requests.length} traces` }).locator('tbody tr')
    await rows.first().waitFor()
    const shown = await rows.evaluateAll((all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent.trim().replaceAll(/\s+/g, ' '))),
    )
    const run = shown.findIndex(([path]) => path === 'batch run')
    const paths = top.rows(0).slice(1)
    const left = paths.length + steps - maxFrames
    expect(shown).toHaveLength(maxFrames + 1)
    expect(shown[run + 1 + steps - left]!.slice(0, 2)).toEqual([`Level 2: ${left} more paths`, `${left}`])
    const others = shown.filter(([path]) => !/batch step|more paths/.test(path!))
    expect(others).toHaveLength(paths.length)
    for (const [index, [level, path]] of paths.entries()) {
      const [name, calls, total, self, , errors, of, longest] = others[index]!
      expect([name, calls, errors, of]).toEqual([
        `${level > 1 ? `Level ${level}: ` : ''}${path.name}`,
        `${path.calls}`,
        path.errors > 0 ? `${path.errors}` : '',
        `${path.traces.size}`,
      ])
      expect(isAbout(total!, path.total), `${name}: total ${total}, not ${path.total}`).toBe(true)
      expect(isAbout(self!, path.self), `${name}: self ${self}, not ${path.self}`).toBe(true)
      expect(isAbout(longest!, Math.max(...path.traces.values())), `${name}: longest ${longest}`).toBe(true)
    }
    const sum = requests.reduce((all, { to }) => all + to, 0)
    const line = await at.page.getByText(/requests of .* together/).textContent()
    expect(line).toContain(`${requests.length} traces · requests of ${(sum / 1000).toFixed(2)} s together`)
    expect(line).toContain(`${left} more with less time`)
  })

  it('is as wide as its time, tells what is under the pointer, and zooms by a click', async () => {
    await openGraph()
    const names = ['web POST /order', 'shop reserve', 'bank pay "now"']
    const pay = order.at(...names.slice(1))
    await graph().hover({ position: await place('total', ...names) })
    await expect.poll(() => tip().textContent()).toMatch(told(pay))
    await graph().hover({ position: await place('total', 'web GET /item', 'cache get') })
    await expect.poll(() => tip().textContent()).toContain('cache get')
    await graph().click({ position: await place('total', ...names) })
    await at.page.getByRole('button', { name: 'Show all' }).waitFor()
    // It fills the width, and so do those above.
    const { width } = (await graph().boundingBox())!
    for (const x of [3, width - 3]) {
      await graph().hover({ position: { x, y: 2.5 * levelHeight } })
      await expect.poll(() => tip().textContent()).toMatch(told(pay))
      await graph().hover({ position: { x, y: 1.5 * levelHeight } })
      await expect.poll(() => tip().textContent()).toMatch(told(reserve))
    }
    await at.page.keyboard.press('Escape')
    await expect.poll(() => at.page.getByRole('button', { name: 'Show all' }).count()).toBe(0)
    await graph().click({ position: await place('total', ...names) })
    await graph().dblclick({ position: { x: width / 2, y: 1.5 * levelHeight } })
    await expect.poll(() => at.page.getByRole('button', { name: 'Show all' }).count()).toBe(0)
    await at.page.getByRole('button', { name: 'Self' }).click()
    await at.page.waitForURL(/flame=self/)
    await graph().hover({ position: await place('self', ...names.slice(0, 2)) })
    await expect.poll(() => tip().textContent()).toMatch(told(reserve))
  })

  it('leads to the longest trace, and to all that have such a span, whichever spans were asked for', async () => {
    const q = encodeURIComponent('service:bank duration>=15ms')
    await openGraph(`&q=${q}`)
    await graph().click({ position: { x: 50, y: levelHeight / 2 } })
    const told = at.page.getByRole('link', { name: /^Longest trace/ })
    const asked = requests.map(({ calls = [] }) =>
      calls.some(({ calls: [pay] = [] }) => pay !== undefined && pay.to - pay.from >= 15),
    )
    const slowest = requests.reduce((best, { to }, i) => (asked[i] && to > best ? to : best), 0)
    const id = (await told.getAttribute('title'))!
    expect(requests[Number.parseInt(id, 16) - 1]!.to).toBe(slowest)
    await at.page.getByRole('link', { name: 'Search these' }).click()
    await expect
      .poll(() => at.page.getByRole('combobox', { name: 'Query' }).inputValue())
      .toBe('{ service:bank duration>=15ms } && { service:web name:"POST /order" }')
    const found = asked.filter(Boolean).length
    expect(found).toBeLessThan(60)
    await at.page.getByText(`${found} traces`, { exact: true }).waitFor()
    await graph().click({ position: { x: 50, y: levelHeight / 2 } })
    await told.click()
    await at.page.waitForURL(new RegExp(`/trace/${id}`))
  })

  it('is walked by keys', async () => {
    await openGraph()
    await at.page.getByRole('group', { name: /^Call paths: arrow keys/ }).focus()
    const press = async (key: string, expected: string) => {
      await at.page.keyboard.press(key)
      await expect.poll(() => tip().textContent()).toContain(expected)
    }
    await press('ArrowDown', top.sorted()[0]!.name)
    await press('ArrowDown', 'shop reserve')
    await press('ArrowDown', 'bank pay "now"')
    await press('ArrowUp', 'shop reserve')
    await at.page.keyboard.press('Enter')
    await at.page.getByRole('button', { name: 'Show all' }).waitFor()
    await press('ArrowDown', 'bank pay "now"')
    await at.page.keyboard.press('Escape')
    await expect.poll(() => at.page.getByRole('button', { name: 'Show all' }).count()).toBe(0)
    expect(at.page.url()).not.toContain('/trace/')
  })

  it('says that it is of the last of them where there are more', async () => {
    await at.open('/search?range=all')
    // The store is asked for fewer, as if it had more than it folds.
    await at.page.route(/v1\/flame$/, (route) => route.continue({ url: `${route.request().url()}?traces=50` }))
    await at.page.getByRole('link', { name: 'Flame', exact: true }).click()
    await at.page.getByText(/^The last 50 traces of those that match/).waitFor()
  })
})
