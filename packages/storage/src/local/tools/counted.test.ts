import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { attributes, batchOf, sent, traceId } from '../../conformance/spans.ts'
import type { AggregateQuery, Aggregates } from '../../contract.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { readSealed, type PlacedSection } from '../files/sealed-file.ts'
import { sealedPath } from '../files/segment.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { deleteFrom } from './delete.ts'
import { edit, sealAll } from './store.test.helper.ts'
import { verifyStore } from './verify.ts'

/*
 * What a sealed section knows of its spans, in the store's files: it is there after a restart, is never needed, and is of what is there.
 */

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const TRACES = 2_500
const byName: AggregateQuery = { groupBy: [{ field: 'name' }] }

let directory: string

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-counted-'))
  const store = await openInSameThread({ directory, seal: false })
  const spans = Array.from({ length: 2 * TRACES }, (_, i) => {
    const trace = i >> 1
    const own = { trace, id: (i % 2) + 1, at: trace, ms: 1 + (i % 7) }
    return sent({ ...own, name: i % 2 === 0 ? 'call' : 'inner', attributes: attributes({ tenant: `t${trace % 5}` }) })
  })
  await store.append(batchOf(...spans))
  await store.close()
  await sealAll(directory)
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function ask(query = byName): Promise<Aggregates> {
  const store = await openInSameThread({ directory, seal: false })
  try {
    return await store.aggregate(query)
  } finally {
    await store.close()
  }
}

function section(): PlacedSection {
  const path = sealedPath(directory, 1)
  const file = nodeFileSystem.open(path, 'read')
  try {
    return readSealed(file, path).sections[0]!
  } finally {
    file.close()
  }
}

const countsOf = ({ groups }: Aggregates): string[] => groups.map(({ key, count }) => `${key[0]} ${count}`)

it('answers the first question after a start without a look at a span', async () => {
  const found = await ask()
  expect(countsOf(found)).toEqual([`call ${TRACES}`, `inner ${TRACES}`])
  expect(found).toMatchObject({ complete: true, spansScanned: 0 })
  // All that is there of the spans takes some twenty bytes each.
  expect(found.bytesRead).toBeLessThan(8 * TRACES)
  expect((await ask({ ...byName, exemplars: 2 })).spansScanned).toBe(2 * TRACES)
})

it('is of what is left when spans are deleted', async () => {
  await deleteFrom(directory, { attribute: 'tenant', value: 't3' })
  const left = (TRACES * 4) / 5
  const after = await ask()
  expect(countsOf(after)).toEqual([`call ${left}`, `inner ${left}`])
  expect(after.spansScanned).toBeLessThanOrEqual(2 * left)
  await deleteFrom(directory, { traceIds: [traceId(0)] })
  expect(countsOf(await ask())).toEqual([`call ${left - 1}`, `inner ${left - 1}`])
})

it('is verified, and not believed when it is damaged: then spans are counted', async () => {
  expect((await verifyStore(directory)).ok).toBe(true)
  const { body, meta } = section()
  edit(sealedPath(directory, 1), (bytes) => (bytes[body.offset + meta.counts!.offset + 20]! ^= 0x41))
  expect((await verifyStore(directory)).ok).toBe(false)
  const found = await ask()
  expect(countsOf(found)).toEqual([`call ${TRACES}`, `inner ${TRACES}`])
  expect(found).toMatchObject({ complete: true, spansScanned: 2 * TRACES })
})
