import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { createCounters } from '@spoor/collector'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import type { FindingRow, FindingsResponse, SendersResponse, StatusResponse } from '../api.ts'
import { createStoreQueries } from '../api/store-queries.ts'
import { runCli } from '../cli.ts'
import { createProbes } from '../doctor/hidden-probes.ts'
import { createFindingsDesk } from './desk.ts'
import { requestOf, spanIdOf, startTestSpoor, type TestSpoor, traceIdOf } from '../testkit.ts'

/** A thread has to start on a machine that may be busy; and a look that was not done in its ten seconds is followed by the next after thirty more. */
const SOON = { timeout: 100_000 }

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
})
afterAll(() => spoor.remove())

const findings = async (query = '', from = spoor) =>
  (await from.json<FindingsResponse>(`/api/spoor/v1/findings?${query}`)).findings

it('what traces show together, with the spans that show it; by service; and in the status', async () => {
  for (let index = 1; index <= 12; index++)
    await spoor.post(
      requestOf('shop', [{ traceId: traceIdOf(index), spanId: spanIdOf(index), name: `GET /users/${index}` }]),
    )
  await spoor.post(requestOf('cart', [{ traceId: traceIdOf(99), spanId: spanIdOf(99), name: 'GET /cart' }]))
  const [finding, ...more] = await findings()
  expect(more).toEqual([])
  expect(finding).toMatchObject({ code: 'names_with_ids', where: 'service shop', services: ['shop'], count: 12 })
  const shown = finding!.spans.map(({ traceId }) => traceId)
  expect(shown).toContain(traceIdOf(7))
  expect(shown).not.toContain(traceIdOf(99))
  expect((await findings('service=shop')).length).toBe(1)
  expect(await findings('service=cart')).toEqual([])
  const inStatus = async () =>
    (await spoor.json<StatusResponse>('/api/spoor/v1/status')).attention.map(({ code }) => code)
  await expect.poll(inStatus, SOON).toContain('names_with_ids')
})

it('what is told of a sender is not told again of what it sent', async () => {
  const unnamed = await startTestSpoor()
  onTestFinished(() => unnamed.remove())
  await unnamed.post(requestOf('unknown_service:node', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }]))
  await unnamed.post(
    requestOf(
      'shop',
      [0, 1, 2, 3, 4].map((index) => ({
        traceId: traceIdOf(2),
        spanId: spanIdOf(2 + index),
        kind: 3,
        ...(index > 0 && { parentSpanId: spanIdOf(2), name: 'SELECT', status: { code: 2, message: '' } }),
      })),
    ),
  )
  const codes = async () =>
    (await unnamed.json<StatusResponse>('/api/spoor/v1/status')).attention.map(({ code }) => code)
  await expect.poll(codes, SOON).toEqual(expect.arrayContaining(['unknown_service', 'retry_storm']))
  expect((await codes()).filter((code) => code === 'unknown_service')).toHaveLength(1)
})

it('looks as spans come: at once where somebody asks, and where nobody does once they have come for a while', async () => {
  const from = await startTestSpoor()
  onTestFinished(() => from.remove())
  await from.post(requestOf('shop', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }]))
  const counters = createCounters()
  const figure = (name: string) => counters.snapshot().find((sample) => sample.name === name)!.value
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  let spans = 0
  const store = createStoreQueries(() => from.store, createProbes())
  const desk = createFindingsDesk({ store, spansSoFar: () => spans, counters })
  onTestFinished(async () => {
    await desk.close()
    vi.useRealTimers()
  })
  vi.advanceTimersByTime(60_000)
  spans = 1
  vi.advanceTimersByTime(30_000)
  // What begins in a turn of its own would have.
  await setImmediate()
  expect(figure('spoor_findings_looks')).toBe(0)
  vi.advanceTimersByTime(2_000)
  await expect.poll(() => figure('spoor_findings_looks'), SOON).toBe(1)
  // The rules have had their thread.
  await expect.poll(() => figure('spoor_findings_cpu_seconds'), SOON).toBeGreaterThan(0)
  expect(figure('spoor_findings_failed_looks')).toBe(0)

  const others = createCounters()
  const asked = createFindingsDesk({ store, spansSoFar: () => spans, counters: others })
  onTestFinished(() => asked.close())
  asked.latest()
  const looks = () => others.snapshot().find(({ name }) => name === 'spoor_findings_looks')!.value
  await expect.poll(looks, SOON).toBe(1)
})

it('times that cannot be, with the unit that they are in', async () => {
  const nowMs = BigInt(Date.now())
  const at = (index: number, startTimeUnixNano: bigint) =>
    spoor.post(requestOf('old', [{ traceId: traceIdOf(index), spanId: spanIdOf(index), startTimeUnixNano }]))
  await at(201, nowMs)
  await at(202, nowMs * 1_000n)
  await at(203, 1_000_000_000n)
  // An hour, less what it was on its way: local time that was taken for UTC.
  await at(204, (nowMs + 3_590_000n) * 1_000_000n)
  // Clocks differ.
  await at(205, (nowMs + 600_000n) * 1_000_000n)
  const found = await findings('service=old')
  const shown = (index: number) => [{ traceId: traceIdOf(index), spanId: spanIdOf(index) }]
  expect(Object.fromEntries(found.map(({ code, spans }) => [code, spans]))).toEqual({
    times_in_milliseconds: shown(201),
    times_in_microseconds: shown(202),
    times_before_2000: shown(203),
    times_ahead: shown(204),
  })
})

/** What is to be said of so many spans of that shape. */
async function ofShape(shape: string): Promise<{ readonly found: readonly FindingRow[]; readonly from: TestSpoor }> {
  const from = await startTestSpoor()
  onTestFinished(() => from.remove())
  const io = { stdout: new PassThrough().resume(), stderr: new PassThrough().resume() }
  const to = ['--endpoint', from.urls.otlpGrpc!, '--shape', shape, '--spans', '9000', '--seed', '7']
  expect(await runCli(['node', 'spoor', 'loadgen', ...to], io)).toBe(0)
  // A look may not be done in its time where a machine is busy; the next finds its threads started.
  return { found: await vi.waitFor(() => findings('', from), { timeout: 60_000, interval: 500 }), from }
}

it('nothing of a system that is well', async () => {
  const { found, from } = await ofShape('shop')
  expect(found).toEqual([])
  expect((await from.json<StatusResponse>('/api/spoor/v1/status')).attention).toEqual([])
})

it('of one as real ones are, its wrong clocks and its loops of queries, each once, and nothing else', async () => {
  const { found, from } = await ofShape('market')
  expect(new Set(found.map(({ code }) => code))).toEqual(
    // Its services are in several languages, whose conventions are of several years.
    new Set(['clock_skew', 'n_plus_one', 'mixed_conventions']),
  )
  const { attention } = await from.json<StatusResponse>('/api/spoor/v1/status')
  expect(attention.map(({ code }) => code)).not.toContain('mixed_conventions')
  // A quarter of the hosts have a clock that is wrong; what they are apart from are many more pairs.
  expect(found.filter(({ code }) => code === 'clock_skew').length).toBeLessThanOrEqual(20)
  expect((await from.json<SendersResponse>('/api/spoor/v1/senders')).attention).toEqual([])
})
