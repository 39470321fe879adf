/** Processors that change what is in a batch on its bytes, and hand on the rest as it came. */
import {
  countItems,
  createBatch,
  editRequest,
  type Chunk,
  type Signal,
  type TelemetryBatch,
  type Visitor,
} from '@spoor/otlp'
import { toCollectorError, type Component, type Consumer, type DeliveryContext } from '../component/index.ts'

export interface EditingOptions<S extends Signal> {
  /** What to do with a batch that came with this context. */
  readonly visitor: (context: DeliveryContext) => Visitor<S>
  /** Whether it takes items out, so that they must be counted. Default: false. */
  readonly drops?: boolean
}

/**
 * A processor that is nothing but what it makes of a batch: it has no state, and is as durable as what comes next. `change` gives undefined for a
 * batch that nothing is left of, which ends here; what it throws refuses the batch.
 */
export function createChangingProcessor(
  next: Consumer,
  change: (batch: TelemetryBatch, context: DeliveryContext) => TelemetryBatch | undefined,
): Component & Consumer {
  return {
    start: async () => {},
    shutdown: async () => {},
    consume(batch, context) {
      let changed
      try {
        changed = change(batch, context)
      } catch (error) {
        return Promise.reject(toCollectorError(error))
      }
      return changed === undefined ? Promise.resolve() : next.consume(changed, context)
    },
  }
}

/** One that is nothing but its edits. */
export function createEditingProcessor<S extends Signal>(
  signal: S,
  next: Consumer,
  { visitor, drops = false }: EditingOptions<S>,
): Component & Consumer {
  return createChangingProcessor(next, (batch, context) => editBatch(signal, batch, visitor(context), drops))
}

/** The batch as the visitor changes it: itself where it changes nothing, undefined where nothing is left. */
export function editBatch<S extends Signal>(
  signal: S,
  batch: TelemetryBatch,
  visitor: Visitor<S>,
  drops: boolean,
): TelemetryBatch | undefined {
  let isChanged = false
  const chunks: Chunk[] = []
  for (const chunk of batch.chunks) {
    const bytes = editRequest(signal, chunk.bytes, visitor)
    if (bytes === chunk.bytes) chunks.push(chunk)
    else {
      isChanged = true
      if (bytes.length > 0) chunks.push({ bytes, items: drops ? countItems(signal, bytes) : chunk.items })
    }
  }
  if (!isChanged) return batch
  return chunks.length === 0 ? undefined : createBatch(signal, chunks)
}
