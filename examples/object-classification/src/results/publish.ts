/** The ensemble's side of the queue: a result is sent, with the context that its consumer goes on in. */
import { randomUUID } from 'node:crypto'
import { context, propagation, SpanKind } from '@opentelemetry/api'
import { withSpan } from '@spoor/instrument'
import { fault, happens } from '../service/faults.ts'
import type { EnsembleResult } from '../service/prediction.ts'
import { SENT_AT, writeResult } from './message.ts'
import { QUEUE } from './queue.ts'
import type { Publisher, QueuePlace } from './queue.ts'

/** What both sides say of the queue. Source: semantic conventions of messaging spans. */
export function queueAttributes({ system, host, port }: QueuePlace): Record<string, string | number> {
  return {
    'messaging.system': system,
    'messaging.destination.name': QUEUE,
    ...(system === 'rabbitmq' && { 'messaging.rabbitmq.destination.routing_key': QUEUE }),
    'server.address': host,
    'server.port': port,
  }
}

/** Sends a result, in a span of its own. @throws When the queue has not taken it. */
export function publishResult(queue: Publisher, result: EnsembleResult): Promise<void> {
  const id = randomUUID()
  const body = writeResult(spoil(result))
  const attributes = {
    ...queueAttributes(queue.place),
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.message.id': id,
    'messaging.message.body.size': body.length,
    'request.id': result.requestId,
  }
  return withSpan(`send ${QUEUE}`, { kind: SpanKind.PRODUCER, attributes }, async () => {
    const headers: Record<string, string> = { [SENT_AT]: String(Date.now()) }
    propagation.inject(context.active(), headers)
    await queue.publish({ id, headers, body })
  })
}

/** A byte in the label that text in PostgreSQL cannot have, as from a list of labels that was padded with zeros. */
function spoil(result: EnsembleResult): EnsembleResult {
  const { percent } = fault('poison_message') ?? {}
  return percent !== undefined && happens(percent) ? { ...result, label: `${result.label}\0` } : result
}
