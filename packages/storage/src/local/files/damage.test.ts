import {
  cpSync,
  existsSync,
  mkdirSync,
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
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { collectSearch } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { appendTrace, damaged, edit, fill, readAll, records, SPANS } from '../tools/store.test.helper.ts'
import { ChangeFeed } from '../threads/change-feed.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import type { FromWriter, ToWriter } from '../threads/protocol.ts'
import { Ingest } from '../write/ingest.ts'
import { settingsOf } from '../options.ts'
import { systemClock, type Port } from '../runtime.ts'
import { requestOf, sent } from '../../conformance/spans.ts'
import { nodeFileSystem, type FileSystem } from './file-system.ts'
import { filesThat } from './files.test.helper.ts'
import { INDEX_HEADER, readBlock } from './index-file.ts'
import { FILE_HEADER, RECORD_HEADER } from './log.ts'
import { recoverAgain, recoverDirectory } from './recover-directory.ts'
import type { RecoveredSegment } from './recover-segment.ts'
import { indexPath, logPath } from './segment.ts'

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const FIXTURES = new URL('../../../fixtures/', import.meta.url).pathname

let root: string
let directory: string
const TRACES = 12
const all = range(TRACES)

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-damage-'))
  directory = join(root, 'data')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}

/** One segment of twelve records; without `index` as after a kill. */
async function oneSegment(index: boolean): Promise<void> {
  await fill(directory, TRACES, 1 << 20)
  if (!index) rmSync(indexPath(directory, 1))
}

it.each([true, false])(
  'tells a damaged body by its place and its spans, and goes on behind it; index: %s',
  async (index) => {
    await oneSegment(index)
    const { path, start, end } = records(directory)[4]!
    edit(path, (bytes) => (bytes[end - 3]! ^= 1))
    const wanted = {
      code: 'damaged',
      file: '00000001.log',
      offset: start,
      bytes: end - start,
      maxSpans: SPANS,
      perhaps: false,
      kept: undefined,
    }
    for (let open = 0; open < 3; open++) {
      const { traces, events } = await readAll(directory)
      expect(traces).toEqual(all.filter((trace) => trace !== 4))
      expect(damaged(events)).toEqual([wanted])
    }
  },
)

it('tells a damaged header, and knows from the index how many spans are behind it', async () => {
  for (const index of [true, false]) {
    rmSync(directory, { recursive: true, force: true })
    await oneSegment(index)
    const { path, start, end } = records(directory)[4]!
    edit(path, (bytes) => (bytes[start + 13]! ^= 0x40))
    const { traces, events } = await readAll(directory)
    expect(traces).toEqual(all.filter((trace) => trace !== 4))
    const maxSpans = index ? SPANS : undefined
    expect(damaged(events)).toMatchObject([{ offset: start, bytes: end - start, maxSpans, perhaps: false }])
  }
})

it('leaves an index block behind that says where the damage is, and in which time', async () => {
  await oneSegment(true)
  const { path, start, end } = records(directory)[4]!
  edit(path, (bytes) => (bytes[end - 3]! ^= 1))
  await readAll(directory)
  const file = nodeFileSystem.open(indexPath(directory, 1), 'read')
  const metas = []
  for (let at = INDEX_HEADER; at < file.size();) {
    const block = readBlock(file, at, file.size())!
    metas.push(block.meta)
    at = block.end
  }
  file.close()
  expect(metas.map(({ spans }) => spans)).toEqual([4 * SPANS, 0, 7 * SPANS])
  expect(metas[1]).toMatchObject({
    logStart: start,
    logEnd: end,
    damaged: { bytes: end - start, maxSpans: SPANS },
    minStart: metas[0]!.minStart,
    maxStart: metas[2]!.maxStart,
  })
})

it('cuts a torn end off without a word of damage: part of a header, part of a body, zeros', async () => {
  for (const tear of ['header', 'body', 'zeros']) {
    rmSync(directory, { recursive: true, force: true })
    await oneSegment(false)
    const { path, start } = records(directory)[11]!
    if (tear === 'zeros') edit(path, (bytes) => bytes.fill(0, start))
    else truncateSync(path, start + (tear === 'header' ? 17 : RECORD_HEADER + 20))
    const torn = statSync(path).size - start
    const { traces, events } = await readAll(directory)
    expect(traces).toEqual(range(11))
    expect(events.filter(({ code }) => code !== 'opened')).toEqual([
      { code: 'recovered', file: '00000001.log', blocks: 1, tornBytes: torn },
    ])
    expect(statSync(path).size).toBe(start)
  }
})

