/** Tests whose own spans are looked at. */
import { startTracing } from '@spoor/instrument'
import type { Tracing } from '@spoor/instrument'
import { afterAll, beforeAll } from 'vitest'
import { receiveSpans } from './receive-spans.ts'
import type { SpanReceiver } from './receive-spans.ts'

/** This process reports to a receiver of its own, from before the first test of a file until after the last one; both are there from its hooks on. */
export function traced(serviceName: string): { readonly receiver: SpanReceiver; readonly tracing: Tracing } {
  let receiver: SpanReceiver
  let tracing: Tracing
  beforeAll(async () => {
    receiver = await receiveSpans()
    tracing = startTracing({
      serviceName,
      exporter: { protocol: 'http/json', url: receiver.url },
      instrumentations: [],
      quiet: true,
    })
  })
  afterAll(async () => {
    await tracing.shutdown()
    await receiver.stop()
  })
  return {
    get receiver() {
      return receiver
    },
    get tracing() {
      return tracing
    },
  }
}
