import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { serve } from '../../service/serve.ts'
import { IDEAL, Link } from './link.ts'
import type { LinkConditions } from './link.ts'
import { startRelay } from './relay.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** An echo of what is posted, behind a relay. */
async function echo(
  conditions: Partial<LinkConditions>,
  random = () => 0.5,
): Promise<{ link: Link; url: string; direct: string; seen: string[] }> {
  const seen: string[] = []
  const service = await serve(
    createServer((request, response) => {
      void request.toArray().then((chunks: Buffer[]) => {
        const body = Buffer.concat(chunks)
        seen.push(body.subarray(0, 10).toString())
        response.end(body)
      })
    }),
    { port: 0 },
  )
  const link = new Link(['edge', 'cloud'], { ...IDEAL, ...conditions })
  const relay = await startRelay({ link, from: 0, targetPort: Number(new URL(service.url).port), random })
  closing.push(
    () => service.stop(),
    () => relay.close(),
  )
  return { link, url: `http://127.0.0.1:${relay.port}`, direct: service.url, seen }
}
async function post(url: string, body: Uint8Array<ArrayBuffer>): Promise<{ body: Buffer; ms: number }> {
  const started = performance.now()
  const answer = await fetch(url, { method: 'POST', body })
  return { body: Buffer.from(await answer.arrayBuffer()), ms: performance.now() - started }
}
const noise = (bytes: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: bytes }, (_, index) => (index * 7919) >> 3)

describe('a relay', () => {
  it('hands on both ways, byte for byte, many at a time', async () => {
    const { url } = await echo({ jitterMs: 3 }, Math.random)
    const bodies = [1, 1000, 300_000, 5_000_000].map(noise)
    const answers = await Promise.all(bodies.map((body) => post(url, body)))
    for (const [index, { body }] of answers.entries()) expect(body.equals(bodies[index] ?? Buffer.alloc(0))).toBe(true)
  })

  it('takes its time: for the handshake there and back, for the request, for the answer', async () => {
    const { url } = await echo({ latencyMs: 250 })
    expect((await post(url, noise(10))).ms).toBeGreaterThanOrEqual(4 * 250)
  })

  it('lets large ones wait for the line', async () => {
    const { url } = await echo({ bytesPerMs: 1000 })
    // 100 kB each way, at 1000 bytes a millisecond.
    expect((await post(url, noise(100_000))).ms).toBeGreaterThanOrEqual(200)
  })

  it('keeps silent while it is cut, and goes on where it was', async () => {
    const { link, url, direct, seen } = await echo({})
    const near = connect(Number(new URL(url).port), '127.0.0.1')
    const request = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n'
    near.write(`${request}open`)
    await once(near, 'data')
    link.isUp = false
    near.write(`${request}held`)
    const other = post(url, Uint8Array.from(Buffer.from('also')))
    // Whoever does not go over the link is answered; by then the others would have been, too.
    for (let round = 0; round < 20; round++) await post(direct, Uint8Array.from(Buffer.from('near')))
    expect(new Set(seen)).toEqual(new Set(['open', 'near']))
    link.isUp = true
    await once(near, 'data')
    expect((await other).body.toString()).toBe('also')
    expect(seen).toContain('held')
    near.destroy()
  })

  it('resets connections where it is told to', async () => {
    const { url } = await echo({ reset: 1 })
    await expect(post(url, noise(10))).rejects.toThrow('fetch failed')
  })

  it('ends one side when the other has ended, whichever it is', async () => {
    const { promise: accepted, resolve } = Promise.withResolvers<Socket>()
    const server = createServer().on('connection', resolve)
    const service = await serve(server, { port: 0 })
    const link = new Link(['edge', 'cloud'], IDEAL)
    const relay = await startRelay({ link, from: 0, targetPort: Number(new URL(service.url).port) })
    closing.push(
      () => service.stop(),
      () => relay.close(),
    )
    const near = connect(relay.port, '127.0.0.1')
    const far = await accepted
    far.on('error', () => undefined)
    near.resetAndDestroy()
    await once(far, 'close')
    const other = connect(relay.port, '127.0.0.1')
    server.once('connection', (socket: Socket) => socket.end())
    await once(other.resume(), 'end')
    other.destroy()
  })
})