it('keeps the last record aside when nothing can tell whether it was acknowledged', async () => {
  await oneSegment(false)
  const { path, start, end } = records(directory)[11]!
  edit(path, (bytes) => (bytes[end - 1]! ^= 1))
  const piece = readFileSync(path).subarray(start)
  const { traces, events } = await readAll(directory)
  expect(traces).toEqual(range(11))
  const kept = `damaged/00000001-${start}.bin`
  expect(damaged(events)).toEqual([
    { code: 'damaged', file: '00000001.log', offset: start, bytes: end - start, maxSpans: SPANS, perhaps: true, kept },
  ])
  expect(readFileSync(join(directory, kept))).toEqual(piece)
  expect(statSync(path).size).toBe(start)
  expect(damaged((await readAll(directory)).events)).toEqual([])
})

it('takes an end that the index knows of for lost, not for torn', async () => {
  for (const harm of ['flip', 'cut', 'zeros', 'cut at a record'] as const) {
    rmSync(directory, { recursive: true, force: true })
    await oneSegment(true)
    const { path, start, end } = records(directory)[11]!
    if (harm === 'flip') edit(path, (bytes) => (bytes[end - 1]! ^= 1))
    else if (harm === 'zeros') edit(path, (bytes) => bytes.fill(0, start))
    else truncateSync(path, harm === 'cut' ? end - 1 : start)
    for (let open = 0; open < 2; open++) {
      const { traces, events } = await readAll(directory)
      expect(traces).toEqual(range(11))
      expect(damaged(events)).toMatchObject([{ offset: start, bytes: end - start, maxSpans: SPANS, perhaps: false }])
    }
  }
})

it('takes bytes in a span that look like a record for no record', async () => {
  await oneSegment(false)
  const victim = join(root, 'victim')
  const first = records(directory)[0]!
  const forged = readFileSync(first.path).subarray(first.start, first.end)
  const store = await openInSameThread({ directory: victim, seal: false })
  for (let trace = 20; trace < 24; trace++) await appendTrace(store, trace, forged.toString('latin1'))
  await store.close()
  // What zstd cannot make smaller it keeps as it is; here it is put there outright.
  const place = records(victim)[1]!
  edit(place.path, (bytes) => {
    bytes[place.start + 20]! ^= 1
    forged.copy(bytes, place.start + 60, 0, Math.min(forged.length, place.end - place.start - 60))
  })
  rmSync(indexPath(victim, 1))
  expect((await readAll(victim)).traces).toEqual([20, 22, 23])
})

it('serves the records of a log whose header is damaged', async () => {
  for (const at of [0, 9, 13, 17, 25, 29]) {
    rmSync(directory, { recursive: true, force: true })
    await oneSegment(at % 2 === 0)
    edit(logPath(directory, 1), (bytes) => (bytes[at]! ^= 4))
    const { traces, events } = await readAll(directory)
    expect(traces).toEqual(all)
    expect(damaged(events)).toMatchObject([{ file: '00000001.log', offset: 0, bytes: FILE_HEADER, maxSpans: 0 }])
  }
})

it('tells a deleted log by what its index says, holds its place, and keeps its index', async () => {
  await fill(directory, 40)
  const gone = records(directory).filter(({ id }) => id === 2)
  const index = readFileSync(indexPath(directory, 2))
  rmSync(logPath(directory, 2))
  const before = records(directory).length
  for (let open = 0; open < 2; open++) {
    const { traces, events } = await readAll(directory)
    expect(traces).toHaveLength(before)
    expect(damaged(events)).toMatchObject([
      { file: '00000002.log', maxSpans: gone.length * SPANS, bytes: gone.at(-1)!.end - FILE_HEADER },
    ])
  }
  expect(readFileSync(join(directory, 'damaged/00000002.idx-0.bin'))).toEqual(index)
})

