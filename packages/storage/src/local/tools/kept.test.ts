import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { traceId } from '../../conformance/spans.ts'
import type { StoreEvent } from '../../events.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { readPins, writePins } from '../files/pins.ts'
import { readSealedState } from '../files/sealed-file.ts'
import { listSealed, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import { TraceKeeper } from '../seal/keep-traces.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { backupStore } from './backup.ts'
import { deleteFrom } from './delete.ts'
import { repairStore } from './repair.ts'
import { appendTrace, damaged, edit, readAll, sealAll, SPANS } from './store.test.helper.ts'
import { verifyStore } from './verify.ts'

/*
 * What was kept of segments is what any sealed segment is to whoever looks after a directory; and what is deleted is gone from it, too.
 */

// They open several stores; the machine may be busy.
vi.setConfig({ testTimeout: 120_000 })

const SECRET = 'hunter2-Zq81-tr0ub4dor'
const PINNED = [2, 5, 9]
const KEEP = { errors: false, slowerThan: undefined, pinned: true, maxAgeMs: Infinity, share: 0.2 }

let root: string
let directory: string

/** Of 30 traces, of which 5 has the secret, in sealed segments, all are reduced to what is pinned but the last two segments. */
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'spoor-kept-'))
  directory = join(root, 'data')
  const store = await openInSameThread({ directory, segmentBytes: 3000, seal: false })
  for (let trace = 0; trace < 30; trace++) await appendTrace(store, trace, trace === 5 ? SECRET : undefined)
  await store.close()
  await sealAll(directory)
  writePins(nodeFileSystem, directory, new Map(PINNED.map((trace) => [traceId(trace), trace])))
  const keeper = new TraceKeeper(nodeFileSystem, directory, KEEP)
  const pins = PINNED.map(traceId)
  for (const id of listSealed(nodeFileSystem, directory).slice(0, -2)) {
    const task = { id, createdMs: 0, endedMs: 0, maxBytes: Infinity, before: [], after: [], pins }
    await keeper.keep(task, () => Promise.resolve(true))
    nodeFileSystem.rename(sealedPath(directory, id) + NEW, sealedPath(directory, id))
  }
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function isKept(id: number): boolean {
  const file = nodeFileSystem.open(sealedPath(directory, id), 'read')
  try {
    const state = readSealedState(file)
    return state.state === 'ok' && state.header.isKept
  } finally {
    file.close()
  }
}

const ids = (): number[] => listSealed(nodeFileSystem, directory)
const pinsIn = (where: string): string[] => [...readPins(nodeFileSystem, where, () => {}).keys()]

it('is verified, read, backed up and repaired as any segment', async () => {
  const { traces, events } = await readAll(directory)
  expect(traces.slice(0, PINNED.length)).toEqual(PINNED)
  expect(traces.at(-1)).toBe(29)
  expect(damaged(events)).toEqual([])
  expect(await verifyStore(directory)).toMatchObject({ ok: true, foreign: [], spans: SPANS * traces.length })
  const copy = join(root, 'copy')
  await backupStore(directory, copy)
  expect((await readAll(copy)).traces).toEqual(traces)
  expect(pinsIn(copy)).toEqual(PINNED.map(traceId))
  // A header that is made anew says the same.
  edit(sealedPath(directory, 1), (bytes) => bytes.fill(0, 20, 40))
  expect(await verifyStore(directory)).toMatchObject({ ok: false })
  await repairStore(directory)
  expect(await verifyStore(directory)).toMatchObject({ ok: true })
  expect((await readAll(directory)).traces).toEqual(traces)
  expect(ids().map(isKept)).toEqual(ids().map((_, i, all) => i < all.length - 2))
})

it('loses what is deleted, and goes on being what is kept', async () => {
  const contains = (): boolean => ids().some((id) => readFileSync(sealedPath(directory, id)).includes(SECRET))
  const before = (await readAll(directory)).traces
  const report = await deleteFrom(directory, { attribute: 'secret', value: SECRET })
  expect(report).toMatchObject({ spans: 1, segments: 1 })
  expect(contains()).toBe(false)
  expect(ids().map(isKept)).toEqual(ids().map((_, i, all) => i < all.length - 2))
  // A trace that is deleted is pinned no more.
  expect(await deleteFrom(directory, { traceIds: [traceId(2).toUpperCase()] })).toMatchObject({ spans: SPANS })
  expect(pinsIn(directory)).toEqual([traceId(5), traceId(9)])
  expect((await readAll(directory)).traces).toEqual(before.filter((trace) => trace !== 2 && trace !== 5))
  expect(await verifyStore(directory)).toMatchObject({ ok: true })
})

it('reads of damaged pins what is left, and tells', async () => {
  const path = join(directory, 'PINS')
  edit(path, (bytes) => bytes.write('x', bytes.indexOf(traceId(5))))
  const events: StoreEvent[] = []
  expect([...readPins(nodeFileSystem, directory, (event) => events.push(event)).keys()]).toEqual([
    traceId(2),
    traceId(9),
  ])
  expect(events).toMatchObject([{ code: 'damaged', file: 'PINS' }])
  rmSync(path)
  expect(pinsIn(directory)).toEqual([])
  // What an interrupted write left is no pin, and goes.
  writeFileSync(`${path}${NEW}`, 'half')
  expect((await readAll(directory)).events.filter(({ code }) => code === 'damaged')).toEqual([])
  expect(existsSync(`${path}${NEW}`)).toBe(false)
})
