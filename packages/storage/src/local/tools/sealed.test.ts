import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { traceId } from '../../conformance/spans.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { readSealed, SEALED_HEADER, type PlacedSection } from '../files/sealed-file.ts'
import { listSealed, sealedName, sealedPath } from '../files/segment.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { backupStore } from './backup.ts'
import { deleteFrom } from './delete.ts'
import { repairStore } from './repair.ts'
import { appendTrace, damaged, edit, fill, readAll, sealAll, SPANS } from './store.test.helper.ts'
import { verifyStore } from './verify.ts'

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const TRACES = 24
const all = Array.from({ length: TRACES }, (_, i) => i)

let root: string
let directory: string

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'spoor-sealed-'))
  directory = join(root, 'data')
  await fill(directory, TRACES)
  await sealAll(directory)
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

/** What is in a sealed segment. */
function contents(id: number): ReturnType<typeof readSealed> {
  const path = sealedPath(directory, id)
  const file = nodeFileSystem.open(path, 'read')
  try {
    return readSealed(file, path)
  } finally {
    file.close()
  }
}

function flip(id: number, at: number): void {
  edit(sealedPath(directory, id), (bytes) => (bytes[at]! ^= 0x41))
}

const first = (): PlacedSection => contents(1).sections[0]!

it('opens sealed segments, takes more, and finds all of it', async () => {
  expect(listSealed(nodeFileSystem, directory).length).toBeGreaterThan(3)
  expect(await readAll(directory)).toMatchObject({ traces: all })
  const store = await openInSameThread({ directory, seal: false })
  await appendTrace(store, TRACES)
  await store.close()
  const { traces, events } = await readAll(directory)
  expect(traces).toEqual([...all, TRACES])
  expect(damaged(events)).toEqual([])
  expect(await readAll(directory, { readOnly: true })).toMatchObject({ traces: [...all, TRACES] })
})

it('verifies what is as it was written', async () => {
  const report = await verifyStore(directory)
  expect(report).toMatchObject({ ok: true, spans: TRACES * SPANS, maxLostSpans: 0, foreign: [], interrupted: false })
  expect(report.segments[0]).toMatchObject({ file: '00000001.seal', log: 'ok', index: 'ok', format: 3 })
})

const small: [string, (id: number) => number][] = [
  ['the header', () => 40],
  ['the copy of the header', (id) => statSync(sealedPath(directory, id)).size - 40],
  ['the directory', (id) => contents(id).header!.directoryAt + 30],
  ['the filter of traces', (id) => contents(id).filter!.offset + 1],
  ['the head of a section', () => first().at + 20],
]

it.each(small)('loses nothing where %s is damaged, tells it, and repairs it', async (_what, place) => {
  flip(1, place(1))
  const report = await verifyStore(directory)
  expect(report).toMatchObject({ ok: false, spans: TRACES * SPANS, maxLostSpans: 0 })
  const seen = await readAll(directory)
  expect(seen.traces).toEqual(all)
  const { repairs, after } = await repairStore(directory)
  expect(after).toMatchObject({ ok: true, spans: TRACES * SPANS })
  expect(repairs).toMatchObject([{ did: 'index_made', file: sealedName(1) }])
  expect((await repairStore(directory)).repairs).toEqual([])
  expect(await readAll(directory)).toMatchObject({ traces: all })
})

it('finds the sections where header, copy and directory are damaged, and says that there may have been more', async () => {
  const { size, directoryAt } = contents(1).header!
  for (const at of [40, size - 40, directoryAt + 30]) flip(1, at)
  const { traces, events } = await readAll(directory)
  expect(traces).toEqual(all)
  expect(damaged(events)).toMatchObject([{ file: sealedName(1), maxSpans: undefined }])
  expect((await repairStore(directory)).after).toMatchObject({ spans: TRACES * SPANS, maxLostSpans: undefined })
  expect((await repairStore(directory)).repairs).toEqual([])
})

it('tells how much is lost where a section and what finds it are damaged', async () => {
  const { header, sections } = contents(1)
  flip(1, header!.directoryAt + 30)
  flip(1, sections[0]!.at + 20)
  const { traces, events } = await readAll(directory)
  expect(traces.length).toBeLessThan(TRACES)
  expect(damaged(events)).toMatchObject([{ file: sealedName(1), maxSpans: sections[0]!.meta.spans }])
  expect(await verifyStore(directory)).toMatchObject({ ok: false, maxLostSpans: sections[0]!.meta.spans })
  // It stays told after a repair, and its bytes stay.
  const { after } = await repairStore(directory)
  expect(after).toMatchObject({ ok: false, maxLostSpans: sections[0]!.meta.spans })
  expect((await repairStore(directory)).repairs).toEqual([])
  expect(statSync(sealedPath(directory, 1)).size).toBeGreaterThan(sections[0]!.body.length)
  expect(damaged((await readAll(directory)).events)).toMatchObject([{ maxSpans: sections[0]!.meta.spans }])
})

it('never shows a wrong span, and says what is missing, wherever bytes are damaged', async () => {
  const original = join(root, 'original')
  cpSync(directory, original, { recursive: true })
  const { size } = statSync(sealedPath(directory, 2))
  for (let run = 0; run < 24; run++) {
    rmSync(directory, { recursive: true, force: true })
    cpSync(original, directory, { recursive: true })
    const at = Math.floor((run / 24) * size)
    if (run % 3 === 2) edit(sealedPath(directory, 2), (bytes) => bytes.fill(0, at, at + 64))
    else flip(2, at)
    const { traces, events } = await readAll(directory)
    const told = damaged(events).reduce((sum, { maxSpans = Infinity }) => sum + maxSpans, 0)
    expect(traces.length * SPANS + told).toBeGreaterThanOrEqual(TRACES * SPANS)
    const report = await verifyStore(directory)
    expect(report.spans + (report.maxLostSpans ?? Infinity)).toBeGreaterThanOrEqual(TRACES * SPANS)
    if (traces.length < TRACES) expect(report.ok).toBe(false)
  }
})

