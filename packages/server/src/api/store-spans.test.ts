import { decodeTraces, encodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestOf, spanIdOf, startTestSpoor, traceIdOf, type TestSpoor } from '../testkit.ts'

let spoor: TestSpoor

beforeAll(async () => {
  spoor = await startTestSpoor()
})
afterAll(() => spoor.remove())

const send = async (body: Uint8Array | string, type = 'application/x-protobuf') => {
  const answer = await spoor.get('/api/spoor/v1/traces', {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as string,
  })
  return [answer.status, await answer.json()] as [status: number, body: { error?: { message: string } }]
}

it('stores what it is sent, and tells what it did not take', async () => {
  const good = requestOf('checkout', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }])
  expect(await send(good)).toEqual([200, { spans: 1, rejected: 0 }])
  const stored = await spoor.get(`/api/spoor/v1/traces/${traceIdOf(1)}`)
  expect(decodeTraces(new Uint8Array(await stored.arrayBuffer()))).toEqual(decodeTraces(good))

  const [resource] = decodeTraces(requestOf('checkout', [{ traceId: traceIdOf(2), spanId: spanIdOf(2) }])).resourceSpans
  const [scope] = resource!.scopeSpans
  const spans = [scope!.spans[0]!, { ...scope!.spans[0]!, spanId: '' }]
  const half = encodeTraces({ resourceSpans: [{ ...resource!, scopeSpans: [{ ...scope!, spans }] }] })
  expect(await send(half)).toEqual([200, { spans: 1, rejected: 1, reason: 'span_id is absent' }])
})

it('takes nothing else, and nothing that a page of another site could send unasked', async () => {
  const [status, { error }] = await send('\u{a}\u{ff}')
  expect([status, error?.message]).toEqual([400, expect.stringContaining('not OTLP')])
  for (const type of ['text/plain', 'application/json']) expect((await send('{}', type))[0]).toBe(415)
  expect((await send(new Uint8Array((16 << 20) + 1)))[0]).toBe(413)
})
