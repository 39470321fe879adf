import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatch, tracesFromJson, type TelemetryBatch } from '@spoor/otlp'
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest'
import {
  createBudget,
  NO_OVERVIEW,
  type Component,
  type Consumer,
  type Extension,
  type Host,
  type Storage,
} from '../../component/index.ts'
import { createSink, createTestContext } from '../../testkit/index.ts'
import { tailSamplingProcessor } from './index.ts'

export const ALL = { policies: [{ name: 'all', type: 'always_sample' }] }
export const ERRORS = { policies: [{ name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } }] }
export const DROPPED = 'otelcol_processor_dropped_items'
export const name = (end: string): string => `otelcol_processor_tail_sampling_${end}`

/** Of all tests of a file: time goes on when they say so. */
export function withFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
  })
  afterEach(() => void vi.useRealTimers())
}

interface Options {
  readonly id?: string
  /** Of an extension. */
  readonly storage?: Storage
  /** The collector's own folder. */
  readonly own?: string
}

export async function start(input: object, { id = 'tail_sampling', storage, own }: Options = {}) {
  const config = tailSamplingProcessor.config.safeParse({ decision_wait: '1s', ...input })
  if (!config.success) throw new Error(JSON.stringify(config.error.issues))
  const budget = createBudget()
  const context = { ...createTestContext(id, budget), pipeline: 'traces' }
  const sink = createSink()
  const processor = tailSamplingProcessor.create(context, config.data, sink, 'traces')
  await processor.start({ ...hostWith(storage), folderOf: own === undefined ? undefined : () => own })
  onTestFinished(() => stop(processor))
  const held = (): number => context.value(name('held_bytes'))
  const decided = (): Promise<unknown> => vi.advanceTimersByTimeAsync(2000)
  return { processor, sink, context, held, decided, budget }
}

export async function stop(processor: Component & Consumer): Promise<void> {
  await processor.shutdown(AbortSignal.abort())
  processor.finish?.()
}

export function hostWith(storage: Storage | undefined): Host {
  const extension: Extension = { start: async () => {}, shutdown: async () => {}, ...(storage && { storage }) }
  return { extension: () => extension, fail: () => {}, overview: () => NO_OVERVIEW }
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tail-sampling-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Files in a folder of their own, that outlive a processor. */
export function diskStorage(): Storage {
  const folder = newFolder()
  return { fsync: false, fileOf: (owner) => join(folder, owner.replaceAll(/\W/g, '_')) }
}

interface Spans {
  readonly trace: number
  readonly count?: number
  readonly status?: number
}

let spanNumber = 0
export function spansOf(...groups: Spans[]): TelemetryBatch {
  const spans = groups.flatMap(({ trace, count = 1, status = 0 }) =>
    Array.from({ length: count }, () => ({
      traceId: trace.toString(16).padStart(32, '0'),
      spanId: (++spanNumber).toString(16).padStart(16, '0'),
      parentSpanId: 'ab'.repeat(8),
      name: 'a span',
      startTimeUnixNano: '1767225600000000000',
      endTimeUnixNano: '1767225600010000000',
      status: { code: status },
    })),
  )
  const bytes = tracesFromJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }))
  return createBatch('traces', [{ bytes, items: spans.length }])
}