it('serves what is left of one that was cut, and says how much is not', async () => {
  const { sections, header } = contents(2)
  for (const size of [0, 50, SEALED_HEADER, sections[0]!.body.offset + 10, header!.directoryAt]) {
    const copy = join(root, `cut-${size}`)
    cpSync(directory, copy, { recursive: true })
    const file = nodeFileSystem.open(sealedPath(copy, 2), 'update')
    file.truncate(size)
    file.close()
    const { traces, events } = await readAll(copy)
    const told = damaged(events)
    expect(told).toMatchObject([{ file: sealedName(2) }])
    if (size > header!.directoryAt - 1) expect(traces).toEqual(all)
    else expect(traces.length).toBeLessThan(TRACES)
    // Where the header is left it knows how many.
    if (size >= SEALED_HEADER) expect(traces.length * SPANS + told[0]!.maxSpans!).toBe(TRACES * SPANS)
    else expect(told[0]!.maxSpans).toBeUndefined()
    expect(await verifyStore(copy)).toMatchObject({ ok: false })
  }
})

it('misses a sealed segment that is gone', async () => {
  rmSync(sealedPath(directory, 2))
  const { events } = await readAll(directory)
  expect(damaged(events)).toMatchObject([{ file: '00000002.log', maxSpans: undefined }])
  expect((await verifyStore(directory)).ok).toBe(false)
})

it('backs up sealed segments as they are, also those that a running store seals meanwhile', async () => {
  const copy = join(root, 'copy')
  expect(await backupStore(directory, copy)).toMatchObject({ segments: listSealed(nodeFileSystem, directory).length })
  expect(await verifyStore(copy)).toMatchObject({ ok: true, spans: TRACES * SPANS, foreign: [] })
  expect(readFileSync(sealedPath(copy, 1))).toEqual(readFileSync(sealedPath(directory, 1)))

  const store = await openInSameThread({ directory, segmentBytes: 3000 })
  for (let round = 0, next = TRACES; round < 6; round++) {
    for (let i = 0; i < 10; i++) await appendTrace(store, next++)
    // Sealing comes about once a second.
    await new Promise((resolve) => setTimeout(resolve, 400))
    const target = join(root, `copy-${round}`)
    await backupStore(directory, target)
    expect(await verifyStore(target)).toMatchObject({ ok: true, spans: next * SPANS })
  }
  await store.close()
})

/** Files below the directory in which the text is, as it stands or inside of a zstd frame. */
function filesWith(text: string): string[] {
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
  return readdirSync(directory).filter((name) => {
    const bytes = readFileSync(join(directory, name))
    if (bytes.includes(text)) return true
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
      try {
        if (zstdDecompressSync(bytes.subarray(at)).includes(text)) return true
      } catch {
        // Not the beginning of a frame.
      }
    }
    return false
  })
}

it('deletes spans from sealed segments, wholly or not at all', async () => {
  const secret = 'hunter2-Zq81-tr0ub4dor'
  const store = await openInSameThread({ directory, segmentBytes: 3000, seal: false })
  await appendTrace(store, TRACES, secret)
  await appendTrace(store, TRACES + 1)
  await store.close()
  await sealAll(directory)
  const what = { attribute: 'secret', value: secret }
  const [name] = filesWith(secret)
  expect(name).toMatch(/seal$/)
  const before = readFileSync(join(directory, name!))
  expect(await deleteFrom(directory, what, { dryRun: true })).toMatchObject({ spans: 1, unsearched: [] })
  expect(readFileSync(join(directory, name!))).toEqual(before)
  expect(await deleteFrom(directory, what)).toMatchObject({ spans: 1, segments: 1, unsearched: [] })
  expect(filesWith(secret)).toEqual([])
  expect((await readAll(directory)).traces).toEqual([...all, TRACES + 1])
  expect(await deleteFrom(directory, { traceIds: [traceId(3), traceId(TRACES)] })).toMatchObject({
    spans: 2 * SPANS - 1,
  })
  expect((await readAll(directory)).traces).toEqual([...all.filter((trace) => trace !== 3), TRACES + 1])
  expect(await verifyStore(directory)).toMatchObject({ ok: true, spans: TRACES * SPANS })
})

it('names what is damaged and could not be searched, keeps it, and deletes it only when told to', async () => {
  const { body, meta } = first()
  edit(sealedPath(directory, 1), (bytes) => bytes.fill(0xaa, body.offset, body.offset + body.length))
  const size = statSync(sealedPath(directory, 1)).size
  const report = await deleteFrom(directory, { traceIds: [traceId(TRACES - 1)] })
  expect(report).toMatchObject({
    spans: SPANS,
    unsearched: [{ file: sealedName(1), offset: body.offset, bytes: body.length }],
  })
  expect(statSync(sealedPath(directory, 1)).size).toBe(size)
  await deleteFrom(directory, { traceIds: [traceId(0)] }, { damagedToo: true })
  expect(statSync(sealedPath(directory, 1)).size).toBeLessThan(size)
  expect(await verifyStore(directory)).toMatchObject({ ok: true, spans: (TRACES - 1) * SPANS - meta.spans })
})
