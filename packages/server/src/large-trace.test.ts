import { once } from 'node:events'
import { openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { countSpans } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestOf, spanIdOf, startTestSpoor, string, type TestSpoor, traceIdOf } from './testkit.ts'

const SPANS = 100_000
const SPANS_EACH = 2_000
/** The most CPU time between two turns of the loop: this much, in milliseconds, or this part of all that the answer takes. */
const MAX_STOP_MS = 50
const MAX_STOP_SHARE = 0.06
const giant = traceIdOf(0x91a47)

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
  for (let first = 1; first <= SPANS; first += SPANS_EACH) {
    const spans = Array.from({ length: SPANS_EACH }, (_, index) => ({
      traceId: giant,
      spanId: spanIdOf(first + index),
      parentSpanId: first + index === 1 ? '' : spanIdOf(Math.max(1, Math.floor((first + index) / 3))),
      name: `operation ${index % 50}`,
      attributes: [string('http.route', `/api/orders/${index}`), string('payload', 'x'.repeat(200))],
    }))
    expect((await spoor.post(requestOf(`service ${first % 7}`, spans))).status).toBe(200)
  }
}, 120_000)
afterAll(async () => {
  await spoor.remove()
})

/**
 * The longest that others had to wait for this thread from now until it is asked, and all that it worked, in milliseconds of its CPU time: those
 * of the clock would be those of whatever else runs on the machine, too.
 */
function watchStops(): () => { longestMs: number; allMs: number } {
  const msOf = ({ user, system } = process.threadCpuUsage()): number => (user + system) / 1000
  const began = msOf()
  let longestMs = 0
  let before = began
  const look = (): void => {
    const now = msOf()
    longestMs = Math.max(longestMs, now - before)
    before = now
  }
  const timer = setInterval(look, 5)
  return () => {
    clearInterval(timer)
    look()
    return { longestMs, allMs: before - began }
  }
}

/** Reads an answer without keeping it. */
async function drain(path: string): Promise<{ status: number | undefined; bytes: number; tail: string }> {
  const request = get(`${spoor.urls.page}${path}`)
  // What it ends with is seen where the answer is read.
  request.on('error', () => {})
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let bytes = 0
  let tail = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    tail = (tail + chunk.subarray(-2000).toString()).slice(-2000)
  }
  return { status: response.statusCode, bytes, tail }
}

describe('a trace of 100,000 spans', () => {
  it.each([
    [`/api/spoor/v1/traces/${giant}/report`, 1],
    [`/api/spoor/v1/search?q=${giant}`, 100],
    [`/api/spoor/v1/traces/${giant}?format=json`, SPANS * 200],
    [`/api/spoor/v1/traces/${giant}`, SPANS * 200],
    [`/api/traces/${giant}`, SPANS * 200],
    [`/api/v3/traces/${giant}`, SPANS * 200],
  ])('never stops the main thread for long: %s', async (path, leastBytes) => {
    const stops = watchStops()
    const { status, bytes } = await drain(`${path}${path.includes('?') ? '&' : '?'}timeout=1m`)
    const { longestMs, allMs } = stops()
    expect(status).toBe(200)
    expect(bytes).toBeGreaterThan(leastBytes)
    expect(longestMs).toBeGreaterThan(0)
    expect(longestMs).toBeLessThan(Math.max(MAX_STOP_MS, MAX_STOP_SHARE * allMs))
  })

  it('is given whole', async () => {
    const { tail } = await drain(`/api/traces/${giant}`)
    expect(tail).toMatch(/"warnings":null\}\],"total":0,"limit":0,"offset":0,"errors":null\}$/)
    const bytes = new Uint8Array(await (await spoor.get(`/api/spoor/v1/traces/${giant}`)).arrayBuffer())
    expect(countSpans(bytes)).toBe(SPANS)
  })

  it('is not made faster than its client takes it', async () => {
    const { hostname, port } = new URL(spoor.urls.page)
    const paths = [`/api/traces/${giant}?raw=true`, `/api/spoor/v1/traces/${giant}`, `/api/v3/traces/${giant}`]
    const before = process.memoryUsage().arrayBuffers
    const sockets = paths.map((path) => {
      const socket = connect(Number(port), hostname).pause()
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      return socket
    })
    await delay(1500)
    // Each of them would be some 40 MB; what is held is chunks.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60e6)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => running(), { timeout: 10_000 }).toBe(0)
  })

  it('of which a part is damaged never looks whole', async () => {
    damageLog(spoor.data)
    const jaeger = await drain(`/api/traces/${giant}?raw=true`)
    expect(jaeger.tail).toMatch(/"errors":\[\{"msg":"the trace is not complete: [^"]+","traceID":"/)
    for (const path of [
      `/api/spoor/v1/traces/${giant}`,
      `/api/spoor/v1/traces/${giant}?format=json`,
      `/api/v3/traces/${giant}`,
    ]) {
      await expect(drain(path)).rejects.toThrow(/aborted|reset/i)
    }
    // Who reads until the connection ends must not see it end in order.
    const { hostname, port } = new URL(spoor.urls.page)
    const socket = connect(Number(port), hostname)
    socket.write(`GET /api/spoor/v1/traces/${giant} HTTP/1.0\r\nHost: localhost\r\n\r\n`)
    socket.resume()
    const end = await new Promise((resolve) => {
      socket.once('end', () => resolve('end'))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    })
    expect(end).toBe('ECONNRESET')
  })
})

it('stops by its deadline though a client takes nothing of its answer', async () => {
  const { hostname, port } = new URL(spoor.urls.page)
  const socket = connect(Number(port), hostname).pause()
  socket.on('error', () => {})
  socket.write(`GET /api/spoor/v1/traces/${giant} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await expect.poll(() => running(), { timeout: 10_000 }).toBe(1)
  const before = performance.now()
  await spoor.stop(3000)
  expect(performance.now() - before).toBeLessThan(8_000)
  socket.destroy()
})

/** Queries of all lanes that are being answered. */
async function running(): Promise<number> {
  const metrics = await (await spoor.get('/metrics')).text()
  return [...metrics.matchAll(/^spoor_queries_running\{.*\} (\d+)$/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  )
}

/** Turns over bytes in the middle of the largest log, under the running store. */
function damageLog(directory: string): void {
  const [log] = readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(directory, name))
    .sort((a, b) => statSync(b).size - statSync(a).size)
  const file = openSync(log!, 'r+')
  const bytes = new Uint8Array(4096)
  const at = Math.floor(statSync(log!).size * 0.6)
  readSync(file, bytes, 0, bytes.length, at)
  writeSync(
    file,
    bytes.map((byte) => byte ^ 0xff),
    0,
    bytes.length,
    at,
  )
}
