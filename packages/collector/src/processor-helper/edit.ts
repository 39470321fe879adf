/** Processors that change what is in a batch on its bytes, and hand on the rest as it came. */
import {
  createBatch,
  editItems,
  editRequest,
  freeMemory,
  giveMemory,
  ownMemory,
  type AttributeEdits,
  type Chunk,
  type Signal,
  type TelemetryBatch,
  type Visitor,
} from '@spoor/otlp'
import { toCollectorError, type Component, type Consumer, type DeliveryContext } from '../component/index.ts'

export interface EditingOptions<S extends Signal> {
  /** What to do with a batch that came with this context. */
  readonly visitor: (context: DeliveryContext) => Visitor<S>
  /** The same as the visitor, faster where it can be used; the visitor is for the rest. */
  readonly edits?: AttributeEdits | undefined
  /** Whether it takes items out, so that they must be counted. Default: false. */
  readonly drops?: boolean
}

/**
 * A processor that is nothing but what it makes of a batch: it has no state, and is as durable as what comes next. `change` gives undefined for a
 * batch that nothing is left of, which ends here; what it throws refuses the batch. Chunks that `change` makes must be in memory of their own: it goes
 * with them, and that of the chunks in whose place they are is free once they are taken.
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
      if (changed === batch) return next.consume(batch, context)
      if (changed !== undefined) return handOn(changed, batch, next, context)
      return Promise.resolve().then(() => freeMemory(batch))
    },
  }
}

async function handOn(
  changed: TelemetryBatch,
  before: TelemetryBatch,
  next: Consumer,
  context: DeliveryContext,
): Promise<void> {
  const old = new Set(before.chunks)
  const made = changed.chunks.filter((chunk) => !old.has(chunk))
  const isReleased = next.releases === true
  for (const chunk of made) (isReleased ? giveMemory : ownMemory)(chunk)
  const kept = new Set(changed.chunks)
  try {
    await next.consume(changed, context)
  } finally {
    if (isReleased) freeMemory({ chunks: made })
  }
  freeMemory({ chunks: before.chunks.filter((chunk) => !kept.has(chunk)) })
}

/** One that is nothing but its edits. */
export function createEditingProcessor<S extends Signal>(
  signal: S,
  next: Consumer,
  { visitor, edits, drops = false }: EditingOptions<S>,
): Component & Consumer {
  return createChangingProcessor(next, (batch, context) => {
    const views = visitor(context)
    return changeBatch(signal, batch, (chunk) => {
      const bytes = edits?.apply(chunk.bytes)
      return bytes ? { bytes, items: chunk.items } : editChunk(signal, chunk, views, drops)
    })
  })
}

/** The batch as the visitor changes it: itself where it changes nothing, undefined where nothing is left. */
export function editBatch<S extends Signal>(
  signal: S,
  batch: TelemetryBatch,
  visitor: Visitor<S>,
  drops: boolean,
): TelemetryBatch | undefined {
  return changeBatch(signal, batch, (chunk) => editChunk(signal, chunk, visitor, drops))
}

function editChunk<S extends Signal>(signal: S, { bytes, items }: Chunk, visitor: Visitor<S>, drops: boolean): Chunk {
  return drops ? editItems(signal, bytes, items, visitor) : { bytes: editRequest(signal, bytes, visitor), items }
}

function changeBatch(
  signal: Signal,
  batch: TelemetryBatch,
  change: (chunk: Chunk) => Chunk,
): TelemetryBatch | undefined {
  let isChanged = false
  const chunks: Chunk[] = []
  for (const chunk of batch.chunks) {
    const changed = change(chunk)
    if (changed.bytes === chunk.bytes) chunks.push(chunk)
    else {
      isChanged = true
      if (changed.bytes.length > 0) chunks.push(changed)
    }
  }
  if (!isChanged) return batch
  return chunks.length === 0 ? undefined : createBatch(signal, chunks)
}
