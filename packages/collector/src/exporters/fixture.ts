/** An exporter with real config and context, for the tests beside this file. */
import { createBatch, ownMemory, type Chunk, type Signal, type TelemetryBatch } from '@spoor/otlp'
import { onTestFinished } from 'vitest'
import { NO_OVERVIEW, type Component, type Consumer, type ExporterFactory, type Host } from '../component/index.ts'
import { createTestContext } from '../testkit/index.ts'

const HOST: Host = { extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW }
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

/** Traces in memory of their own, as a receiver hands them on: whoever is the last to have them may free it. */
export function ownedBatchOf(bytes: Uint8Array, items: number): TelemetryBatch {
  const chunk: Chunk = { bytes: Uint8Array.from(bytes), items }
  ownMemory(chunk)
  return createBatch('traces', [chunk])
}

/** Whether its bytes are still there. */
export function isThere({ chunks, byteLength }: TelemetryBatch): boolean {
  return chunks.reduce((sum, { bytes }) => sum + bytes.length, 0) === byteLength
}
