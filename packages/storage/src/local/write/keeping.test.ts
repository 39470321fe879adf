import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { requestOf, sent, traceId, type SentSpan } from '../../conformance/spans.ts'
import type { StoreEvent } from '../../events.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { sealedPath } from '../files/segment.ts'
import type { LocalStoreOptions } from '../options.ts'
import { verifyStore } from '../tools/verify.ts'
import {
  bytesIn,
  FaultyFileSystem,
  HandClock,
  idsOf,
  openTestStore,
  withParts,
  type StoreParts,
  type TestStore,
} from './ingest.test.harness.ts'

vi.setConfig({ testTimeout: 180_000 })

const SECOND = 1_000
const SPANS = 3
/** Every tenth trace has an error. */
const hasError = (trace: number): boolean => trace % 10 === 4
/** Segments of some 4 s, which are too old after 100 s. */
const BY_AGE: Omit<LocalStoreOptions, 'directory'> = { maxAgeMs: 100 * SECOND, keep: { errors: true } }

function spansOf(trace: number): SentSpan[] {
  return Array.from({ length: SPANS }, (_, i) =>
    sent({
      trace,
      id: i + 1,
      ...(i > 0 && { parent: 1 }),
      at: trace,
      service: `s${trace % 3}`,
      status: hasError(trace) && i === 2 ? 2 : 0,
    }),
  )
}

async function append(
  store: TestStore,
  { clock }: StoreParts,
  from: number,
  to: number,
  stepMs = 2 * SECOND,
): Promise<void> {
  for (let trace = from; trace < to; trace++) {
    expect(await store.append(trace, requestOf(spansOf(trace)))).toBeUndefined()
    await clock.pass(stepMs)
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const errorsIn = (from: number, to: number): number[] => range(from, to).filter(hasError)
const sum = (events: readonly StoreEvent[], field: string): number =>
  events.reduce((total, event) => total + ((event as unknown as Record<string, number>)[field] ?? 0), 0)

/** What is found is whole, what was dropped is counted, and both together are all that there was. */
async function expectCounted(store: TestStore, appended: number): Promise<Set<string>> {
  const found = await store.spans()
  expect([...found.values()].filter((spans) => spans !== SPANS)).toEqual([])
  expect(SPANS * found.size + sum(store.told('dropped'), 'spans')).toBe(SPANS * appended)
  return new Set(found.keys())
}

it('keeps of what is too old the traces with errors, whole, and nothing else, and counts both', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts, BY_AGE, false, parts.files)
    await append(store, parts, 0, 90)
    await parts.clock.pass(30 * SECOND)
    const found = await expectCounted(store, 90)
    const [oldest = 0] = range(0, 90).filter((trace) => !hasError(trace) && found.has(traceId(trace)))
    // It is kept for 1.04 times the limit, and 10 s.
    expect(oldest).toBeGreaterThan(25)
    expect([...found].sort()).toEqual(
      idsOf([...errorsIn(0, oldest), ...range(oldest, 90)].filter((trace, i, all) => all.indexOf(trace) === i)),
    )
    const kept = store.told('kept')
    expect(sum(kept, 'errors')).toBeGreaterThanOrEqual(errorsIn(0, oldest - 4).length)
    expect(sum(kept, 'spans')).toBe(SPANS * sum(kept, 'errors'))
    expect(store.told('dropped').every((event) => 'reason' in event && event.reason === 'age')).toBe(true)
    expect([store.told('not_kept'), store.told('failing'), store.told('damaged')]).toEqual([[], [], []])
    expect(store.keeping()).toMatchObject({ spans: sum(kept, 'spans'), maxBytes: 0.2 * 10 * 2 ** 30 })
    await store.close()
    expect(readdirSync(parts.directory).filter((name) => name.endsWith('.new'))).toEqual([])
    // It is the same, and has the same limits, when it is opened again.
    const again = await openTestStore(parts, BY_AGE, false, parts.files)
    expect(new Set(await again.find())).toEqual(found)
    expect([again.told('damaged'), again.told('dropped')]).toEqual([[], []])
    await parts.clock.pass(2 * SECOND)
    expect(again.keeping()).toMatchObject({ spans: sum(kept, 'spans') })
    await parts.clock.pass(400 * SECOND)
    expect(await again.find()).toEqual(idsOf(errorsIn(0, 90)))
    await again.close()
    expect(await verifyStore(parts.directory)).toMatchObject({ ok: true, spans: SPANS * errorsIn(0, 90).length })
    expect(parts.files.openFiles).toBe(0)
  })
})