it('tells a segment that is missing with its index, and none where retention was', async () => {
  await fill(directory, 40)
  rmSync(logPath(directory, 2))
  rmSync(indexPath(directory, 2))
  expect(damaged((await readAll(directory)).events)).toMatchObject([{ file: '00000002.log', maxSpans: undefined }])
  rmSync(directory, { recursive: true })
  await fill(directory, 40)
  rmSync(logPath(directory, 1))
  rmSync(indexPath(directory, 1))
  expect(damaged((await readAll(directory)).events)).toEqual([])
})

it('leaves no gap where a segment was begun and nothing written', async () => {
  for (let open = 0; open < 3; open++) await (await openInSameThread({ directory, seal: false })).close()
  await fill(directory, 3, 1)
  expect(readdirSync(directory).filter((name) => name.endsWith('.log'))).toEqual([
    '00000001.log',
    '00000002.log',
    '00000003.log',
  ])
})

it('leaves no gap where the first sync of a segment failed', async () => {
  let failing = 2
  const files = filesThat((file) => ({
    dataSync: (done) => (failing-- > 0 ? void setImmediate(done, new Error('EIO')) : file.dataSync(done)),
  }))
  mkdirSync(directory)
  const answers: string[] = []
  let answered = (): void => {}
  const main: Port<ToWriter, FromWriter> = {
    ...silent,
    post(message) {
      if (message.type !== 'event') answers.push(message.type)
      answered()
    },
  }
  const ingest = new Ingest(settingsOf({ directory }), files, systemClock, new ChangeFeed(), main)
  ingest.open()
  for (let trace = 0; trace < 3; trace++) {
    const bytes = requestOf([sent({ trace, id: 1 })])
    const answer = new Promise<void>((resolve) => (answered = resolve))
    ingest.append(new Uint8Array(bytes).buffer, [trace], [bytes.length])
    await answer
  }
  await ingest.close()
  expect(answers.filter((type) => type !== 'event')).toEqual(['rejected', 'rejected', 'durable'])
  expect(readdirSync(directory).sort()).toEqual(['00000001.idx', '00000001.log', 'FORMAT', 'LAST'])
})

const silent: Port<never, never> = { post: () => {}, onMessage: () => {}, receive: () => undefined, close: () => {} }

it('opens beside foreign files, tells of those that are named like logs, and leaves them as they are', async () => {
  await oneSegment(true)
  writeFileSync(join(directory, 'notes.txt'), 'mine')
  writeFileSync(join(directory, 'app.log'), 'an application said this')
  writeFileSync(join(directory, '00000002.log'), 'x'.repeat(5000))
  writeFileSync(join(directory, '99999999.log'), Buffer.alloc(5000))
  const { traces, events } = await readAll(directory)
  expect(traces).toEqual(all)
  expect(new Set(damaged(events).map(({ file }) => file))).toEqual(new Set(['app.log', '00000002.log', '99999999.log']))
  const store = await openInSameThread({ directory, segmentBytes: 1, seal: false })
  for (let trace = TRACES; trace < TRACES + 3; trace++) await appendTrace(store, trace)
  await store.close()
  expect((await readAll(directory)).traces).toEqual(range(TRACES + 3))
  expect(readFileSync(join(directory, '00000002.log'), 'utf8')).toBe('x'.repeat(5000))
  expect(readFileSync(join(directory, '99999999.log'))).toEqual(Buffer.alloc(5000))
})

it('never deletes a log of which nothing can be read', async () => {
  await oneSegment(true)
  const size = statSync(logPath(directory, 1)).size
  writeFileSync(logPath(directory, 1), Buffer.alloc(size))
  for (let open = 0; open < 2; open++) {
    const { traces, events } = await readAll(directory)
    expect(traces).toEqual([])
    expect(damaged(events)).toMatchObject([{ file: '00000001.log', bytes: size, maxSpans: TRACES * SPANS }])
  }
  expect(statSync(logPath(directory, 1)).size).toBe(size)
})

