import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  HandClock,
  FaultyFileSystem,
  idsOf,
  largeRequest,
  openTestStore,
  withParts,
  type Operation,
  type StoreParts,
  type TestStore,
} from './ingest.test.harness.ts'

/** Small segments of a few records each, so that every path is walked within a dozen appends. */
const SMALL = { segmentBytes: 3000 }

/** What is found must be what was acknowledged, and nothing that was never sent; what was refused may be there or not. */
async function expectWhole(store: TestStore, acknowledged: ReadonlySet<number>, sentUntil: number): Promise<void> {
  const found = await store.find()
  const missing = idsOf(acknowledged).filter((id) => !found.includes(id))
  expect(missing).toEqual([])
  const sent = idsOf(Array.from({ length: sentUntil }, (_, i) => i))
  expect(found.filter((id) => !sent.includes(id))).toEqual([])
}

async function reopen({ directory }: StoreParts): Promise<TestStore> {
  return openTestStore({ directory, files: new FaultyFileSystem(), clock: new HandClock() }, SMALL)
}

/** Appends a dozen traces while `fault` is there, two more after it went, and closes; returns what was acknowledged. */
async function ordeal(parts: StoreParts, fault: FaultyFileSystem['fault']): Promise<void> {
  const { files, clock } = parts
  const store = await openTestStore(parts, SMALL, true)
  const acknowledged = new Set<number>()
  files.fault = fault
  let trace = 0
  for (; trace < 12; trace++) {
    const code = await store.append(trace)
    if (code === undefined) acknowledged.add(trace)
    else expect(['io', 'disk_full']).toContain(code)
  }
  await expectWhole(store, acknowledged, trace)
  files.fault = () => undefined
  for (; trace < 14; trace++) {
    expect(await store.append(trace)).toBeUndefined()
    acknowledged.add(trace)
  }
  await clock.pass(60_000)
  expect(store.isWritable()).toBe(true)
  await expectWhole(store, acknowledged, trace)
  expect(store.told('failing').length + store.told('full').length).toBe(store.told('recovered_again').length)
  await store.close()
  const again = await reopen(parts)
  await expectWhole(again, acknowledged, trace)
  // What an interrupted write left is gone: no empty segments, no probe.
  expect(readdirSync(parts.directory).filter((name) => name.endsWith('.tmp'))).toEqual([])
  await again.close()
}

it('loses nothing acknowledged and works again when any one call fails, whichever it is, or any few in a row', async () => {
  let calls = Infinity
  for (const [code, times] of [
    ['EIO', 1],
    ['ENOSPC', 3],
  ] as const) {
    for (let at = 0; at < calls; at++) {
      await withParts(async (parts) => {
        let first = -1
        await ordeal(parts, (_operation, _name, call) => {
          if (first < 0) first = call
          return call - first >= at && call - first < at + times ? code : undefined
        })
        calls = Math.min(calls, parts.files.calls.length)
      })
    }
  }
  expect(calls).toBeGreaterThan(60)
}, 120_000)

it.for([
  'open',
  'write',
  'truncate',
  'sync',
  'dataSync',
  'close',
  'stat',
  'remove',
  'syncDirectory',
] satisfies Operation[])(
  'loses nothing acknowledged and works again when every %s fails for a while',
  async (operation) => {
    await withParts((parts) => ordeal(parts, (called) => (called === operation ? 'EIO' : undefined)))
    await withParts((parts) =>
      ordeal(parts, (called, name) => (called === operation && name.endsWith('.idx') ? 'EIO' : undefined)),
    )
    await withParts((parts) =>
      ordeal(parts, (called, _name, call) => (called === operation && call % 3 ? 'EIO' : undefined)),
    )
  },
)

it('tells once that the disk fails, however many requests it costs, and once that it works again', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    expect(await store.append(0)).toBeUndefined()
    parts.files.fault = (operation) => (operation === 'dataSync' ? 'EIO' : undefined)
    for (let trace = 1; trace < 50; trace++) expect(await store.append(trace)).toBe('io')
    expect(store.told('failing')).toEqual([
      { code: 'failing', part: 'disk', reason: expect.stringContaining('syncing the log: EIO') as string },
    ])
    expect(store.isWritable()).toBe(false)
    parts.files.fault = () => undefined
    expect(await store.append(50)).toBeUndefined()
    expect(store.told('recovered_again')).toEqual([
      expect.objectContaining({ part: 'disk', failures: expect.any(Number) as number }),
    ])
    expect(store.isWritable()).toBe(true)
    expect(await store.find()).toEqual(idsOf([0, 50]))
    await store.close()
  })
})

