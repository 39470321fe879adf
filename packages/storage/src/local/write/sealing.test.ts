import { readdirSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { nodeFileSystem, type FileSystem } from '../files/file-system.ts'
import { filesThat } from '../files/files.test.helper.ts'
import {
  bytesIn,
  FaultyFileSystem,
  idsOf,
  openTestStore,
  requestOfTrace,
  withParts,
  type StoreParts,
  type TestStore,
} from './ingest.test.harness.ts'

vi.setConfig({ testTimeout: 180_000 })

const SMALL = { segmentBytes: 3000 }
const ids = (count: number): string[] => idsOf(Array.from({ length: count }, (_, i) => i))

function namesOf({ directory }: StoreParts, kind: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith(kind))
}

/** Until nothing waits any more. What the sealer does takes real time. */
async function untilSealed({ clock }: StoreParts, store: TestStore): Promise<void> {
  // What is told now may be from before the last appends.
  await clock.pass(2_000)
  for (let i = 0; i < 1_000 && store.sealing()?.waitingSegments !== 0; i++) {
    await clock.pass(1_000)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(store.sealing()).toMatchObject({ waitingSegments: 0, waitingBytes: 0 })
  await clock.pass(3_000)
}

async function appendTo(store: TestStore, from: number, to: number): Promise<void> {
  for (let trace = from; trace < to; trace++) expect(await store.append(trace)).toBeUndefined()
}

it('seals what is closed, the oldest first, and tells how much it is', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts, SMALL, false, parts.files)
    await appendTo(store, 0, 40)
    const logs = namesOf(parts, '.log').length
    expect(store.sealing()).toBeUndefined()
    await untilSealed(parts, store)
    expect(namesOf(parts, '.log')).toHaveLength(1)
    expect(namesOf(parts, '.seal')).toHaveLength(logs - 1)
    expect(store.sealing()!.segments).toBe(logs - 1)
    const told = store.told('sealed') as { segments: number; spans: number }[]
    expect(told.reduce((sum, { segments }) => sum + segments, 0)).toBe(logs - 1)
    expect(await store.find()).toEqual(ids(40))
    await store.close()
    const again = await openTestStore(parts, SMALL)
    expect(await again.find()).toEqual(ids(40))
    expect(again.sealing()).toBeUndefined()
    await again.close()
    expect(parts.files.openFiles).toBe(0)
  })
})

it('goes on whichever call of sealing fails once: the log stays and counts, and in the end it is sealed', async () => {
  let calls = 1
  for (let failing = 0; failing < calls; failing++) {
    await withParts(async (parts) => {
      const files = new FaultyFileSystem()
      files.fault = (_operation, _name, call) => (call === failing ? (failing % 2 === 0 ? 'EIO' : 'ENOSPC') : undefined)
      const store = await openTestStore(parts, SMALL, false, files)
      await appendTo(store, 0, 14)
      await parts.clock.pass(1_500)
      expect(await store.find()).toEqual(ids(14))
      expect(await store.append(14)).toBeUndefined()
      await untilSealed(parts, store)
      expect(store.reasons()).toEqual([])
      expect(namesOf(parts, '.log')).toHaveLength(1)
      expect(namesOf(parts, '.new')).toEqual([])
      expect(await store.find()).toEqual(ids(15))
      await store.close()
      expect(files.openFiles).toBe(0)
      // What the sealer did in a run that ends before it fails is all that there is.
      calls = failing === 0 ? files.calls.length : calls
    })
  }
  expect(calls).toBeGreaterThan(30)
})

