import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nodeFileSystem, type FileSystem } from './file-system.ts'
import { filesThat } from './files.test.helper.ts'
import { LAST, readLastNumber, writeLastNumber } from './last-number.ts'
import { recoverDirectory } from './recover-directory.ts'
import { indexPath, listSegments, logPath } from './segment.ts'
import { appendTrace, damaged, fill, readAll } from '../tools/store.test.helper.ts'
import { repairStore } from '../tools/repair.ts'
import { verifyStore } from '../tools/verify.ts'
import { requestOf, sent } from '../../conformance/spans.ts'
import { settingsOf } from '../options.ts'
import { systemClock } from '../runtime.ts'
import { ChangeFeed } from '../threads/change-feed.ts'
import type { FromWriter } from '../threads/protocol.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { Ingest } from '../write/ingest.ts'

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

let root: string
let directory: string
let away: string
const TRACES = 40

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-last-'))
  directory = join(root, 'data')
  away = join(root, 'away')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Moves log and index of a segment out of the directory, or back. */
function move(id: number, back = false): void {
  for (const [from, to] of [
    [logPath(directory, id), `${away}.log`],
    [indexPath(directory, id), `${away}.idx`],
  ] as const)
    renameSync(back ? to : from, back ? from : to)
}

function newest(): number {
  return listSegments(nodeFileSystem, directory).at(-1)!
}

function nextId(files: FileSystem = nodeFileSystem): number {
  return recoverDirectory(files, directory, { write: false, nowMs: Date.now(), tell: () => {} }).nextId
}

it('gives a log that somebody has moved away its place until it is put back', async () => {
  await fill(directory, TRACES)
  const before = (await readAll(directory)).traces
  const id = newest()
  move(id)
  expect((await verifyStore(directory)).segments.at(-1)).toMatchObject({ id, log: 'missing' })
  const store = await openInSameThread({ directory, segmentBytes: 3000, seal: false })
  await appendTrace(store, TRACES)
  await store.close()
  expect(newest()).toBe(id + 1)
  const without = await readAll(directory)
  expect(without.traces).toContain(TRACES)
  expect(without.traces.length).toBeLessThan(before.length + 1)
  expect(damaged(without.events)).toMatchObject([{ file: `0000000${id}.log`.slice(-12), maxSpans: undefined }])
  move(id, true)
  const again = await readAll(directory)
  expect(again.traces).toEqual([...before, TRACES])
  expect(damaged(again.events)).toEqual([])
})

it('gives no number again where all segments were moved away, and misses none', async () => {
  await fill(directory, TRACES)
  const id = newest()
  for (const each of listSegments(nodeFileSystem, directory)) {
    rmSync(logPath(directory, each))
    rmSync(indexPath(directory, each))
  }
  const { traces, events } = await readAll(directory)
  expect(traces).toEqual([])
  expect(damaged(events)).toEqual([])
  const store = await openInSameThread({ directory, seal: false })
  await appendTrace(store, 0)
  await store.close()
  expect(listSegments(nodeFileSystem, directory)).toEqual([id + 1])
})

it('is above the numbers of pieces that are kept aside', async () => {
  await fill(directory, 3, 1 << 20)
  rmSync(join(directory, LAST))
  nodeFileSystem.makeDirectory(join(directory, 'damaged'))
  for (const name of ['00000007-29.bin', '00000011.idx-0.bin', 'FORMAT-0.bin', 'notes.txt'])
    writeFileSync(join(directory, 'damaged', name), 'x')
  expect(nextId()).toBe(12)
})

it('writes down the number of a segment once it has a record, while the store is open', async () => {
  const store = await openInSameThread({ directory, seal: false })
  await appendTrace(store, 0)
  await vi.waitFor(() => expect(readLastNumber(nodeFileSystem, directory, () => {})).toBe(1), 60_000)
  await store.close()
})

it('counts no segment that was begun and has nothing', async () => {
  for (let open = 0; open < 3; open++) await (await openInSameThread({ directory, seal: false })).close()
  expect(nextId()).toBe(1)
})

it('does not count a segment whose first record is not durable yet', async () => {
  let sync: (() => void) | undefined
  const files = filesThat((file) => ({ dataSync: (done) => (sync = () => file.dataSync(done)) }))
  nodeFileSystem.makeDirectory(directory)
  let isDurable = false
  const main = {
    post: ({ type }: FromWriter) => void (isDurable ||= type === 'durable'),
    onMessage() {},
    receive: () => undefined,
    close() {},
  }
  const ingest = new Ingest(settingsOf({ directory }), files, systemClock, new ChangeFeed(), main)
  ingest.open()
  const bytes = requestOf([sent({ trace: 1, id: 1 })])
  ingest.append(new Uint8Array(bytes).buffer, [1], [bytes.length])
  await vi.waitFor(() => expect(sync).toBeDefined(), 60_000)
  ingest.pace()
  expect(readLastNumber(nodeFileSystem, directory, () => {})).toBe(0)
  sync!()
  await vi.waitFor(() => expect(isDurable).toBe(true), 60_000)
  ingest.pace()
  expect(readLastNumber(nodeFileSystem, directory, () => {})).toBe(1)
  await ingest.close()
})

it('goes by the files where LAST is damaged, tells it, and writes it anew', async () => {
  await fill(directory, TRACES)
  const id = newest()
  const whole = readFileSync(join(directory, LAST))
  for (const text of ['', '9', `9${whole.toString('latin1').slice(1)}`, 'x'.repeat(40)]) {
    writeFileSync(join(directory, LAST), text)
    expect(nextId()).toBe(id + 1)
    const { traces, events } = await readAll(directory)
    expect(traces).toHaveLength(TRACES)
    expect(damaged(events)).toMatchObject([{ file: LAST, bytes: text.length, maxSpans: 0 }])
    expect(readFileSync(join(directory, LAST))).toEqual(whole)
  }
})

it('is of no harm where it cannot be read', async () => {
  await fill(directory, 3, 1 << 20)
  const files: FileSystem = {
    ...nodeFileSystem,
    open(path, mode) {
      if (path.endsWith(LAST)) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      return nodeFileSystem.open(path, mode)
    },
  }
  expect(nextId(files)).toBe(2)
})

it('has repair hold the place of the newest log, once', async () => {
  await fill(directory, TRACES)
  const id = newest()
  move(id)
  const { repairs } = await repairStore(directory)
  expect(repairs).toMatchObject([{ did: 'recovered', event: { code: 'damaged' } }])
  expect(newest()).toBe(id)
  expect((await repairStore(directory)).repairs).toEqual([])
  expect((await verifyStore(directory)).foreign).toEqual([])
})

it('is durable when it is written', () => {
  const calls: string[] = []
  const files: FileSystem = {
    ...filesThat((file) => ({ sync: () => (calls.push('sync'), file.sync()) })),
    rename: (from, to) => (calls.push('rename'), nodeFileSystem.rename(from, to)),
    syncDirectory: (path) => (calls.push('syncDirectory'), nodeFileSystem.syncDirectory(path)),
  }
  nodeFileSystem.makeDirectory(directory)
  writeLastNumber(files, directory, 3)
  expect(calls).toEqual(['sync', 'rename', 'syncDirectory'])
})