it('is told to work again only when a write and its sync have succeeded', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    await store.append(0)
    let broken: Operation = 'write'
    parts.files.fault = (operation) => (operation === broken ? 'EIO' : undefined)
    expect(await store.append(1)).toBe('io')
    broken = 'dataSync'
    expect(await store.append(2)).toBe('io')
    await parts.clock.pass(120_000)
    expect(store.told('recovered_again')).toEqual([])
    await store.close()
  })
})

it('finds out by itself that the disk works again, when nothing comes to be written', async () => {
  await withParts(async (parts) => {
    const { clock, files } = parts
    const store = await openTestStore(parts)
    files.fault = (operation) => (operation === 'dataSync' || operation === 'sync' ? 'EIO' : undefined)
    expect(await store.append(0)).toBe('io')
    await clock.pass(300_000)
    expect(store.isWritable()).toBe(false)
    const tries = files.calls.filter((call) => call === 'dataSync probe.tmp').length
    // With pauses of 1, 2, 4, 8, 16, 30, 30 ... seconds.
    expect(tries).toBeGreaterThan(8)
    expect(tries).toBeLessThan(16)
    files.fault = () => undefined
    await clock.pass(31_000)
    expect(store.isWritable()).toBe(true)
    expect(store.told('failing')).toHaveLength(1)
    expect(store.told('recovered_again')).toHaveLength(1)
    expect(existsSync(join(parts.directory, 'probe.tmp'))).toBe(false)
    await store.close()
  })
})

it('does not trust a log any more whose sync failed: a new one begins, and the old one keeps what was acknowledged', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    await store.append(0)
    let fails = true
    parts.files.fault = (operation) => (operation === 'dataSync' && fails ? 'EIO' : undefined)
    expect(await store.append(1)).toBe('io')
    fails = false
    parts.files.calls.length = 0
    await store.append(2)
    expect(parts.files.calls.filter((call) => call.endsWith('00000001.log') && /write|dataSync/.test(call))).toEqual([])
    expect(parts.files.calls).toContain('dataSync 00000002.log')
    expect(await store.find()).toEqual(idsOf([0, 2]))
    await store.close()
  })
})

it('goes on in the same log after a write that failed and could be cut off', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    await store.append(0)
    parts.files.fault = (operation, name) => (operation === 'write' && name.endsWith('.log') ? 'EIO' : undefined)
    expect(await store.append(1)).toBe('io')
    parts.files.fault = () => undefined
    await store.append(2)
    await store.close()
    expect(readdirSync(parts.directory).filter((name) => name.endsWith('.log'))).toEqual(['00000001.log'])
    const again = await reopen(parts)
    expect(await again.find()).toEqual(idsOf([0, 2]))
    await again.close()
  })
})

it('leaves no heap of beginnings behind while no segment can be begun', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    parts.files.fault = (operation) => (operation === 'sync' || operation === 'remove' ? 'EIO' : undefined)
    for (let trace = 0; trace < 100; trace++) expect(await store.append(trace)).toBe('io')
    expect(readdirSync(parts.directory).length).toBeLessThanOrEqual(4)
    parts.files.fault = () => undefined
    expect(await store.append(100)).toBeUndefined()
    await store.close()
    const again = await reopen(parts)
    expect(await again.find()).toEqual(idsOf([100]))
    await again.close()
  })
})

it('does not delete a log that somebody else put where the next segment would go', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    const foreign = join(parts.directory, '00000001.log')
    writeFileSync(foreign, 'not ours')
    expect(await store.append(0)).toBeUndefined()
    expect(readFileSync(foreign, 'utf8')).toBe('not ours')
    expect(existsSync(join(parts.directory, '00000002.log'))).toBe(true)
    await store.close()
  })
})

it('keeps a block in memory whose index cannot be written, says so, and refuses nothing', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts, { segmentBytes: 1 })
    // The index's header is written with the segment; the block's is the second write.
    let writes = 0
    parts.files.fault = (operation, name) =>
      operation === 'write' && name.endsWith('.idx') && writes++ > 0 ? 'EIO' : undefined
    expect(await store.append(0)).toBeUndefined()
    expect(store.told('failing')).toEqual([expect.objectContaining({ part: 'index' })])
    expect(store.isWritable()).toBe(true)
    expect(await store.find()).toEqual(idsOf([0]))
    parts.files.fault = () => undefined
    expect(await store.append(1)).toBeUndefined()
    expect(store.told('recovered_again')).toEqual([expect.objectContaining({ part: 'index' })])
    expect(await store.find()).toEqual(idsOf([0, 1]))
    await store.close()
    const again = await reopen(parts)
    expect(await again.find()).toEqual(idsOf([0, 1]))
    await again.close()
  })
})

