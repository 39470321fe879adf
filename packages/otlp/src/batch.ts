export type Signal = 'traces' | 'metrics' | 'logs'

/** Content codings that a sender's compressed bytes are kept in. */
export type Coding = 'gzip'

/**
 * One serialized piece of a batch: a valid `Export…ServiceRequest` of its own. `bytes` is the uncompressed message and
 * is never changed. `compressed`, where present, is the same message as the sender compressed it, kept so that it can
 * leave as it came.
 */
export interface Chunk {
  readonly bytes: Uint8Array
  /** Spans, log records or metric data points in it. */
  readonly items: number
  readonly compressed?: { readonly coding: Coding; readonly bytes: Uint8Array }
}

/**
 * What components hand on: serialized telemetry of one signal, as chunks whose concatenation is one valid request.
 * Joining is adding chunks to a list; nothing is decoded until somebody asks for `columnsOf` a chunk, and then once.
 */
export interface TelemetryBatch {
  readonly signal: Signal
  readonly chunks: readonly Chunk[]
  /** Sum over the chunks. */
  readonly items: number
  /** Sum of the uncompressed chunk sizes, in bytes. */
  readonly byteLength: number
  /**
   * The buffers that its bytes are in are the consumer's, who may move them to another thread: nobody else reads them, now or later.
   * Default: they are shared.
   */
  readonly disposable?: true
}

export function createBatch(signal: Signal, chunks: readonly Chunk[]): TelemetryBatch {
  let items = 0
  let byteLength = 0
  for (const chunk of chunks) {
    items += chunk.items
    byteLength += chunk.bytes.length
  }
  return { signal, chunks, items, byteLength }
}

/** The chunks of all batches, in order, as one batch. They must be of one signal. */
export function joinBatches(batches: readonly TelemetryBatch[]): TelemetryBatch {
  const first = batches[0]
  if (!first) throw new RangeError('joinBatches needs at least one batch')
  return batches.length === 1
    ? first
    : createBatch(
        first.signal,
        batches.flatMap((batch) => batch.chunks),
      )
}
