/** An exporter of the helper with a sender that the test makes, for the tests beside this file. */
import { createBatch, type TelemetryBatch } from '@spoor/otlp'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { section, type Budget, type Component, type Consumer } from '../component/index.ts'
import { createTestContext, tracesRequest } from '../testkit/index.ts'
import { exporterHelperKeys } from './config.ts'
import { createExporter, type SendResult } from './exporter.ts'

export const TAKEN: SendResult = { rejected: 0, message: '' }
/** Retries without waiting. */
export const FAST = { initial_interval: '1ms', max_interval: '1ms' }
export const keys = section({ ...exporterHelperKeys, timeout: z.number().default(0) })

export interface Started {
  readonly exporter: Component & Consumer
  readonly context: ReturnType<typeof createTestContext>
  /** The batches that were attempted, in order. */
  readonly attempts: TelemetryBatch[]
}

export function start(
  input: object,
  send: (batch: TelemetryBatch, signal: AbortSignal, attempt: number) => SendResult | Promise<SendResult>,
  budget?: Budget,
): Started {
  const config = keys.parse(input)
  const context = createTestContext('otlp_grpc', budget)
  const attempts: TelemetryBatch[] = []
  const exporter = createExporter(
    context,
    { queue: config.sending_queue, retry: config.retry_on_failure, timeoutMs: config.timeout },
    {
      send: async (batch, signal) => send(batch, signal, attempts.push(batch)),
      close: async () => {},
    },
  )
  onTestFinished(async () => exporter.shutdown(AbortSignal.abort()))
  return { exporter, context, attempts }
}

export function batch(items: number, seed = 1): TelemetryBatch {
  return createBatch('traces', [{ bytes: tracesRequest({ spans: items, seed }), items }])
}

/** A gate that the test opens. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}
