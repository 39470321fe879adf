import { once } from 'node:events'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { garbageWatch, threadCollector } from './garbage.ts'

const MIB = 1024 * 1024

test('garbage is collected when there is too much, first what came lately', () => {
  const kinds: string[] = []
  let bytes = 10
  const look = garbageWatch(
    100,
    (kind) => kinds.push(kind),
    () => bytes,
  )
  const at = (outside: number): string[] => {
    bytes = outside
    look()
    return kinds.splice(0)
  }
  expect([at(10), at(110)]).toEqual([[], []])
  expect(at(111)).toEqual(['minor'])
  // That was enough.
  expect([at(20), at(110)]).toEqual([[], []])
  expect(at(200)).toEqual(['minor'])
  // What it frees is seen a moment later.
  expect([at(200), at(233), at(90)]).toEqual([[], [], []])
  expect([at(200), at(234)]).toEqual([['minor'], ['major']])
  expect([at(234), at(267)]).toEqual([[], []])
  // What is left is alive.
  expect([at(268), at(368)]).toEqual([[], []])
  expect(at(369)).toEqual(['minor'])
  // What is given back is no more of it.
  expect([at(50), at(151)]).toEqual([[], ['minor']])
})

test('threads do not take the function that collects from each other, and leave no trace', async () => {
  const taker = new Worker(
    `const { setFlagsFromString } = require('node:v8')
     require('node:worker_threads').parentPort.postMessage('taking')
     for (;;) setFlagsFromString('--no-expose-gc')`,
    { eval: true },
  )
  await once(taker, 'message')
  for (let i = 0; i < 50; i++) threadCollector()('minor')
  await taker.terminate()
  expect(runInNewContext('typeof gc')).toBe('undefined')
})

test('buffers that nobody has any more are freed at once', async () => {
  const collect = threadCollector()
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 8; i++) new Uint8Array(MIB).fill(1)
  collect('major')
  await expect.poll(() => process.memoryUsage().arrayBuffers - before).toBeLessThan(MIB)
})
