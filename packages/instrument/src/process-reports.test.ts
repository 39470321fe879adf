import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createProcessReports, type ProcessFacts } from './process-reports.ts'
import { type Receiver, startGrpcReceiver, startHttpReceiver } from './testkit/receiver.ts'
import { runApp } from './testkit/run-app.ts'

const facts: ProcessFacts = {
  service: 'shop',
  pid: 1,
  host: 'h',
  sdk: '',
  runtime: '',
  exporter: '',
  sampler: '',
  propagators: '',
  patched: [],
  awaited: [],
  ended: 5,
  exported: 5,
  failed: 0,
  dropped: 0,
  waiting: 0,
  notSampled: 0,
  notSampledByCaller: 0,
  open: 0,
  neverEnded: Array.from({ length: 5 }, (_, index) => ({ name: 'x'.repeat(1_000), scope: 's', count: index })),
  firstError: 'y'.repeat(1_000),
}
const read = (headers: unknown) =>
  JSON.parse(
    Buffer.from((headers as Record<string, string>)['spoor-process']!, 'base64url').toString(),
  ) as ProcessFacts & { id: string; everyMs: number; goodbye: boolean; exitCode: number }

describe('when', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('not before somebody wants it, then at once and again and again, and at last a goodbye, once', async () => {
    const send = vi.fn<(headers: Readonly<Record<string, string>>) => Promise<boolean>>(() => Promise.resolve(true))
    const reports = createProcessReports(() => facts, send)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(send).not.toHaveBeenCalled()
    expect(createProcessReports(() => facts, send).goodbye(0)).toBeUndefined()
    reports.start()
    reports.start()
    expect(send).toHaveBeenCalledTimes(1)
    const first = read(send.mock.calls[0]?.[0])
    expect(first).toMatchObject({ service: 'shop', ended: 5, goodbye: false })
    // A header has little room.
    expect([first.firstError.length, first.neverEnded.length, first.neverEnded[0]?.name.length]).toEqual([200, 3, 200])
    await vi.advanceTimersByTimeAsync(3 * first.everyMs)
    expect(send).toHaveBeenCalledTimes(4)
    expect(read(reports.goodbye(7))).toMatchObject({ id: first.id, goodbye: true, exitCode: 7 })
    expect(reports.goodbye(7)).toBeUndefined()
    reports.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(send).toHaveBeenCalledTimes(4)
  })

  test('no more once it is not wanted, as another backend has taken its place, unless it is again', async () => {
    const send = vi.fn<() => Promise<boolean>>(() => Promise.resolve(false))
    const reports = createProcessReports(() => facts, send)
    reports.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(send).toHaveBeenCalledTimes(1)
    expect(reports.goodbye(0)).toBeUndefined()
  })
})

/** Runs an application to its end, and what its requests have told. */
async function reportsOf(receiver: Receiver, way: string, env: Record<string, string> = {}) {
  const run = await runApp('exit.mjs', {
    args: [way],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, SPOOR_QUIET: '1', ...env },
  })
  await receiver.close()
  const headers = receiver.requests.map((request) => request.headers)
  return { run, reports: headers.filter((each) => each['spoor-process'] !== undefined).map(read), receiver }
}

describe.concurrent('to whom', () => {
  test('a Spoor: what the process knows, and that it ends', async () => {
    const receiver = await startHttpReceiver()
    receiver.wantsReports = true
    const { run, reports } = await reportsOf(receiver, 'flush-exit')
    expect(run.code).toBe(4)
    const [first, last] = [reports[0]!, reports.at(-1)!]
    expect(first).toMatchObject({
      service: 'shop',
      goodbye: false,
      ended: 1,
      exported: 1,
      exporter: `http/protobuf ${receiver.url}/v1/traces`,
      sampler: 'parentbased_always_on',
      propagators: 'tracecontext, baggage',
      runtime: `Node ${process.versions.node}`,
      patched: expect.arrayContaining(['http']) as string[],
    })
    expect(last).toMatchObject({ id: first.id, goodbye: true, exitCode: 4, open: 12 })
    expect(last.neverEnded[0]).toEqual({ name: 'never ended', scope: 'leaky', count: 12 })
    // Reports are no spans.
    expect(receiver.spans.map(({ name }) => name)).toEqual(['work'])
  })

  test.each(['http/json', 'grpc'])('also over %s, and at a shutdown', async (protocol) => {
    const receiver = protocol === 'grpc' ? await startGrpcReceiver() : await startHttpReceiver()
    receiver.wantsReports = true
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: protocol }
    const { reports } = await reportsOf(receiver, 'flush-shutdown', env)
    // On a busy machine there may be more, and one that is late.
    expect(reports.filter(({ goodbye }) => goodbye)).toHaveLength(1)
    expect(reports.filter(({ goodbye }) => !goodbye).length).toBeGreaterThan(0)
    expect(receiver.spans.map(({ name }) => name)).toEqual(['work'])
  })

  test('no other backend', async () => {
    const { reports, receiver } = await reportsOf(await startHttpReceiver(), 'flush-exit')
    expect(reports).toEqual([])
    expect(receiver.requests).toHaveLength(1)
  })

  test('nobody, where it is off', async () => {
    const receiver = await startHttpReceiver()
    receiver.wantsReports = true
    const { reports } = await reportsOf(receiver, 'flush-exit', { SPOOR_REPORTS: 'false' })
    expect(reports).toEqual([])
    expect(receiver.requests).toHaveLength(1)
  })
})
