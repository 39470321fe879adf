import { expect, it } from 'vitest'
import { attributes, batchOf, sent } from '../../conformance/spans.ts'
import { Inserter } from './inserter.ts'

it('has whoever sends wait when an insert hangs and the next one is full', async () => {
  const inserts: number[] = []
  const release = Promise.withResolvers<void>()
  const inserter = new Inserter(
    async (rows) => {
      inserts.push(rows.length)
      await release.promise
    },
    () => {},
    { insertBytes: 10_000 },
  )
  const text = 'x'.repeat(4_000)
  const batch = (id: number): ReturnType<typeof batchOf> =>
    batchOf(sent({ trace: 1, id, attributes: attributes({ text }) }))
  const appended = [inserter.append(batch(1))]
  await new Promise((resolve) => setImmediate(resolve))
  for (let id = 2; id < 30; id++) appended.push(inserter.append(batch(id)))
  await new Promise((resolve) => setImmediate(resolve))
  expect(inserts).toHaveLength(1)
  // What waits is no row yet.
  expect(inserter.pendingBytes).toBeLessThan(30_000)
  release.resolve()
  await Promise.all(appended)
  expect(inserter.appended).toBe(29)
  expect(inserts.length).toBeGreaterThan(10)
  expect(Math.max(...inserts)).toBeLessThan(20_000)
})
