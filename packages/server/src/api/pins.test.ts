import { afterEach, expect, it } from 'vitest'
import type { ApiError, PinRow, PinsResponse } from '../api.ts'
import { requestOf, spanIdOf, startTestSpoor, traceIdOf, type TestSpoor } from '../testkit.ts'

let spoor: TestSpoor

afterEach(() => spoor.remove())

const addressOf = (trace: number): string => `/api/spoor/v1/traces/${traceIdOf(trace)}/pin`
const pins = (): Promise<PinsResponse> => spoor.json('/api/spoor/v1/pins')

async function call(method: 'PUT' | 'DELETE' | 'POST', path: string): Promise<[status: number, body: unknown]> {
  const answer = await spoor.get(path, { method })
  return [answer.status, await answer.json()]
}

async function started(options: Parameters<typeof startTestSpoor>[0]): Promise<void> {
  spoor = await startTestSpoor(options)
  for (const trace of [1, 2])
    await spoor.post(requestOf('checkout', [{ traceId: traceIdOf(trace), spanId: spanIdOf(1) }]))
}

it('pins traces, lists them, tells of them beside the trace, and takes pins again', async () => {
  await started({ keep: { pinned: true } })
  const [status, first] = await call('PUT', addressOf(1))
  expect(status).toBe(200)
  const { traceId, pinnedMs } = first as PinRow
  expect([traceId, Math.abs(Date.now() - pinnedMs) < 60_000]).toEqual([traceIdOf(1), true])
  // Once more changes nothing.
  expect(await call('PUT', addressOf(1))).toEqual([200, first])
  expect((await call('PUT', addressOf(2)))[0]).toBe(200)
  const { pins: rows, kept } = await pins()
  expect([kept, rows.map((row) => row.traceId)]).toEqual([true, [traceIdOf(2), traceIdOf(1)]])
  for (const path of [`traces/${traceIdOf(1)}`, `traces/${traceIdOf(1)}/report`])
    expect((await spoor.get(`/api/spoor/v1/${path}`)).headers.get('spoor-pinned')).toBe(
      new Date(pinnedMs).toISOString(),
    )
  expect(await call('DELETE', addressOf(1))).toEqual([200, first])
  expect((await pins()).pins.map((row) => row.traceId)).toEqual([traceIdOf(2)])
  expect((await spoor.get(`/api/spoor/v1/traces/${traceIdOf(1)}`)).headers.get('spoor-pinned')).toBeNull()
})

it('says what cannot be pinned, and what has no pin', async () => {
  await started({ keep: { pinned: true } })
  const error = (code: string, message: string): ApiError => ({ error: { code, message } })
  expect(await call('PUT', addressOf(3))).toEqual([
    404,
    error('not_found', `trace ${traceIdOf(3)} is not in the store`),
  ])
  expect(await call('DELETE', addressOf(1))).toEqual([404, error('not_found', `trace ${traceIdOf(1)} is not pinned`)])
  expect((await call('PUT', '/api/spoor/v1/traces/xyz/pin'))[0]).toBe(400)
  expect((await call('POST', addressOf(1)))[0]).toBe(405)
  expect(await pins()).toEqual({ kept: true, pins: [] })
})

it('refuses pins where they would keep nothing', async () => {
  await started({ keep: { errors: true } })
  const [status, body] = await call('PUT', addressOf(1))
  expect([status, (body as ApiError).error]).toMatchObject([409, { code: 'not_kept' }])
  expect((body as ApiError).error.message).toContain('--keep pinned')
  expect(await pins()).toEqual({ kept: false, pins: [] })
})
