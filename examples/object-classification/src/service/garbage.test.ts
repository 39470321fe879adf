import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { PerformanceObserver } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, vi } from 'vitest'
import { traced } from '../testkit/traced.ts'
import { tellGarbage } from './garbage.ts'

const own = traced('garbage')

/** One request in a span, and what goes on meanwhile. @returns What its span says, ms. */
async function request(name: string, meanwhile: () => Promise<void>): Promise<number> {
  const response = new EventEmitter()
  await own.tracing.tracer.startActiveSpan(name, async (span) => {
    tellGarbage(response as ServerResponse)
    await meanwhile()
    response.emit('finish')
    span.end()
  })
  const find = () => own.receiver.spans.find((span) => span.name === name)
  await vi.waitFor(() => expect(find()).toBeDefined(), 30_000)
  const { value } = find()?.attributes?.find(({ key }) => key === 'runtime.gc_ms') ?? {}
  return Number(Object.values(value ?? {})[0])
}

it('a span says how long the collector of garbage has stopped the process while its request was under way', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const held = Array.from({ length: 500_000 }, (_, index) => ({ index }))
  // Told by Node some time after it has happened, to one observer after the other.
  let told = 0
  const stopped = await request('stopped', async () => {
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) told += duration
    })
    observer.observe({ entryTypes: ['gc'] })
    collect()
    await vi.waitFor(() => expect(told).toBeGreaterThan(0), 30_000)
    observer.disconnect()
  })
  expect(held).toHaveLength(500_000)
  expect(stopped).toBeGreaterThanOrEqual(Math.floor(told))
  // What was before it is not its own.
  const quiet = await request('quiet', () => Promise.resolve())
  expect(quiet).toBeLessThan(stopped)
})