it('ends a segment whose index lacks a block: there must be no gap in it', async () => {
  await withParts(async (parts) => {
    const { files } = parts
    const store = await openTestStore(parts, { segmentBytes: 12_000 })
    let trace = 0
    // The index's header is written with the segment.
    const isHeader = (call: string): boolean => call === 'write 00000001.log'
    files.fault = (operation, name) =>
      operation === 'write' && name === '00000001.idx' && files.calls.filter(isHeader).length > 1 ? 'EIO' : undefined
    while (store.told('failing').length === 0) expect(await store.append(trace++)).toBeUndefined()
    files.fault = () => undefined
    files.calls.length = 0
    for (let i = 0; i < 5; i++) expect(await store.append(trace++)).toBeUndefined()
    expect(files.calls.filter((call) => call.startsWith('write 00000001'))).toEqual([])
    expect(await store.find()).toEqual(idsOf(Array.from({ length: trace }, (_, i) => i)))
    await store.close()
  })
})

it('closes, whatever fails', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    await store.append(0)
    parts.files.fault = (operation) => (operation === 'read' ? undefined : 'EIO')
    expect(await store.append(1)).toBe('io')
    await store.close()
    const again = await reopen(parts)
    expect(await again.find()).toEqual(idsOf([0]))
    await again.close()
  })
})

it('leaves out what the disk does not give out, tells it as that and not as damage, and takes it in when the disk does', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts, { segmentBytes: 10_000 })
    for (let trace = 0; trace < 60; trace++)
      expect(await store.append(trace, largeRequest(trace, 2, 2000))).toBeUndefined()
    await store.close()
    const logs = readdirSync(parts.directory).filter((name) => name.endsWith('.log'))
    expect(logs.length).toBeGreaterThan(3)
    const refused = [logs[1], logs.at(-1)]
    parts.files.fault = (operation, name) => (operation === 'read' && refused.includes(name) ? 'EIO' : undefined)
    const again = await openTestStore(parts, { segmentBytes: 10_000 })
    const found = (await again.find()).length
    expect(found).toBeGreaterThan(10)
    expect(found).toBeLessThan(60)
    expect(await again.append(60)).toBeUndefined()
    await parts.clock.pass(600_000)
    expect(again.told('failing')).toEqual([
      { code: 'failing', part: 'segments', reason: expect.stringContaining(`${logs[1]}: EIO`) as string },
    ])
    expect(again.isWritable()).toBe(true)
    parts.files.fault = () => undefined
    await parts.clock.pass(41_000)
    expect(await again.find()).toEqual(idsOf(Array.from({ length: 61 }, (_, trace) => trace)))
    expect(again.told('recovered_again')).toMatchObject([{ part: 'segments' }])
    expect(again.told('damaged')).toEqual([])
    await again.close()
    const last = await reopen(parts)
    expect(last.told('damaged')).toEqual([])
    expect(await last.find()).toHaveLength(61)
    await last.close()
  })
})

it('takes no number for a beginning that could not be deleted', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    await store.append(0)
    // The log of the second one stays, empty and without trust in it.
    parts.files.fault = (operation, name) =>
      operation === 'dataSync' || (operation === 'remove' && name === '00000002.log') ? 'EIO' : undefined
    expect(await store.append(1)).toBe('io')
    expect(await store.append(2)).toBe('io')
    expect(await store.append(3)).toBe('io')
    parts.files.fault = () => undefined
    expect(await store.append(4)).toBeUndefined()
    await store.close()
    const again = await reopen(parts)
    expect(again.told('damaged')).toEqual([])
    expect(await again.find()).toEqual(idsOf([0, 4]))
    await again.close()
  })
})

it('writes a batch that comes alone at once, and waits for company where there was some', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    const syncs = (): number => parts.files.calls.filter((call) => call.startsWith('dataSync')).length
    const alone = store.append(0)
    expect(syncs()).toBe(1)
    await alone
    await Promise.all([1, 2, 3].map((trace) => store.append(trace)))
    expect(syncs()).toBe(3)
    await Promise.all([4, 5].map((trace) => store.append(trace)))
    expect(syncs()).toBe(4)
    await store.append(6)
    const aloneAgain = store.append(7)
    expect(syncs()).toBe(6)
    await aloneAgain
    await store.close()
  })
})