it('deletes what was kept when it is too old for that, the oldest first, and leaves nothing of it', async () => {
  await withParts(async (parts) => {
    const options = { ...BY_AGE, keep: { errors: true, maxAgeMs: 300 * SECOND } }
    const store = await openTestStore(parts, options, false, parts.files)
    await append(store, parts, 0, 60)
    await parts.clock.pass(140 * SECOND)
    expect(new Set(await expectCounted(store, 60))).toEqual(new Set(idsOf(errorsIn(0, 60))))
    let before = errorsIn(0, 60).length
    for (let i = 0; i < 40 && before > 0; i++) {
      await parts.clock.pass(20 * SECOND)
      const found = await expectCounted(store, 60)
      // The oldest go.
      expect([...found].sort()).toEqual(idsOf(errorsIn(0, 60)).slice(errorsIn(0, 60).length - found.size))
      before = found.size
    }
    expect(before).toBe(0)
    const reasons = new Set(store.told('dropped').map((event) => ('reason' in event ? event.reason : '')))
    expect(reasons).toEqual(new Set(['age', 'kept_age']))
    expect(store.keeping()).toMatchObject({ segments: 0, spans: 0, bytes: 0 })
    await store.close()
    // Of what held a place, too.
    expect(readdirSync(parts.directory)).toEqual(['FORMAT', 'LAST'])
  })
})

it('keeps to its limits of size, and of what is kept, and never deletes more than a twentieth at once', async () => {
  await withParts(async (parts) => {
    const maxBytes = 400_000
    const share = 0.1
    const options = { maxBytes, reserveBytes: 0, segmentBytes: 16_000, keep: { errors: true, share } }
    const store = await openTestStore(parts, options, false, parts.files)
    let most = 0
    parts.files.fault = (operation) => {
      if (operation === 'write') most = Math.max(most, bytesIn(parts.directory))
      return undefined
    }
    let next = 0
    for (; next < 7_500; next += 50) {
      expect(await store.append(next, requestOf(range(next, next + 50).flatMap(spansOf)))).toBeUndefined()
      await parts.clock.pass(SECOND)
    }
    expect(most).toBeLessThanOrEqual(maxBytes + 20_000)
    const found = await expectCounted(store, next)
    const dropped = store.told('dropped') as Extract<StoreEvent, { code: 'dropped' }>[]
    for (const { bytes } of dropped) expect(bytes).toBeLessThanOrEqual(0.05 * maxBytes)
    expect(store.told('not_kept')).toEqual([])
    const oldest = range(0, next).find((trace) => !hasError(trace) && found.has(traceId(trace)))!
    const errors = errorsIn(0, oldest).filter((trace) => found.has(traceId(trace)))
    // The newest of what has been kept.
    expect(errors.length).toBeGreaterThan(10)
    expect(errors).toEqual(errorsIn(0, oldest).slice(-errors.length))
    expect(errors.length).toBeLessThan(errorsIn(0, oldest).length)
    expect(dropped.some(({ reason }) => reason === 'kept_size')).toBe(true)
    await parts.clock.pass(20 * SECOND)
    expect(store.keeping()!.bytes).toBeLessThanOrEqual(share * maxBytes)
    await store.close()
  })
})

it('deletes whole segments, says so, and holds their place where nothing could be kept in time', async () => {
  await withParts(async (parts) => {
    const filled = await openTestStore(parts, BY_AGE, false, parts.files)
    await append(filled, parts, 0, 70)
    const before = new Set(await filled.find())
    await filled.close()
    // Nobody writes what is kept: for ten minutes it waits for that.
    const store = await openTestStore(parts, BY_AGE)
    await parts.clock.pass(300 * SECOND)
    expect(new Set(await store.find())).toEqual(before)
    await parts.clock.pass(900 * SECOND)
    const left = await store.find()
    const gone = SPANS * (before.size - left.length)
    expect(gone).toBeGreaterThan(0)
    expect(sum(store.told('dropped'), 'spans')).toBe(gone)
    expect(sum(store.told('not_kept'), 'spans')).toBe(gone)
    expect(store.told('not_kept')[0]).toMatchObject({ reason: 'there is no sealer' })
    // What had been kept before stays.
    expect(left).toEqual(idsOf(errorsIn(0, 70)).slice(0, left.length))
    expect(left.length).toBeGreaterThan(0)
    await append(store, parts, 70, 71)
    expect(await verifyStore(parts.directory)).toMatchObject({ ok: true })
    await store.close()
    const again = await openTestStore(parts, BY_AGE, false, parts.files)
    expect([again.told('damaged'), await again.find()]).toEqual([[], [...left, traceId(70)].sort()])
    await again.close()
  })
})

