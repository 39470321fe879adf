import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector } from '../../collector.ts'
import { batchOf } from '../../exporters/fixture.ts'
import { builtinFactories } from '../../factories.ts'
import { createSink, createTestContext, createTestLogger, tracesRequest } from '../../testkit/index.ts'
import { limitsOf, memoryLimiterConfig } from './config.ts'
import { MemoryLimiter } from './memory-limiter.ts'
import { EMPTY_CONTEXT } from '../../component/index.ts'

const batch = () => batchOf(tracesRequest({ spans: 3 }), 3)
const MIB = 1024 * 1024

async function startLimiter(collect?: (kind: string) => void) {
  const memory = { usedBytes: 50 }
  const sink = createSink()
  const context = { ...createTestContext('memory_limiter'), collect }
  const options = { limits: { soft: 100, hard: 200 }, checkIntervalMs: 1, usedBytes: () => memory.usedBytes }
  const limiter = new MemoryLimiter(context, options, sink, 'traces')
  await limiter.start()
  onTestFinished(() => limiter.shutdown())
  const look = () => new Promise((resolve) => setTimeout(resolve, 20))
  return { limiter, memory, sink, context, look }
}

test('refuses from the soft limit on, to be tried again, and takes again below it; counts both', async () => {
  const { limiter, memory, sink, context, look } = await startLimiter()
  await limiter.consume(batch(), EMPTY_CONTEXT)
  memory.usedBytes = 100
  await look()
  const refusal = { code: 'overloaded', retryable: true, message: 'data refused due to high memory usage' }
  await expect(limiter.consume(batch(), EMPTY_CONTEXT)).rejects.toMatchObject(refusal)
  memory.usedBytes = 99
  await look()
  await limiter.consume(batch(), EMPTY_CONTEXT)
  expect(sink.items).toBe(6)
  expect(context.value('otelcol_processor_memory_limiter_accepted_spans')).toBe(6)
  expect(context.value('otelcol_processor_memory_limiter_refused_spans')).toBe(3)
  expect(context.logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
})

test.each([
  [150, 'minor'],
  [200, 'major'],
])('looks for garbage before it refuses: %d bytes, %s', async (usedBytes, kind) => {
  const kinds = new Set<string>()
  const { limiter, memory, look } = await startLimiter((each) => {
    kinds.add(each)
    memory.usedBytes = 50
  })
  memory.usedBytes = usedBytes
  await look()
  await limiter.consume(batch(), EMPTY_CONTEXT)
  expect([...kinds]).toEqual([kind])
})

describe('limits', () => {
  const limits = (input: object) => {
    const { hard, soft } = limitsOf(memoryLimiterConfig.parse({ check_interval: '1s', ...input }), 1000 * MIB)
    return [hard / MIB, soft / MIB]
  }
  test.each([
    [{ limit_mib: 100 }, [100, 80]],
    [{ limit_mib: 100, spike_limit_mib: 30 }, [100, 70]],
    [{ limit_percentage: 80, spike_limit_percentage: 25 }, [800, 550]],
    [{ limit_mib: 100, limit_percentage: 80 }, [100, 80]],
  ])('%j', (input, expected) => {
    expect(limits(input)).toEqual(expected)
  })

  test.each([
    [{ limit_mib: 100, check_interval: 0 }, "'check_interval' must be greater than zero"],
    [{}, "'limit_mib' or 'limit_percentage' must be greater than zero"],
    [{ limit_mib: 100, spike_limit_mib: 100 }, "'spike_limit_mib' must be smaller than 'limit_mib'"],
  ])('wrong: %j', (input, message) => {
    expect(() => limits(input)).toThrow(message)
  })
})

test('buffers that hold compressed bodies count; senders are told to come again', async () => {
  const used = process.memoryUsage()
  const limitMib = Math.ceil((used.heapUsed + used.external) / MIB) + 400
  const sink = createSink()
  const config = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {memory_limiter: {check_interval: 5ms, limit_mib: ${limitMib}, spike_limit_mib: 1}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [sink]}}}`
  const collector = createCollector({
    config,
    factories: [...builtinFactories, sink.factory()],
    logger: createTestLogger(),
  })
  await collector.start()
  onTestFinished(() => collector.shutdown({ deadlineMs: 100 }))
  const post = async () => {
    const response = await fetch(`http://${collector.listening()[0]!.address}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(tracesRequest({ spans: 3 })),
    })
    await response.arrayBuffer()
    return [response.status, response.headers.get('retry-after')]
  }
  expect(await post()).toEqual([200, null])
  const held = [Buffer.alloc(450 * MIB)]
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await post()).toEqual([503, '1'])
  expect(held).toHaveLength(1)
  expect(sink.items).toBe(3)
})
