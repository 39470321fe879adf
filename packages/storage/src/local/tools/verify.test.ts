import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nodeFileSystem } from '../files/file-system.ts'
import { formatText } from '../files/format.ts'
import { INDEX_HEADER, readBlock } from '../files/index-file.ts'
import { FILE_HEADER } from '../files/log.ts'
import { recoverDirectory } from '../files/recover-directory.ts'
import { isOfLock } from '../files/lock.ts'
import { indexPath, logPath } from '../files/segment.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { repairStore, type RepairReport } from './repair.ts'
import type { StoreReport } from './report.ts'
import { appendTrace, edit, fill, readAll, records, SPANS } from './store.test.helper.ts'
import { verifyStore } from './verify.ts'

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const FIXTURES = new URL('../../../fixtures/', import.meta.url).pathname

let root: string
let directory: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-verify-'))
  directory = join(root, 'data')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function snapshot(of = directory): Map<string, string> {
  const files = readdirSync(of, { withFileTypes: true }).filter((entry) => entry.isFile() && !isOfLock(entry.name))
  return new Map(files.map(({ name }) => [name, readFileSync(join(of, name), 'latin1')]))
}

function lost({ segments }: StoreReport): object[] {
  return segments.flatMap(({ file, damaged }) => damaged.map((range) => ({ file, ...range })))
}

it.each(['format-1/closed', 'format-1/killed', 'format-2/closed', 'format-2/killed'])(
  'finds nothing wrong in %s',
  async (fixture) => {
    cpSync(join(FIXTURES, fixture), directory, { recursive: true })
    const before = snapshot()
    const report = await verifyStore(directory)
    expect(report).toMatchObject({ ok: true, spans: 240, maxLostSpans: 0, foreign: [], interrupted: false })
    expect(report.segments.map(({ format }) => format)).toEqual(report.segments.map(() => Number(fixture[7])))
    expect(snapshot()).toEqual(before)
  },
)

it('finds nothing wrong while the store takes spans', async () => {
  const store = await openInSameThread({ directory, segmentBytes: 20_000, seal: false })
  const state = { stop: false, trace: 0 }
  const writing = (async () => {
    while (!state.stop) await appendTrace(store, state.trace++)
  })()
  for (let i = 0; i < 5; i++) {
    const acknowledged = state.trace
    const report = await verifyStore(directory)
    expect(lost(report)).toEqual([])
    expect(report.ok).toBe(true)
    expect(report.spans).toBeGreaterThanOrEqual(acknowledged > 0 ? (acknowledged - 1) * SPANS : 0)
  }
  state.stop = true
  await writing
  await store.close()
})

it('says where what is damaged, and how many spans are in it', async () => {
  await fill(directory, 60)
  const places = records(directory)
  const body = places[3]!
  const header = places.find(({ id, start }) => id === 2 && start > FILE_HEADER)!
  edit(body.path, (bytes) => (bytes[body.end - 1]! ^= 1))
  edit(header.path, (bytes) => (bytes[header.start]! ^= 1))
  rmSync(logPath(directory, 3))
  edit(join(directory, 'FORMAT'), (bytes) => (bytes[0]! ^= 1))
  edit(indexPath(directory, 4), (bytes) => (bytes[200]! ^= 1))
  writeFileSync(join(directory, '00009999.log'), 'not ours')
  writeFileSync(join(directory, 'notes.txt'), 'mine')
  const third = places.filter(({ id }) => id === 3).length * SPANS
  const report = await verifyStore(directory)
  expect(report).toMatchObject({ ok: false, format: 'damaged', foreign: ['notes.txt'] })
  expect(lost(report)).toMatchObject([
    { file: '00000001.log', offset: body.start, bytes: body.end - body.start, maxSpans: SPANS, perhaps: false },
    { file: '00000002.log', offset: header.start, bytes: header.end - header.start, maxSpans: SPANS, perhaps: false },
    { file: '00000003.log', maxSpans: third, gone: true },
    { file: '00009999.log', bytes: 8 },
  ])
  expect(report.segments.map(({ log, index }) => `${log} ${index}`).slice(0, 5)).toEqual([
    'damaged outdated',
    'damaged outdated',
    'missing unused',
    'ok damaged',
    'ok ok',
  ])
  expect(report.spans).toBe((60 - 2) * SPANS - third)
})

