import { expect, test } from 'vitest'
import { createBatch, type Chunk } from './batch.ts'
import { freeMemory, giveMemory, ownMemory, shareMemory, takeMemory } from './chunk-memory.ts'

const chunk = (): Chunk => ({
  bytes: Uint8Array.of(1, 2, 3),
  items: 1,
  compressed: { coding: 'gzip', bytes: Uint8Array.of(4, 5) },
})
const lengths = ({ bytes, compressed }: Chunk): number[] => [bytes.length, compressed!.bytes.length]

test('what is owned is free, with its compressed form, and nothing else', () => {
  const [owned, other] = [chunk(), chunk()]
  ownMemory(owned)
  freeMemory(createBatch('traces', [owned, other]))
  expect([lengths(owned), lengths(other)]).toEqual([
    [0, 0],
    [3, 2],
  ])
  freeMemory({ chunks: [owned] })
})

test('what was shared is never freed', () => {
  const shared = chunk()
  ownMemory(shared)
  shareMemory({ chunks: [shared] })
  freeMemory({ chunks: [shared] })
  expect(lengths(shared)).toEqual([3, 2])
})

test('what was given can be taken once, unless it was shared, and what is left of it be freed', () => {
  const [given, owned, shared] = [chunk(), chunk(), chunk()]
  giveMemory(given)
  ownMemory(owned)
  giveMemory(shared)
  shareMemory({ chunks: [shared] })
  expect([owned, shared].map((other) => takeMemory({ chunks: [other] }))).toEqual([undefined, undefined])
  expect(takeMemory({ chunks: [given, owned] })).toBeUndefined()
  const buffer = takeMemory({ chunks: [given] })!
  expect([buffer, takeMemory({ chunks: [given] })]).toEqual([given.bytes.buffer, undefined])
  structuredClone(buffer, { transfer: [buffer] })
  freeMemory({ chunks: [given] })
  expect(lengths(given)).toEqual([0, 0])
})

test('what begins in the middle of a buffer is not taken', () => {
  const part: Chunk = { bytes: new Uint8Array(8).subarray(2), items: 1 }
  giveMemory(part)
  expect(takeMemory({ chunks: [part] })).toBeUndefined()
})