it('leaves a segment out that the disk does not give out, opens the others, and has it when the disk gives it out again', async () => {
  await fill(directory, 40)
  const before = readdirSync(directory).length
  const events: StoreEvent[] = []
  const options = { write: true, nowMs: 1, tell: (event: StoreEvent) => void events.push(event) }
  const found = [...recoverDirectory(failing('00000002.log'), directory, options).segments]
  for (const segment of found) {
    if (!('segment' in segment)) continue
    segment.segment?.log.close()
    segment.segment?.index.close()
  }
  const count = records(directory).filter(({ id }) => id === 2).length * SPANS
  const refusal = expect.stringMatching(/00000002\.log: EIO/) as string
  expect(found.filter((segment) => 'lost' in segment)).toMatchObject([{ id: 2, lost: { maxSpans: count }, refusal }])
  expect(found.length).toBeGreaterThan(3)
  expect(recoverAgain(failing('00000002.log'), directory, 2, false, options)).toMatchObject({ refusal })
  const { logSize } = recoverAgain(nodeFileSystem, directory, 2, false, options) as RecoveredSegment
  expect(logSize).toBe(statSync(logPath(directory, 2)).size)
  expect(damaged(events)).toEqual([])
  expect(readdirSync(directory)).toHaveLength(before)
  expect(damaged((await readAll(directory)).events)).toEqual([])
})

it('serves a segment from its log when the disk does not give its index out, and leaves the index as it is', async () => {
  await fill(directory, 40)
  const before = readFileSync(indexPath(directory, 2))
  const events: StoreEvent[] = []
  const options = { write: true, nowMs: 1, tell: (event: StoreEvent) => void events.push(event) }
  const found = [...recoverDirectory(failing('00000002.idx'), directory, options).segments]
  const second = found.find(({ id }) => id === 2)!
  const places = records(directory).filter(({ id }) => id === 2)
  expect('unindexed' in second && second.unindexed).toMatchObject([
    { logStart: FILE_HEADER, logEnd: places.at(-1)!.end, damaged: undefined },
  ])
  for (const segment of found) {
    if (!('segment' in segment)) continue
    segment.segment?.log.close()
    segment.segment?.index.close()
  }
  expect(damaged(events)).toEqual([])
  expect(readFileSync(indexPath(directory, 2))).toEqual(before)
})

/** The machine's files, of which one fails to be read. */
function failing(name: string): FileSystem {
  const read = (): never => {
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
  }
  return filesThat((_, path) => (path.endsWith(name) ? { read } : undefined))
}

it('keeps blocks in memory where the index cannot be written, and reads them all the same', async () => {
  await oneSegment(false)
  const write = (): never => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  }
  const full = filesThat((_, path) => (path.endsWith('.idx') ? { write } : undefined))
  const [found] = recoverDirectory(full, directory, { write: true, nowMs: 1, tell: () => {} }).segments
  expect(found).toMatchObject({ indexSize: 0, segment: undefined })
  expect('unindexed' in found! && found.unindexed).toMatchObject([{ logStart: FILE_HEADER }])
})

it('reads a copy without changing a byte of it', async () => {
  await oneSegment(false)
  const { path, start, end } = records(directory)[11]!
  edit(path, (bytes) => (bytes[end - 1]! ^= 1))
  cpSync(directory, join(root, 'copy'), { recursive: true })
  const before = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'hex')])
  const { traces, events } = await readAll(directory, { readOnly: true })
  expect(traces).toEqual(range(11))
  expect(damaged(events)).toMatchObject([{ offset: start, perhaps: true, kept: undefined }])
  expect(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'hex')])).toEqual(before)
  expect(existsSync(join(directory, 'LOCK'))).toBe(false)
})

it('reads beside the process that has the directory, and refuses to append', async () => {
  const owner = await openInSameThread({ directory, seal: false })
  await appendTrace(owner, 0)
  const reader = await openInSameThread({ directory, readOnly: true })
  await expect(appendTrace(reader, 1)).rejects.toMatchObject({
    code: 'read_only',
    retryable: false,
    message: expect.stringContaining(directory) as string,
  })
  expect((await collectSearch(reader.search({}))).traces).toHaveLength(1)
  await reader.close()
  await appendTrace(owner, 1)
  await owner.close()
  expect((await readAll(directory)).traces).toEqual([0, 1])
  await expect(openInSameThread({ directory: join(root, 'none'), readOnly: true })).rejects.toMatchObject({
    code: 'io',
  })
  expect(existsSync(join(root, 'none'))).toBe(false)
})

