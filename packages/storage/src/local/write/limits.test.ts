import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { find, spansOf } from '../../conformance/harness.ts'
import { traceId } from '../../conformance/spans.ts'
import { createBatch } from '@spoor/otlp'
import type { StoreEvent } from '../../events.ts'
import { openLocalStore } from '../threads/local-store.ts'
import {
  bytesIn,
  FaultyFileSystem,
  HandClock,
  idsOf,
  largeRequest,
  openTestStore,
  requestOfTrace,
  withParts,
  type TestStore,
} from './ingest.test.harness.ts'

const MB = 1_000_000
const HOUR = 3_600_000
/** Of a request of `largeRequest(trace, 50, 1000)`, on disk with its index. */
const REQUEST_BYTES = 40_000

type Dropped = Extract<StoreEvent, { code: 'dropped' }>
const droppedOf = (store: TestStore): Dropped[] => store.told('dropped') as Dropped[]
const logsIn = (directory: string): string[] => readdirSync(directory).filter((name) => name.endsWith('.log'))
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

it('holds the limit of size under load, drops at most a twentieth at once, and keeps the newest whole', async () => {
  await withParts(async (parts) => {
    const maxBytes = 5 * MB
    const store = await openTestStore(parts, { maxBytes })
    let before = 0
    for (let trace = 0; trace < 600; trace++) {
      expect(await store.append(trace, largeRequest(trace, 50, 1000))).toBeUndefined()
      const bytes = bytesIn(parts.directory)
      expect(bytes).toBeLessThanOrEqual(maxBytes + REQUEST_BYTES)
      expect(before - bytes).toBeLessThanOrEqual(0.05 * before)
      before = bytes
    }
    expect(before).toBeGreaterThan(0.9 * maxBytes)
    const dropped = droppedOf(store)
    for (const { bytes, segments, reason, oldest, newest } of dropped) {
      expect(bytes).toBeLessThanOrEqual(0.05 * maxBytes)
      expect(segments).toBeGreaterThan(0)
      expect(reason).toBe('size')
      expect(BigInt(oldest!)).toBeLessThanOrEqual(BigInt(newest!))
    }
    const found = await store.find()
    expect(found).toEqual(idsOf(range(600 - found.length, 600)))
    // Each span that is gone was told of.
    expect(dropped.reduce((sum, { spans }) => sum + spans, 0)).toBe(50 * (600 - found.length))
    await store.close()
    expect(bytesIn(parts.directory)).toBeLessThanOrEqual(maxBytes + REQUEST_BYTES)
  })
}, 60_000)

it('begins a segment anew before log and index together pass a twentieth of the store', async () => {
  await withParts(async (parts) => {
    const maxBytes = 3 * MB
    const store = await openTestStore(parts, { maxBytes })
    for (let trace = 0; trace < 80; trace++) await store.append(trace, requestOfTrace(trace, 200))
    const sizes = logsIn(parts.directory).map((name) =>
      [name, name.replace('log', 'idx')].reduce((sum, file) => sum + statSync(join(parts.directory, file)).size, 0),
    )
    expect(sizes.length).toBeGreaterThan(3)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(0.04 * maxBytes)
    await store.close()
  })
})

it('opens a store far above its limit, and shrinks it smoothly while it is used', async () => {
  await withParts(async (parts) => {
    const first = await openTestStore(parts, { segmentBytes: 100_000 })
    for (let trace = 0; trace < 150; trace++) await first.append(trace, largeRequest(trace, 50, 1000))
    await first.close()
    const full = bytesIn(parts.directory)
    expect(full).toBeGreaterThan(4 * MB)
    const maxBytes = 2 * MB
    const store = await openTestStore(parts, { maxBytes })
    expect(bytesIn(parts.directory)).toBeGreaterThan(0.9 * full)
    expect(await store.append(150, largeRequest(150, 50, 1000))).toBeUndefined()
    await parts.clock.pass(400_000)
    expect(bytesIn(parts.directory)).toBeLessThanOrEqual(maxBytes)
    for (const { bytes } of droppedOf(store)) expect(bytes).toBeLessThanOrEqual(0.05 * full)
    const found = await store.find()
    expect(found).toEqual(idsOf(range(151 - found.length, 151)))
    expect(found.length).toBeGreaterThan(40)
    await store.close()
  })
}, 60_000)

