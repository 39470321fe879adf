/** The program's one budget for bytes in flight, filled up by senders who do not finish. */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { StatusResponse } from './api.ts'
import { requestOf, spanIdOf, startTestSpoor, string, type TestSpoor, traceIdOf } from './testkit.ts'

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
})
afterAll(async () => {
  await spoor.remove()
})

/** Sends the head of a request for spans, and all of its body but the last bytes. */
function sendAlmost(bodyBytes: number): Socket {
  const { hostname, port } = new URL(spoor.urls.otlpHttp!)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.resume()
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${bodyBytes}\r\n\r\n`,
  )
  socket.write(Buffer.alloc(bodyBytes - 100))
  return socket
}

async function heldBytes(): Promise<number> {
  const metrics = await (await spoor.get('/metrics')).text()
  return [...metrics.matchAll(/^spoor_budget_bytes\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
}

it('is one for what comes in and what goes out, and tells when it refuses', async () => {
  const span = { traceId: traceIdOf(1), spanId: spanIdOf(1), attributes: [string('text', 'x'.repeat(100_000))] }
  const send = () =>
    fetch(`${spoor.urls.otlpHttp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(requestOf('shop', [span])),
    })
  expect((await send()).status).toBe(200)
  // 167,740,000 of 167,772,160 bytes.
  const bodies = [...Array<number>(7).fill(20_000_000), ...Array<number>(12).fill(2_100_000), 2_540_000]
  const sockets = bodies.map((bytes) => sendAlmost(bytes))
  await expect.poll(heldBytes, { timeout: 20_000 }).toBe(167_740_000)

  const answer = await spoor.get('/api/services')
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect((await spoor.json<StatusResponse>('/api/spoor/v1/status')).refusing).toBeUndefined()
  const refused = await send()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect((await spoor.json<StatusResponse>('/api/spoor/v1/status')).refusing).toBe(
    '167740000 of 167772160 bytes for requests in flight are used; try again',
  )

  for (const socket of sockets) socket.destroy()
  await expect.poll(heldBytes, { timeout: 20_000 }).toBe(0)
  expect((await spoor.get('/api/services')).status).toBe(200)
  expect((await send()).status).toBe(200)
  expect((await spoor.json<StatusResponse>('/api/spoor/v1/status')).refusing).toBeUndefined()
}, 60_000)
