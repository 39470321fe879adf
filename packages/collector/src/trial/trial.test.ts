import { createBatch, type TelemetryBatch } from '@spoor/otlp'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { CollectorError, EMPTY_CONTEXT, type Edge } from '../component/index.ts'
import { builtinFactories } from '../factories.ts'
import { createTestLogger, tracesRequest } from '../testkit/index.ts'
import { startTrial } from './trial.ts'
import { VirtualTime } from './virtual-time.ts'

const HEAD = `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:1"}}}}
exporters: {otlp_grpc: {endpoint: "nowhere.invalid:1"}}`

async function start(rest: string) {
  const seen: { edge: string; batch: TelemetryBatch; nowMs: number }[] = []
  const conditions: string[] = []
  const trial = await startTrial({
    config: [{ text: `${HEAD}\n${rest}`, file: 'a.yaml' }],
    env: {},
    factories: builtinFactories,
    logger: createTestLogger(),
    startMs: 1_790_000_000_000,
    onBatch: (edge: Edge, batch, nowMs) => void seen.push({ edge: edge.id, batch, nowMs }),
    onCondition: (edge, text) => void conditions.push(`${edge.id} ${text}`),
  })
  onTestFinished(() => trial.end())
  const give = (bytes: Uint8Array, items: number) =>
    trial.give('otlp', createBatch('traces', [{ bytes, items }]), EMPTY_CONTEXT)
  return { trial, seen, conditions, give }
}

describe('a trial', () => {
  it('runs processors without receivers and exporters, and takes no time for their waits', async () => {
    const begin = process.hrtime.bigint()
    const { trial, seen, give } = await start(`
processors:
  tail_sampling: {decision_wait: 30s, policies: [{name: all, type: always_sample}]}
  batch: {timeout: 10s}
service: {pipelines: {traces: {receivers: [otlp], processors: [tail_sampling, batch], exporters: [otlp_grpc]}}}`)
    await give(tracesRequest({ spans: 20, traces: 4 }), 20)
    expect(seen.map(({ edge }) => edge)).toEqual(['traces:tail_sampling'])
    await trial.pass(29_000)
    expect(seen).toHaveLength(1)
    await trial.pass(2_000)
    expect(seen.map(({ edge }) => edge)).toContain('traces:batch')
    expect(seen.some(({ edge }) => edge === 'traces:otlp_grpc')).toBe(false)
    await trial.pass(11_000)
    const [sent] = seen.filter(({ edge }) => edge === 'traces:otlp_grpc')
    expect(sent!.batch.items).toBe(20)
    expect(sent!.nowMs).toBeGreaterThan(39_000)
    expect(sent!.nowMs).toBeLessThan(42_000)
    expect(Number(process.hrtime.bigint() - begin) / 1e9).toBeLessThan(20)
  })

  it('hands on at its end what waits', async () => {
    const { trial, seen, give } = await start(`
processors: {batch: {timeout: 1h}}
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc]}}}`)
    await give(tracesRequest({ spans: 3 }), 3)
    await trial.end()
    expect(seen.map(({ edge }) => edge)).toEqual(['traces:batch', 'traces:otlp_grpc'])
  })

  it('tells which condition was true, and where', async () => {
    const { conditions, give } = await start(`
processors: {filter: {trace_conditions: ['span.kind == SPAN_KIND_SERVER', 'span.kind == SPAN_KIND_CLIENT']}}
service: {pipelines: {traces: {receivers: [otlp], processors: [filter], exporters: [otlp_grpc]}}}`)
    await give(tracesRequest({ spans: 200 }), 200)
    expect(new Set(conditions)).toEqual(
      new Set(['traces:filter span.kind == SPAN_KIND_SERVER', 'traces:filter span.kind == SPAN_KIND_CLIENT']),
    )
  })

  it('leaves no file of a storage behind, and needs none', async () => {
    const { trial, seen, give } = await start(`
extensions: {file_storage: {directory: /nowhere/at/all}}
processors: {groupbytrace: {wait_duration: 5s, storage: file_storage}}
service:
  extensions: [file_storage]
  pipelines: {traces: {receivers: [otlp], processors: [groupbytrace], exporters: [otlp_grpc]}}`)
    await give(tracesRequest({ spans: 6, traces: 2 }), 6)
    await trial.pass(6_000)
    const items = seen.filter(({ edge }) => edge === 'traces:otlp_grpc').map(({ batch }) => batch.items)
    expect(items.reduce((sum, each) => sum + each, 0)).toBe(6)
  })

  it('does not go by the memory of the process that tries', async () => {
    const { seen, give } = await start(`
processors: {memory_limiter: {check_interval: 1s, limit_mib: 1}}
service: {pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [otlp_grpc]}}}`)
    await give(tracesRequest({ spans: 1 }), 1)
    expect(seen.at(-1)).toMatchObject({ edge: 'traces:otlp_grpc', batch: { items: 1 } })
  })

  it('says what a sender would hear', async () => {
    const { give } = await start(`
processors: {filter: {error_mode: propagate, trace_conditions: ['span.attributes[0] == 1']}}
service: {pipelines: {traces: {receivers: [otlp], processors: [filter], exporters: [otlp_grpc]}}}`)
    await expect(give(tracesRequest({ spans: 1 }), 1)).rejects.toMatchObject({ code: 'invalid_data' })
  })

  it('gives the process its time back, also where the configuration is wrong, or does not start', async () => {
    const parts = () => [setTimeout, setInterval, clearTimeout, Date.now, performance.now.name]
    const before = parts()
    await expect(start('service: {pipelines: {}}')).rejects.toThrow(CollectorError)
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'nonsense')
    onTestFinished(() => void vi.unstubAllEnvs())
    const failing = start(`
processors: {resource_detection: {detectors: [env]}}
service: {pipelines: {traces: {receivers: [otlp], processors: [resource_detection], exporters: [otlp_grpc]}}}`)
    await expect(failing).rejects.toThrow('OTEL_RESOURCE_ATTRIBUTES')
    expect(parts()).toEqual(before)
    const { trial } = await start('service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}}')
    expect(setTimeout).not.toBe(before[0])
    await trial.end()
    expect(parts()).toEqual(before)
  })
})

describe('virtual time', () => {
  it('runs timers in the order of their times, with the clocks at them', async () => {
    const time = new VirtualTime(1_000)
    onTestFinished(() => time.end())
    const ran: string[] = []
    const note = (name: string): void => void ran.push(`${name} ${Date.now()} ${performance.now()}`)
    setTimeout(() => note('late'), 50)
    const every = setInterval(() => note('every'), 20).unref()
    setTimeout(() => clearInterval(every), 45)
    clearTimeout(setTimeout(() => note('never'), 5))
    await time.pass(100)
    expect(ran).toEqual(['every 1020 20', 'every 1040 40', 'late 1050 50'])
    expect(Date.now()).toBe(1_100)
  })

  it('passes until something is over, and no further', async () => {
    const time = new VirtualTime(0)
    onTestFinished(() => time.end())
    const answer = new Promise<string>((resolve) => setTimeout(() => setTimeout(() => resolve('there'), 70), 30))
    expect(await time.until(answer)).toBe('there')
    expect(time.nowMs).toBe(100)
  })
})