/** The real file system, in which the `failAt`-th call fails, and only that one, whatever it is. */
function failingOnce(failAt: number, code: string): { files: FileSystem; calls: () => number } {
  let calls = 0
  const once = <T>(run: () => T): T => {
    if (++calls === failAt) throw Object.assign(new Error(`${code}: injected`), { code, syscall: 'any' })
    return run()
  }
  const files: FileSystem = {
    list: (path) => once(() => nodeFileSystem.list(path)),
    stat: (path) => once(() => nodeFileSystem.stat(path)),
    identity: (path) => nodeFileSystem.identity(path),
    remove: (path) => once(() => nodeFileSystem.remove(path)),
    rename: (from, to) => once(() => nodeFileSystem.rename(from, to)),
    makeDirectory: (path) => once(() => nodeFileSystem.makeDirectory(path)),
    syncDirectory: (path) => once(() => nodeFileSystem.syncDirectory(path)),
    space: (path) => nodeFileSystem.space(path),
    open(path, mode) {
      const file = once(() => nodeFileSystem.open(path, mode))
      return {
        // Reads and writes do less than they are asked for.
        read: (into, offset, length, position) =>
          once(() => file.read(into, offset, Math.min(length, 1 + (length >> 1)), position)),
        write: (from, offset, length, position) =>
          once(() => file.write(from, offset, Math.min(length, 1 + (length >> 1)), position)),
        size: () => once(() => file.size()),
        identity: () => file.identity(),
        truncate: (size) => once(() => file.truncate(size)),
        sync: () => once(() => file.sync()),
        dataSync: (done) => file.dataSync(done),
        close: () => file.close(),
      }
    },
  }
  return { files, calls: () => calls }
}

it.each(['EIO', 'ENOSPC'])('loses nothing and takes nothing for damage when any one call fails with %s', (code) => {
  const original = join(root, 'original')
  cpSync(join(FIXTURES, 'format-2/killed'), original, { recursive: true })
  // Something to find and to keep at every step: a damaged record, a torn end, a cut log, one that is missing.
  const places = records(original)
  edit(places[5]!.path, (bytes) => (bytes[places[5]!.end - 1]! ^= 1))
  const first = readFileSync(indexPath(original, 1))
  rmSync(indexPath(original, 1))
  writeFileSync(indexPath(original, 3), first)
  const last = places.at(-1)!
  truncateSync(last.path, last.end - 7)
  const wanted = new Set(['00000001.log', '00000003.log'])
  const recover = (files: FileSystem): { files: Set<string>; spans: number } => {
    const events: StoreEvent[] = []
    const options = { write: true, nowMs: 1, tell: (event: StoreEvent) => void events.push(event) }
    for (const found of recoverDirectory(files, directory, options).segments) {
      if (!('segment' in found)) continue
      found.segment?.log.close()
      found.segment?.index.close()
    }
    const spans = records(directory).length
    return { files: new Set(damaged(events).map(({ file }) => file)), spans }
  }
  let calls = 0
  // Some of the calls; all of them take minutes.
  const stride = (): number => (calls < 50 ? 1 : Math.floor(calls / 47))
  for (let failAt = 0; failAt === 0 || failAt <= calls; failAt += failAt === 0 ? 1 : stride()) {
    rmSync(directory, { recursive: true, force: true })
    cpSync(original, directory, { recursive: true })
    const injected = failingOnce(failAt === 0 ? Infinity : failAt, code)
    try {
      recover(injected.files)
    } catch (error) {
      expect((error as { code?: string }).code).toBe(code)
    }
    if (failAt === 0) calls = injected.calls()
    const after = recover(nodeFileSystem)
    expect({ failAt, ...after }).toEqual({ failAt, files: wanted, spans: places.length - 2 })
    expect(recover(nodeFileSystem)).toEqual(after)
  }
  expect(calls).toBeGreaterThan(100)
})