it('replaces nothing that a reader has not opened yet', async () => {
  await withParts(async (parts) => {
    // It hears of what is told only when it is asked.
    const store = await openTestStore(parts, BY_AGE, true, parts.files)
    await append(store, parts, 0, 46)
    await store.find()
    await parts.clock.pass(60 * SECOND)
    expect(store.keeping()!.readySegments).toBeGreaterThan(0)
    expect([store.told('kept'), store.told('dropped')]).toEqual([[], []])
    expect(await store.find()).toEqual(idsOf(range(0, 46)))
    await parts.clock.pass(60 * SECOND)
    expect(sum(store.told('kept'), 'errors')).toBeGreaterThan(0)
    await expectCounted(store, 46)
    expect([store.told('not_kept'), store.told('damaged')]).toEqual([[], []])
    await store.close()
  })
})

it('keeps a trace that is pinned, from when it is told so, durably', async () => {
  await withParts(async (parts) => {
    const options = { ...BY_AGE, keep: { pinned: true } }
    const store = await openTestStore(parts, options, false, parts.files)
    await append(store, parts, 0, 20)
    const pinned = [3, 7, 15]
    parts.files.calls.length = 0
    for (const trace of pinned) await store.pins({ traceId: traceId(trace), isPinned: true })
    expect(parts.files.calls).toEqual(
      expect.arrayContaining(['sync PINS.new', expect.stringMatching(/^syncDirectory/)]),
    )
    await store.pins({ traceId: traceId(15), isPinned: false })
    // As if the process had been killed now.
    const copy = mkdtempSync(join(tmpdir(), 'spoor-pins-'))
    cpSync(parts.directory, copy, { recursive: true })
    const other = await openTestStore({ ...parts, directory: copy, files: new FaultyFileSystem() }, options)
    expect(await other.pins()).toEqual(idsOf([3, 7]))
    await other.close()
    rmSync(copy, { recursive: true })
    // What will be kept of the first segments is written by now, without a pin that comes only then.
    await append(store, parts, 20, 46)
    for (let i = 0; i < 30 && !store.keeping()!.readySegments; i++) await parts.clock.pass(SECOND)
    expect(store.keeping()!.readySegments).toBeGreaterThan(0)
    await store.pins({ traceId: traceId(0), isPinned: true })
    await append(store, parts, 46, 90)
    const found = await expectCounted(store, 90)
    expect([0, 3, 7, 15].map((trace) => found.has(traceId(trace)))).toEqual([true, true, true, false])
    expect(sum(store.told('kept'), 'pinned')).toBe(3)
    await store.close()
  })
})

it('refuses a pin that it cannot make durable, and has none then', async () => {
  await withParts(async (parts) => {
    const options = { ...BY_AGE, keep: { pinned: true } }
    const store = await openTestStore(parts, options)
    parts.files.fault = (operation, name) => (operation === 'sync' && name === 'PINS.new' ? 'EIO' : undefined)
    expect(await store.pins({ traceId: traceId(1), isPinned: true })).toBe('io')
    parts.files.fault = () => undefined
    expect(await store.pins()).toEqual([])
    await store.close()
    expect(existsSync(join(parts.directory, 'PINS'))).toBe(false)
  })
})

