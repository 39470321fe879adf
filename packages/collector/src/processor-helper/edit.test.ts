/** Whose memory is what, when a processor has made other bytes of a batch. */
import { createBatch, freeMemory, ownMemory, type Chunk, type TelemetryBatch } from '@spoor/otlp'
import { expect, test } from 'vitest'
import { CollectorError, EMPTY_CONTEXT, type Consumer } from '../component/index.ts'
import { createSink, tracesRequest } from '../testkit/index.ts'
import { createChangingProcessor, editBatch } from './edit.ts'

const owned = (spans: number): Chunk => {
  const chunk = { bytes: tracesRequest({ spans }).slice(), items: spans }
  ownMemory(chunk)
  return chunk
}

/** Takes all spans out of chunks of one span, and renames those of others that have an even number. */
const change = (batch: TelemetryBatch): TelemetryBatch | undefined => {
  const isEven = batch.chunks.map(({ items }) => items % 2 === 0)
  return editBatch(
    'traces',
    batch,
    { item: (span) => (batch.items === 1 ? span.drop() : isEven[0] && (span.name = 'b')) },
    true,
  )
}

test('once the changed bytes are taken those that came are freed, and not those that went on', async () => {
  const sink = createSink()
  const processor = createChangingProcessor(sink, (batch) => {
    const [first, ...rest] = batch.chunks
    const changed = change(createBatch('traces', [first!]))!
    return createBatch('traces', [...changed.chunks, ...rest])
  })
  const [first, second] = [owned(2), owned(3)]
  const lengths = [first.bytes.length, second.bytes.length]
  await processor.consume(createBatch('traces', [first, second]), EMPTY_CONTEXT)
  expect(first.bytes).toHaveLength(0)
  expect(second.bytes).toHaveLength(lengths[1]!)
  expect(sink.batches[0]!.chunks[0]!.bytes.length).toBeGreaterThan(0)
  freeMemory(sink.batches[0]!)
  expect(sink.batches[0]!.chunks.map(({ bytes }) => bytes.length)).toEqual([0, 0])
})

test('what is not taken can be tried again', async () => {
  const sink = createSink()
  const processor = createChangingProcessor(sink, change)
  const chunk = owned(2)
  const batch = createBatch('traces', [chunk])
  sink.intercept = () => {
    throw new CollectorError('overloaded', 'full')
  }
  await expect(processor.consume(batch, EMPTY_CONTEXT)).rejects.toThrow('full')
  expect(chunk.bytes.length).toBeGreaterThan(0)
  sink.intercept = undefined
  await processor.consume(batch, EMPTY_CONTEXT)
  expect(sink.items).toBe(2)
  expect(chunk.bytes).toHaveLength(0)
})

test('what nothing is left of is freed', async () => {
  const sink = createSink()
  const chunk = owned(1)
  await createChangingProcessor(sink, change).consume(createBatch('traces', [chunk]), EMPTY_CONTEXT)
  expect(sink.batches).toEqual([])
  expect(chunk.bytes).toHaveLength(0)
})

test('what others have, too, is left to them', async () => {
  const chunk = { bytes: tracesRequest({ spans: 2 }).slice(), items: 2 }
  await createChangingProcessor(createSink(), change).consume(createBatch('traces', [chunk]), EMPTY_CONTEXT)
  expect(chunk.bytes.length).toBeGreaterThan(0)
})

test('a next stage that is done with what it was handed gets the memory with it', async () => {
  const sink = createSink()
  const seen: number[] = []
  sink.intercept = ({ chunks }) => {
    seen.push(chunks[0]!.bytes.length)
    throw new CollectorError('overloaded', 'full')
  }
  let made: Chunk | undefined
  const next: Consumer = { releases: true, consume: (batch, context) => sink.consume(batch, context) }
  const processor = createChangingProcessor(next, (batch) => {
    const changed = change(batch)
    made = changed?.chunks[0]
    return changed
  })
  const chunk = owned(2)
  await expect(processor.consume(createBatch('traces', [chunk]), EMPTY_CONTEXT)).rejects.toThrow('full')
  expect(seen[0]).toBeGreaterThan(0)
  expect(made!.bytes).toHaveLength(0)
  expect(chunk.bytes.length).toBeGreaterThan(0)
})