it('counts what is kept aside against the limit, up to half of it, and never deletes it', async () => {
  await withParts(async (parts) => {
    const damaged = join(parts.directory, 'damaged')
    mkdirSync(damaged)
    writeFileSync(join(damaged, '00000001.log.damaged'), Buffer.alloc(MB))
    const store = await openTestStore(parts, { maxBytes: 3 * MB })
    for (let trace = 0; trace < 200; trace++) await store.append(trace, largeRequest(trace, 50, 1000))
    expect(bytesIn(parts.directory)).toBeLessThanOrEqual(3 * MB + REQUEST_BYTES)
    writeFileSync(join(damaged, 'more'), Buffer.alloc(9 * MB))
    await parts.clock.pass(300_000)
    expect(bytesIn(parts.directory)).toBeGreaterThan(11 * MB)
    expect((await store.find()).length).toBeGreaterThan(20)
    await store.close()
  })
}, 60_000)

it('tells once that old data cannot be deleted, goes on counting it, and deletes it when that can be done', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts, { maxBytes: 3 * MB })
    const fixed = ['00000001.log', '00000002.log', '00000005.log']
    parts.files.fault = (operation, name) => (operation === 'remove' && fixed.includes(name) ? 'EBUSY' : undefined)
    for (let trace = 0; trace < 150; trace++) {
      expect(await store.append(trace, largeRequest(trace, 50, 1000))).toBeUndefined()
      // More of what can be deleted goes for it, as smoothly as ever.
      expect(bytesIn(parts.directory)).toBeLessThanOrEqual(1.05 * 3 * MB)
    }
    expect(logsIn(parts.directory)).toEqual(expect.arrayContaining(fixed))
    expect(store.told('failing')).toEqual([
      { code: 'failing', part: 'retention', reason: expect.stringContaining('EBUSY') as string },
    ])
    expect(store.isWritable()).toBe(true)
    // Numbers that are missing in the middle would say that segments were lost.
    const copy = `${parts.directory}-copy`
    cpSync(parts.directory, copy, { recursive: true })
    parts.files.fault = () => undefined
    const other = await openTestStore({ ...parts, directory: copy }, { maxBytes: 3 * MB })
    expect(other.told('damaged')).toEqual([])
    await other.close()
    rmSync(copy, { recursive: true })
    await parts.clock.pass(10_000)
    expect(store.told('recovered_again')).toEqual([expect.objectContaining({ part: 'retention' })])
    for (const name of fixed) expect(logsIn(parts.directory)).not.toContain(name)
    await store.close()
  })
}, 60_000)

it('drops by age, in segments that are rolled for it, and by no other clock than the stored times', async () => {
  await withParts(async (parts) => {
    const { clock, directory } = parts
    const store = await openTestStore(parts, { maxAgeMs: 25 * HOUR })
    for (let trace = 0; trace < 200; trace++) {
      await store.append(trace)
      await clock.pass(HOUR / 2)
    }
    // The newest 25 hours, and an hour or two of grain.
    const found = await store.find()
    expect(found).toEqual(idsOf(range(200 - found.length, 200)))
    expect(found.length).toBeGreaterThanOrEqual(50)
    expect(found.length).toBeLessThanOrEqual(56)
    expect(logsIn(directory).length).toBeLessThanOrEqual(28)
    expect(new Set(droppedOf(store).map(({ reason }) => reason))).toEqual(new Set(['age']))
    // Nothing comes any more: all goes in the end, but not what came last.
    await store.append(200)
    await clock.pass(200 * HOUR)
    expect((await store.find()).length).toBeLessThanOrEqual(2)
    await store.close()
  })
}, 60_000)

it('rolls no segments by age where no limit asks for it', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts)
    for (let trace = 0; trace < 50; trace++) {
      await store.append(trace)
      await parts.clock.pass(100 * 1000)
      parts.clock.wall += 24 * HOUR
    }
    expect(logsIn(parts.directory)).toEqual(['00000001.log'])
    await store.close()
  })
})

