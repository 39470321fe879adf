import { expect, test } from 'vitest'
import { createBatch, type Chunk } from './batch.ts'
import { freeMemory, ownMemory, shareMemory } from './chunk-memory.ts'

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
