import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { File, FileSystem } from '../files/file-system.ts'
import { filesThat } from '../files/files.test.helper.ts'
import { formatText } from '../files/format.ts'
import { indexPath, logPath } from '../files/segment.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { backupStore } from './backup.ts'
import { appendTrace, damaged, edit, fill, readAll, records } from './store.test.helper.ts'
import { verifyStore } from './verify.ts'

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const FIXTURES = new URL('../../../fixtures/', import.meta.url).pathname

let root: string
let directory: string
let copy: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-backup-'))
  directory = join(root, 'data')
  copy = join(root, 'copy')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

it('copies every span that was acknowledged before, while spans come in and retention goes on', async () => {
  const store = await openInSameThread({ directory, segmentBytes: 8000, maxBytes: 60_000, seal: false })
  const state = { stop: false, acknowledged: -1 }
  const writing = (async () => {
    for (let trace = 0; !state.stop; trace++) {
      await appendTrace(store, trace)
      state.acknowledged = trace
    }
  })()
  const until = async (trace: number): Promise<void> => {
    while (state.acknowledged < trace) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const [round, start] of [100, 400, 700].entries()) {
    await until(start)
    const before = state.acknowledged
    const target = `${copy}-${round}`
    const report = await backupStore(directory, target)
    const after = state.acknowledged
    const { traces, events } = await readAll(target)
    expect(damaged(events)).toEqual([])
    expect(traces.at(-1)).toBeGreaterThanOrEqual(before)
    expect(traces.at(-1)).toBeLessThanOrEqual(after + 1)
    // Without a gap, from what retention has left to the newest.
    expect(traces).toEqual(Array.from({ length: traces.length }, (_, i) => traces[0]! + i))
    if (round === 0) expect(report.vanished).toBe(0)
    else expect(traces[0]).toBeGreaterThan(0)
  }
  state.stop = true
  await writing
  await store.close()
})

it('is restored by opening it, and takes spans on', async () => {
  await fill(directory, 40)
  const report = await backupStore(directory, copy)
  expect(report).toMatchObject({ directory: copy, segments: records(directory).at(-1)!.id, vanished: 0 })
  expect(await verifyStore(copy)).toMatchObject({ ok: true, format: 'ok', foreign: [] })
  const store = await openInSameThread({ directory: copy, segmentBytes: 3000, seal: false })
  for (let trace = 40; trace < 50; trace++) await appendTrace(store, trace)
  await store.close()
  expect((await readAll(copy)).traces).toEqual(Array.from({ length: 50 }, (_, i) => i))
  expect((await readAll(directory)).traces).toHaveLength(40)
})

it('leaves out a record that is not whole, and takes damage along', async () => {
  await fill(directory, 12, 1 << 20)
  const places = records(directory)
  edit(places[4]!.path, (bytes) => (bytes[places[4]!.end - 1]! ^= 1))
  const last = places.at(-1)!
  writeFileSync(last.path, readFileSync(last.path).subarray(0, last.end - 5))
  rmSync(indexPath(directory, 1))
  await backupStore(directory, copy)
  const found = readFileSync(logPath(copy, 1))
  expect(found).toEqual(readFileSync(last.path).subarray(0, last.start))
  const { traces, events } = await readAll(copy)
  expect(traces).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 10])
  expect(damaged(events)).toMatchObject([{ offset: places[4]!.start }])
})

it('copies the end of a log again that changes under it', async () => {
  await fill(directory, 12, 1 << 20)
  rmSync(indexPath(directory, 1))
  const places = records(directory)
  const whole = readFileSync(logPath(directory, 1))
  // While it is copied the writer is in the middle of the last record: the log is read once as it was before.
  let reads = 0
  const reader =
    (file: File): File['read'] =>
    (into, offset, length, position) => {
      const count = file.read(into, offset, length, position)
      const tail = places.at(-1)!.start + 50
      if (length > 1000 && reads++ === 0) into.fill(0xee, offset + tail - position, offset + count)
      return count
    }
  const files: FileSystem = {
    ...filesThat((file, path) => (path === logPath(directory, 1) ? { read: reader(file) } : undefined)),
    clone: () => false,
  }
  await backupStore(directory, copy, { files })
  expect(reads).toBeGreaterThan(0)
  expect(readFileSync(logPath(copy, 1))).toEqual(whole)
})

it('refuses a target that is not empty, a source that is none, and cleans up when it is stopped', async () => {
  await fill(directory, 40)
  cpSync(join(FIXTURES, 'format-1/closed'), copy, { recursive: true })
  const before = readdirSync(copy)
  await expect(backupStore(directory, copy)).rejects.toMatchObject({ code: 'io', message: /not empty/ as never })
  expect(readdirSync(copy)).toEqual(before)
  const empty = join(root, 'empty')
  const signal = AbortSignal.timeout(0)
  await new Promise((resolve) => setTimeout(resolve, 5))
  await expect(backupStore(directory, empty, { signal })).rejects.toMatchObject({ code: 'cancelled' })
  const controller = new AbortController()
  const stopped = backupStore(directory, empty, { signal: controller.signal, onProgress: () => controller.abort() })
  await stopped.catch(() => {})
  expect(existsSync(empty) ? readdirSync(empty).filter((name) => name.endsWith('.part')) : []).toEqual([])
  await expect(backupStore(root, join(root, 'other'))).rejects.toMatchObject({ code: 'corrupt' })
  await expect(backupStore(join(root, 'none'), join(root, 'other'))).rejects.toMatchObject({ code: 'io' })
})

it('copies format 1, too', async () => {
  cpSync(join(FIXTURES, 'format-1/killed'), directory, { recursive: true })
  await backupStore(directory, copy)
  expect(readFileSync(join(copy, 'FORMAT'), 'utf8')).toBe(formatText(3))
  expect(await verifyStore(copy)).toMatchObject({ ok: true, spans: 240 })
})
