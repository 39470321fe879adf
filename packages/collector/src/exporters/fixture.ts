/** An exporter with real config and context, for the tests beside this file. */
import { createBatch, type Signal, type TelemetryBatch } from '@spoor/otlp'
import { onTestFinished } from 'vitest'
import type { Component, Consumer, ExporterFactory, Host } from '../component/index.ts'
import { createTestContext } from '../testkit/index.ts'

const HOST: Host = { extension: () => undefined, fail: () => {} }
/** What tests of exporters want: no waiting, and the peer's answer as `consume`'s own. */
export const DIRECT = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } }

export async function startExporter<C>(
  factory: ExporterFactory<C>,
  input: object,
): Promise<{ exporter: Component & Consumer; context: ReturnType<typeof createTestContext> }> {
  const config = factory.config.safeParse(input)
  if (!config.success) throw new Error(JSON.stringify(config.error.issues))
  const context = createTestContext(factory.type)
  const exporter = factory.create(context, config.data)
  await exporter.start(HOST)
  onTestFinished(async () => exporter.shutdown(AbortSignal.timeout(100)))
  return { exporter, context }
}

export function batchOf(bytes: Uint8Array, items: number, signal: Signal = 'traces'): TelemetryBatch {
  return createBatch(signal, [{ bytes, items }])
}