it('rolls a segment once for a jump of the clock, not at each record and not never', async () => {
  await withParts(async (parts) => {
    const { clock, directory } = parts
    const store = await openTestStore(parts, { maxAgeMs: 25 * HOUR })
    const append = async (from: number, to: number): Promise<number> => {
      const before = logsIn(directory).length
      for (let trace = from; trace < to; trace++) await store.append(trace)
      return logsIn(directory).length - before
    }
    expect(await append(0, 10)).toBe(1)
    clock.wall += 1000 * HOUR
    expect(await append(10, 20)).toBe(1)
    clock.wall -= 2000 * HOUR
    expect(await append(20, 30)).toBe(0)
    await clock.pass(HOUR)
    expect(await append(30, 40)).toBe(1)
    clock.wall += 1000 * HOUR
    expect(await append(40, 50)).toBe(1)
    // The jumps made everything look old; all but a little is still there.
    expect((await store.find()).length).toBeGreaterThan(30)
    await store.close()
  })
})

it('goes on in the segment that it closed with, however often it is opened', async () => {
  await withParts(async (parts) => {
    for (let trace = 0; trace < 20; trace++) {
      const store = await openTestStore(parts, { maxAgeMs: 25 * HOUR })
      await store.append(trace)
      await store.close()
    }
    expect(logsIn(parts.directory)).toHaveLength(1)
  })
})

it('keeps no files open but those of the segment that it writes', async () => {
  await withParts(async (parts) => {
    const first = await openTestStore(parts, { segmentBytes: 1 })
    for (let trace = 0; trace < 60; trace++) await first.append(trace)
    await first.close()
    expect(logsIn(parts.directory)).toHaveLength(60)
    const files = new FaultyFileSystem()
    const store = await openTestStore({ ...parts, files }, { segmentBytes: 1 })
    for (let trace = 60; trace < 80; trace++) await store.append(trace)
    expect(files.openFiles).toBeLessThanOrEqual(2)
    expect(files.mostOpenFiles).toBeLessThanOrEqual(4)
    await store.close()
    expect(files.openFiles).toBe(0)
  })
})

it('makes room on its disk before that is full, and refuses nothing for it', async () => {
  await withParts(async (parts) => {
    const { files, directory } = parts
    files.totalBytes = files.freeBytes = 5 * MB
    const store = await openTestStore(parts)
    let before = 0
    for (let trace = 0; trace < 400; trace++) {
      expect(await store.append(trace, largeRequest(trace, 50, 1000))).toBeUndefined()
      const bytes = bytesIn(directory)
      // The reserve is a twentieth of the disk.
      expect(bytes).toBeLessThanOrEqual(0.95 * 5 * MB + REQUEST_BYTES)
      expect(before - bytes).toBeLessThanOrEqual(0.05 * before)
      before = bytes
    }
    expect(store.told('full')).toEqual([])
    expect(new Set(droppedOf(store).map(({ reason }) => reason))).toEqual(new Set(['space']))
    const found = await store.find()
    expect(found).toEqual(idsOf(range(400 - found.length, 400)))
    await store.close()
  })
}, 60_000)

it('refuses while others fill the disk, says so once, drops slowly, and goes on when there is room', async () => {
  await withParts(async (parts) => {
    const { files, clock } = parts
    files.totalBytes = files.freeBytes = 20 * MB
    const store = await openTestStore(parts)
    for (let trace = 0; trace < 300; trace++) await store.append(trace, largeRequest(trace, 50, 1000))
    const stored = bytesIn(parts.directory)
    files.freeBytes = 0
    files.isHogged = true
    for (let half = 0; half < 5; half++) {
      for (let i = 0; i < 5; i++) expect(await store.append(1000)).toBe('disk_full')
      await clock.pass(30_000)
    }
    expect(store.told('full')).toEqual([
      expect.objectContaining({ freeBytes: expect.any(Number) as number, reserveBytes: MB }),
    ])
    expect(store.told('failing')).toEqual([])
    expect(store.isWritable()).toBe(false)
    // Three minutes: at most four passes, of a segment each.
    expect(bytesIn(parts.directory)).toBeGreaterThan(0.65 * stored)
    files.freeBytes = 10 * MB
    files.isHogged = false
    await clock.pass(31_000)
    expect(store.isWritable()).toBe(true)
    expect(store.told('recovered_again')).toHaveLength(1)
    expect(await store.append(2000)).toBeUndefined()
    expect(await store.find()).toContain(traceId(2000))
    await store.close()
  })
}, 60_000)