it('repairs what can be repaired, keeps what cannot, and has nothing to do the second time', async () => {
  await fill(directory, 40)
  const places = records(directory)
  const body = places[3]!
  edit(body.path, (bytes) => (bytes[body.end - 1]! ^= 1))
  edit(logPath(directory, 2), (bytes) => (bytes[13]! ^= 1))
  rmSync(logPath(directory, 3))
  edit(join(directory, 'FORMAT'), (bytes) => (bytes[0]! ^= 1))
  edit(indexPath(directory, 4), (bytes) => (bytes[bytes.length - 20]! ^= 1))
  writeFileSync(join(directory, '00009999.log'), 'not ours'.repeat(10))
  const damage = readFileSync(body.path).subarray(body.start, body.end)
  const first = await repairStore(directory)
  const did = first.repairs.map((repair) => `${repair.did} ${'file' in repair ? repair.file : ''}`)
  for (const wanted of [
    'header_written 00000002.log',
    'index_made 00000001.idx',
    'index_made 00000004.idx',
    'moved 00009999.log',
  ])
    expect(did).toContain(wanted)
  expect(readFileSync(join(directory, 'FORMAT'), 'utf8')).toBe(formatText(3))
  expect(readFileSync(join(directory, 'damaged/00009999.log'), 'utf8')).toContain('not ours')
  expect(readFileSync(body.path).subarray(body.start, body.end)).toEqual(damage)
  expect(first.after.segments.every(({ index }) => index === 'ok')).toBe(true)
  const before = snapshot()
  const second = await repairStore(directory)
  expect(second.repairs).toEqual([])
  expect(second.after).toEqual(first.after)
  expect(snapshot()).toEqual(before)
  const third = places.filter(({ id }) => id === 3).length
  expect((await readAll(directory)).traces).toHaveLength(40 - 1 - third)
})

it('finds columns and filters that do not say what is in the log', async () => {
  await fill(directory, 40)
  const file = nodeFileSystem.open(indexPath(directory, 1), 'read')
  const { traceFilter, attributeFilter, columns } = readBlock(file, INDEX_HEADER, file.size())!
  file.close()
  for (const { offset, length } of [traceFilter, attributeFilter, columns]) {
    edit(indexPath(directory, 1), (bytes) => (bytes[offset + (length >> 1)]! ^= 1))
    expect((await verifyStore(directory)).segments[0]).toMatchObject({ log: 'ok', index: 'damaged' })
    expect((await repairStore(directory)).repairs).toMatchObject([{ did: 'index_made', file: '00000001.idx' }])
    expect((await verifyStore(directory)).ok).toBe(true)
  }
})

it('repairs nothing in a directory that is open, or that a later version wrote', async () => {
  await fill(directory, 40)
  const store = await openInSameThread({ directory, seal: false })
  await expect(repairStore(directory)).rejects.toMatchObject({ code: 'locked' })
  await store.close()
  edit(indexPath(directory, 1), (bytes) => (bytes[200]! ^= 1))
  writeFileSync(join(directory, 'FORMAT'), formatText(4))
  const before = snapshot()
  await expect(repairStore(directory)).rejects.toMatchObject({ code: 'newer_format' })
  expect(snapshot()).toEqual(before)
  expect((await verifyStore(directory)).format).toBe('newer')
})

it('stops when it is told to, and tells how far it is', async () => {
  await fill(directory, 40)
  await expect(verifyStore(directory, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
  const files: string[] = []
  await verifyStore(directory, { onProgress: ({ file }) => files.push(file) })
  expect(files.at(-1)).toMatch(/^\d{8}\.log$/)
  await expect(verifyStore(join(root, 'none'))).rejects.toMatchObject({ code: 'io' })
})

/** One thing that happens to a file: bytes turned, zeroed, cut off, a piece taken out, or the file itself. */
const harm = fc.record({
  file: fc.nat(),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  length: fc.integer({ min: 1, max: 700 }),
  kind: fc.constantFrom('flip', 'flip', 'flip', 'zero', 'garbage', 'cut', 'remove', 'grow'),
})

function apply(harms: readonly { file: number; at: number; length: number; kind: string }[]): void {
  for (const { file, at, length, kind } of harms) {
    const names = readdirSync(directory).filter((name) => /\.(log|idx)$|^FORMAT$/.test(name))
    const path = join(directory, names[file % names.length]!)
    const offset = Math.floor(at * statSync(path).size)
    if (kind === 'remove') rmSync(path)
    else if (kind === 'cut') truncateSync(path, offset)
    else if (kind === 'grow') writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(length, 0xa5)]))
    else
      edit(path, (bytes) => {
        if (kind === 'flip') bytes[offset]! ^= 1 << (length % 8)
        else bytes.fill(kind === 'zero' ? 0 : 0xa5, offset, Math.min(bytes.length, offset + length))
      })
    if (readdirSync(directory).filter((name) => name.endsWith('.log')).length === 0) return
  }
}