it('goes on whichever call of the writer that sealing needs fails once', async () => {
  for (const [operation, kind] of [
    ['rename', 'seal'],
    ['remove', 'idx'],
    ['remove', 'log'],
    ['list', ''],
  ] as const) {
    await withParts(async (parts) => {
      let left = 0
      const check = (what: string, name: string): void => {
        if (what === operation && name.endsWith(kind) && left-- > 0)
          throw Object.assign(new Error('EIO'), { code: 'EIO' })
      }
      const files: FileSystem = {
        ...nodeFileSystem,
        rename: (from, to) => (check('rename', to), nodeFileSystem.rename(from, to)),
        remove: (path) => (check('remove', path), nodeFileSystem.remove(path)),
        list: (path) => (check('list', ''), nodeFileSystem.list(path)),
      }
      const store = await openTestStore({ ...parts, files: files as FaultyFileSystem }, SMALL, false, nodeFileSystem)
      left = 1
      await appendTo(store, 0, 14)
      await untilSealed(parts, store)
      expect(store.reasons()).toEqual([])
      expect(namesOf(parts, '.log')).toHaveLength(1)
      expect(await store.find()).toEqual(ids(14))
      await store.close()
    })
  }
})

it('acknowledges and answers while the sealer hangs in the middle of it', async () => {
  await withParts(async (parts) => {
    const files = filesThat(() => ({ dataSync() {} }))
    const store = await openTestStore(parts, SMALL, false, files)
    await appendTo(store, 0, 14)
    await parts.clock.pass(5_000)
    expect(namesOf(parts, '.seal.new')).toHaveLength(1)
    await appendTo(store, 14, 30)
    expect(await store.find()).toEqual(ids(30))
    await store.close()
    expect(namesOf(parts, '.new')).toEqual([])
  })
})

it('keeps to its limit while both forms are there, and loses at most one segment for it', async () => {
  await withParts(async (parts) => {
    const maxBytes = 400_000
    const options = { maxBytes, segmentBytes: 16_000, reserveBytes: 0 }
    let most = 0
    const files = new FaultyFileSystem()
    const look = (): undefined => void (most = Math.max(most, bytesIn(parts.directory)))
    files.fault = look
    parts.files.fault = look
    // Filled without being sealed.
    const filled = await openTestStore(parts, options)
    let next = 0
    while (filled.told('dropped').length === 0)
      expect(await filled.append(next, requestOfTrace(next++, 60))).toBeUndefined()
    const { length: before } = await filled.find()
    await filled.close()
    const store = await openTestStore(parts, options, false, files)
    await untilSealed(parts, store)
    expect(most).toBeLessThan(maxBytes + 20_000)
    const { length: after } = await store.find()
    expect(before - after).toBeLessThanOrEqual(0.05 * before)
    // What was saved is room for more.
    const dropped = store.told('dropped').length
    for (let i = 0; i < 10; i++) expect(await store.append(next, requestOfTrace(next++, 60))).toBeUndefined()
    expect(store.told('dropped')).toHaveLength(dropped)
    await store.close()
  })
})

it('seals nothing while the disk has no room beyond the reserve, and drops nothing for it', async () => {
  await withParts(async (parts) => {
    parts.files.freeBytes = 10_000_000
    parts.files.totalBytes = 10_000_000
    const options = { ...SMALL, reserveBytes: 1_000_000 }
    const store = await openTestStore(parts, options, false, nodeFileSystem)
    await appendTo(store, 0, 30)
    parts.files.freeBytes = 1_002_000
    await parts.clock.pass(120_000)
    expect(namesOf(parts, '.seal')).toEqual([])
    expect(store.told('dropped')).toEqual([])
    expect(store.sealing()!.waitingSegments).toBeGreaterThan(1)
    parts.files.freeBytes = 2_000_000
    await untilSealed(parts, store)
    expect(namesOf(parts, '.log')).toHaveLength(1)
    await store.close()
  })
})

it('waits while much comes in', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts, { segmentBytes: 100_000 }, false, parts.files)
    let next = 0
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 20; i++) await store.append(next, requestOfTrace(next++, 1_500))
      await parts.clock.pass(900)
    }
    expect(store.sealing()!.waitingBytes).toBeGreaterThan(1_000_000)
    expect(store.sealing()!.segments).toBe(0)
    await untilSealed(parts, store)
    expect(store.sealing()!.segments).toBeGreaterThan(5)
    await store.close()
  })
})