it('opens on a full disk what was left by a crash, finds all of it, and writes it down when there is room', async () => {
  await withParts(async (parts) => {
    const { directory } = parts
    const first = await openTestStore(parts, { segmentBytes: 3000 })
    for (let trace = 0; trace < 20; trace++) await first.append(trace)
    // Killed: the last block has no index. And the first index is gone.
    rmSync(join(directory, '00000001.idx'))
    const files = new FaultyFileSystem()
    files.fault = (operation, name) => (operation === 'write' && name.endsWith('.idx') ? 'ENOSPC' : undefined)
    const store = await openTestStore({ directory, files, clock: new HandClock() }, { segmentBytes: 3000 })
    expect(await store.find()).toEqual(idsOf(range(0, 20)))
    expect(store.told('failing')).toEqual([expect.objectContaining({ part: 'index' })])
    files.fault = () => undefined
    expect(await store.append(20)).toBeUndefined()
    expect(await store.find()).toEqual(idsOf(range(0, 21)))
    await store.close()
    const again = await openTestStore({ ...parts, files }, { segmentBytes: 3000 })
    expect(await again.find()).toEqual(idsOf(range(0, 21)))
    expect(again.told('failing')).toEqual([])
    await again.close()
  })
})

/** Whether this user may mount a small file system. */
const canMount = ((): boolean => {
  const at = mkdtempSync(join(tmpdir(), 'spoor-mount-'))
  const run = (command: string, ...args: string[]): boolean =>
    spawnSync(command, args, { stdio: 'ignore' }).status === 0
  const can = run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at) && run('umount', at)
  rmSync(at, { recursive: true, force: true })
  return can
})()

it.skipIf(!canMount)(
  'lives on a small disk that others fill and empty, through crashes too',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'spoor-small-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', root])
    try {
      const directory = join(root, 'data')
      const hog = join(root, 'hog')
      const events: StoreEvent[] = []
      const open = (): ReturnType<typeof openLocalStore> =>
        openLocalStore({ directory, onEvent: (event) => events.push(event) })
      const append = (trace: number): Promise<string | undefined> =>
        store.append(createBatch('traces', [{ bytes: largeRequest(trace, 100, 400), items: 100 }])).then(
          () => undefined,
          (error: unknown) => (error as { code: string }).code,
        )
      let store = await open()
      for (let trace = 0; trace < 300; trace++) expect(await append(trace)).toBeUndefined()
      expect(events.some((event) => event.code === 'dropped' && event.reason === 'space')).toBe(true)
      expect(statSync(join(directory, 'lock.db')).size).toBe(0)
      // Somebody takes all there is.
      const fill = (): void => {
        const bytes = Buffer.alloc(100_000)
        try {
          for (;;) writeFileSync(hog, bytes, { flag: 'a' })
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENOSPC' })
        }
      }
      let refused = 0
      for (let trace = 300; trace < 330; trace++) {
        fill()
        if ((await append(trace)) === 'disk_full') refused++
      }
      expect(refused).toBeGreaterThan(5)
      expect(events.filter(({ code }) => code === 'full').length).toBeGreaterThan(0)
      await store.close()
      fill()
      store = await open()
      const kept = await find(store, {})
      expect(kept.length).toBeGreaterThan(10)
      rmSync(hog)
      for (let trace = 400; trace < 410; trace++) expect(await append(trace)).toBeUndefined()
      expect(await spansOf(store, traceId(409))).toHaveLength(100)
      expect(store.health().writable).toBe(true)
      await store.close()
    } finally {
      execFileSync('umount', ['-l', root])
      rmSync(root, { recursive: true, force: true })
    }
  },
  60_000,
)