it('serves what is undamaged and tells what is not, whatever happens to the files', async () => {
  const original = join(root, 'original')
  await fill(original, 30, 2500)
  const places = records(original)
  await fc.assert(
    fc.asyncProperty(fc.array(harm, { minLength: 1, maxLength: 3 }), fc.nat(14), async (harms, open) => {
      rmSync(directory, { recursive: true, force: true })
      cpSync(original, directory, { recursive: true })
      apply(harms)
      // A record whose bytes are where they were, in a log whose header or whose first record can tell what it is, must be served.
      const whole = places.flatMap(({ path, start, end }, trace) => (same(original, path, start, end) ? [trace] : []))
      const lastId = places.at(-1)!.id
      const verified = await verifyStore(directory)
      expect(verified.spans).toBe(whole.length * SPANS)
      // What of the newest segment is gone with its index cannot be known.
      const unknowable = places.filter(
        ({ id }) => sizeOf(indexPath(directory, id)) <= INDEX_HEADER && (id === lastId || id === 1),
      ).length
      const { traces } = open === 0 ? await readAll(directory) : recoverOnly(whole)
      // The reader may need less of a record than its checksum covers.
      expect(whole.filter((trace) => !traces.includes(trace))).toEqual([])
      if (whole.length + unknowable < places.length) {
        expect(verified.ok).toBe(false)
        if (verified.maxLostSpans !== undefined)
          expect(verified.maxLostSpans + unknowable * SPANS).toBeGreaterThanOrEqual(
            (places.length - whole.length) * SPANS,
          )
      }
      const repaired: RepairReport = await repairStore(directory)
      expect(repaired.after.spans).toBe(whole.length * SPANS)
      const again = await repairStore(directory)
      expect(again.repairs).toEqual([])
      expect((await verifyStore(directory)).spans).toBe(whole.length * SPANS)
    }),
    { numRuns: Number(process.env['SPOOR_RUNS'] ?? 60), ...(process.env['SPOOR_RUNS'] ? {} : { seed: 3 }) },
  )
})

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function same(original: string, path: string, start: number, end: number): boolean {
  const copy = join(directory, path.slice(original.length))
  if (!existsSync(copy)) return false
  const [a, b] = [readFileSync(path), readFileSync(copy)]
  return b.length >= end && a.subarray(start, end).equals(b.subarray(start, end))
}

/** Opening without threads; what it finds is the spans of the blocks. */
function recoverOnly(whole: readonly number[]): { traces: number[] } {
  let spans = 0
  const options = { write: true, nowMs: 1, tell: () => {} }
  for (const found of recoverDirectory(nodeFileSystem, directory, options).segments) {
    if (!('segment' in found)) continue
    found.segment?.log.close()
    found.segment?.index.close()
    const stretches = found.unindexed.filter(({ damaged }) => !damaged)
    spans += records(directory).reduce(
      (sum, record) =>
        record.id === found.id && stretches.some((at) => record.start >= at.logStart && record.end <= at.logEnd)
          ? sum + SPANS
          : sum,
      0,
    )
    spans += blocksOf(found.id, found.indexSize)
  }
  // Of what a glance does not see to be damaged the index still speaks.
  expect(spans).toBeGreaterThanOrEqual(whole.length * SPANS)
  return { traces: [...whole] }
}

function blocksOf(id: number, size: number): number {
  const file = nodeFileSystem.open(indexPath(directory, id), 'read')
  let spans = 0
  for (let at = INDEX_HEADER; at < size;) {
    const block = readBlock(file, at, size)!
    spans += block.meta.spans
    at = block.end
  }
  file.close()
  return spans
}
