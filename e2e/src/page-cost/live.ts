/**
 * Whether a page that is left open stays as it is: `npm run page-live`, ten minutes; `npm run page-live -- 60` for an hour. A search that is live and a trace that is still growing are
 * open while `spoor loadgen` sends a market and the trace gets a span a second. Heap after collection in megabytes, nodes and listeners of each page; ends with 1 when the
 * last third has more than the middle third by a tenth.
 */
import type { CDPSession } from 'playwright-core'
import { openBrowser, openPage } from '../browser.ts'
import { hex } from '../checkouts.ts'
import { runProgram, spoorMain, startSpoor } from '../spoor.ts'
import { ms, sendTraces, span, traces } from '../traces.ts'
import { median } from './median.ts'

const minutes = Number(process.argv[2] ?? 10)
const samples = 30
const spansPerSecond = 300
const traceId = hex(1, 32)

const spoor = await startSpoor()
const options = ['--endpoint', `http://${spoor.grpc}`, '--shape', 'market', '--rate', String(spansPerSecond)]
const load = runProgram([spoorMain, 'loadgen', ...options, '--duration', `${minutes + 1}m`])
const browser = await openBrowser()
let sent = 0
const growing = setInterval(() => void grow(), 1000)
let hasGrown = false
try {
  await grow()
  const pages = [
    await opened('search', '/search?live=1'),
    await opened('errors', '/search?live=1&panel=errors'),
    await opened('trace', `/trace/${traceId}`),
  ]
  console.log(`minutes  ${pages.map(({ name }) => `${name}: heap MB, nodes, listeners`.padEnd(38)).join('')}`)
  for (let sample = 0; sample < samples; sample++) {
    await new Promise((resolve) => setTimeout(resolve, (minutes * 60_000) / samples))
    const texts = []
    for (const page of pages) texts.push((await page.sample()).padEnd(38))
    console.log(`${(((sample + 1) * minutes) / samples).toFixed(1).padStart(7)}  ${texts.join('')}`)
  }
  for (const { name, heaps } of pages) {
    const third = samples / 3
    const [middle, last] = [heaps.slice(third, 2 * third), heaps.slice(2 * third)].map(median) as [number, number]
    const grew = last > middle * 1.1
    hasGrown ||= grew
    console.log(`${name}: ${middle.toFixed(2)} MB, then ${last.toFixed(2)} MB${grew ? ': it has grown' : ''}`)
  }
} finally {
  clearInterval(growing)
  await browser.close()
  await load.stop()
  await spoor.remove()
}
process.exitCode = hasGrown ? 1 : 0

/** One more span for the trace, which ends now. */
async function grow(): Promise<void> {
  const now = BigInt(Date.now()) * ms
  const spanId = hex(++sent, 16)
  const parentSpanId = sent === 1 ? '' : hex(1, 16)
  const [startTimeUnixNano, endTimeUnixNano] = [now - 500n * ms, now]
  const one = span({ traceId, spanId, parentSpanId, name: `step ${sent % 9}`, startTimeUnixNano, endTimeUnixNano })
  await sendTraces(spoor, traces('growing', [one]))
}

async function opened(name: string, path: string) {
  const { page } = await openPage(browser)
  await page.goto(`${spoor.page}${path}`)
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const heaps: number[] = []
  return { name, heaps, sample: () => sampled(session, heaps) }
}

async function sampled(session: CDPSession, heaps: number[]): Promise<string> {
  await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  const of = (wanted: string) => metrics.find(({ name }) => name === wanted)!.value
  heaps.push(of('JSHeapUsedSize') / 1e6)
  return [heaps.at(-1)!.toFixed(2), of('Nodes'), of('JSEventListeners')].map((text) => String(text).padEnd(9)).join('')
}