it('goes on whichever call fails once while something is kept: nothing is lost that is still to be served', async () => {
  let calls = 1
  let tried = 0
  const failing = (call: string): boolean => /^(open|read|sync|dataSync|remove|write|truncate) .*seal/.test(call)
  for (let at = 0; at < calls; at += Math.ceil(calls / 3)) {
    await withParts(async (parts) => {
      const { files } = parts
      const store = await openTestStore(parts, BY_AGE, false, files)
      await append(store, parts, 0, 36)
      let from = 0
      files.fault = (operation, name) =>
        failing(`${operation} ${name}`) && from++ === at ? (at % 2 === 0 ? 'EIO' : 'ENOSPC') : undefined
      await append(store, parts, 36, 50)
      calls = at === 0 ? from : calls
      files.fault = () => undefined
      await parts.clock.pass(120 * SECOND)
      expect(store.reasons()).toEqual([])
      const found = await expectCounted(store, 50)
      // What is too old by now and has no error is gone, and the errors are there.
      expect([...found].sort()).toEqual(idsOf(errorsIn(0, 50)))
      expect(store.told('not_kept')).toEqual([])
      expect(store.told('damaged')).toEqual([])
      await store.close()
      tried++
    })
  }
  expect(tried).toBeGreaterThan(2)
})

/** Copies the directory, as a kill leaves it, before each call that changes something. */
class CopyingFiles extends FaultyFileSystem {
  copies: string[] = []
  isCopying = false
  readonly #from: string
  readonly #to: string

  constructor(from: string, to: string) {
    super()
    this.#from = from
    this.#to = to
    this.fault = (operation, name) => {
      if (['write', 'sync', 'remove'].includes(operation) && /seal/.test(name)) this.#copy(`${operation} ${name}`)
      return undefined
    }
  }

  override rename(from: string, to: string): void {
    if (to.endsWith('seal')) this.#copy(`rename ${to}`)
    super.rename(from, to)
    if (to.endsWith('seal')) this.#copy(`after rename ${to}`)
  }

  #copy(what: string): void {
    if (!this.isCopying) return
    const to = join(this.#to, `${this.copies.length}`)
    // A file of the sealer's may go while it is looked for.
    cpSync(this.#from, to, { recursive: true })
    this.copies.push(what)
  }
}

it('has every trace that is to be kept after a kill at any step, and no damage', async () => {
  await withParts(async (parts) => {
    const to = mkdtempSync(join(tmpdir(), 'spoor-killed-'))
    try {
      const files = new CopyingFiles(parts.directory, to)
      const store = await openTestStore({ ...parts, files }, BY_AGE, false, files)
      await append(store, parts, 0, 48)
      files.isCopying = true
      for (let i = 0; i < 40 && store.told('kept').length < 2; i++) await parts.clock.pass(SECOND)
      files.isCopying = false
      expect(store.told('kept').length).toBeGreaterThanOrEqual(2)
      const { copies } = files
      for (const step of [/^write .*new/, /^sync .*new/, /^rename/, /^after rename/])
        expect(copies.filter((what) => step.test(what))).not.toEqual([])
      const every = Math.ceil(copies.length / 12)
      for (const [i, what] of copies.entries()) {
        if (i % every !== 0 && !what.includes('rename')) continue
        const directory = join(to, `${i}`)
        const clock = Object.assign(new HandClock(), { wall: parts.clock.wall, mono: parts.clock.mono })
        const killed = await openTestStore({ directory, files: new FaultyFileSystem(), clock }, BY_AGE)
        const found = await killed.spans()
        expect([what, errorsIn(0, 48).filter((trace) => found.get(traceId(trace)) !== SPANS)]).toEqual([what, []])
        expect([what, killed.told('damaged')]).toEqual([what, []])
        await killed.close()
        expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([])
      }
      await store.close()
    } finally {
      rmSync(to, { recursive: true, force: true })
    }
  })
})

it('treats what was kept as the oldest segments where nothing is kept any more', async () => {
  await withParts(async (parts) => {
    const store = await openTestStore(parts, BY_AGE, false, parts.files)
    await append(store, parts, 0, 80)
    await store.close()
    expect(errorsIn(0, 20).length).toBeGreaterThan(0)
    const { keep: _, ...without } = BY_AGE
    const again = await openTestStore(parts, without, false, parts.files)
    expect(await again.find()).toEqual(expect.arrayContaining(idsOf(errorsIn(0, 20))))
    await parts.clock.pass(500 * SECOND)
    expect(await again.find()).toEqual([])
    expect(again.told('kept')).toEqual([])
    await again.close()
    expect(nodeFileSystem.stat(sealedPath(parts.directory, 1))).toBeUndefined()
  })
})
