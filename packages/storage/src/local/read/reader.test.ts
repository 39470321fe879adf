import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { batchOf, MS, sent, T0, traceId } from '../../conformance/spans.ts'
import type { Aggregates, SearchEnd, SearchQuery } from '../../contract.ts'
import { nodeFileSystem, type FileSystem } from '../files/file-system.ts'
import { settingsOf } from '../options.ts'
import type { Connect, Port } from '../runtime.ts'
import type { Call, Change, FromReader, ReaderPart, ToReader } from '../threads/protocol.ts'
import { ReadOnlyIngest } from '../tools/read-only.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { fill } from '../tools/store.test.helper.ts'
import { StillClock } from './blocks.test.helper.ts'
import { Reader } from './reader.ts'

/** The other ends of a reader's ports, in this thread. */
class Ends {
  readonly replies = new Map<number, FromReader>()
  readonly #changes: readonly Change[]
  #handle = (_message: ToReader): void => {}
  #id = 0

  readonly main: Port<ToReader, FromReader> = {
    post: (message) => void ('id' in message && this.replies.set(message.id, message)),
    onMessage: (handle) => (this.#handle = handle),
    receive: () => undefined,
    close: () => {},
  }

  readonly writer: Port<Change, never> = {
    post: () => {},
    onMessage: (handle) => {
      for (const change of this.#changes) handle(change)
      handle({ type: 'joined' })
    },
    receive: () => undefined,
    close: () => {},
  }

  /** `changes`: what the writer tells of what there is. */
  constructor(changes: readonly Change[] = []) {
    this.#changes = changes
  }

  closeTrace(stream: number): void {
    this.#handle({ type: 'closeTrace', stream })
  }

  join(): void {
    this.#handle({ type: 'join', link: this.writer })
  }

  call(call: Call): number {
    const id = this.#id++
    this.#handle({ type: 'call', id, call, deadlineMs: 1e9 })
    return id
  }

  codes(ids: readonly number[]): unknown[] {
    return ids.map((id) => {
      const reply = this.replies.get(id)
      return reply && (reply.type === 'error' ? reply.error.code : 'answered')
    })
  }
}

/** The machine's files, to be read; each time somebody hears of it before. */
function filesWith(onRead: (path: string) => void): FileSystem {
  return {
    ...nodeFileSystem,
    open(path, mode) {
      const file = nodeFileSystem.open(path, mode)
      return {
        write: () => 0,
        truncate() {},
        sync() {},
        dataSync() {},
        identity: () => file.identity(),
        size: () => file.size(),
        close: () => file.close(),
        read(into, offset, length, position) {
          onRead(path)
          return file.read(into, offset, length, position)
        },
      }
    },
  }
}

async function withReader(test: (ends: Ends) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-reader-'))
  const ends = new Ends()
  const connect: Connect = (link) => link as never
  new Reader('search_reader', settingsOf({ directory }), nodeFileSystem, new StillClock(), connect, ends.main).start()
  ends.join()
  await test(ends)
  rmSync(directory, { recursive: true, force: true })
}

it('learns in the background, with rests, what was there before it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-reader-'))
  await fill(directory, 40, 3000)
  const indexes = new Map<string, number>()
  const files = filesWith((path) => {
    clock.nowMs++
    if (path.endsWith('.idx')) indexes.set(path, (indexes.get(path) ?? 0) + 1)
  })
  const clock = new StillClock()
  const settings = settingsOf({ directory, readOnly: true })
  const nobody = { post() {}, onMessage() {}, receive: () => undefined, close() {} }
  const ingest = new ReadOnlyIngest(settings, nodeFileSystem, clock, nobody)
  ingest.open()
  const changes = [...ingest.all()]
  const ends = new Ends(changes)
  new Reader('lookup_reader', settings, files, clock, (link) => link as never, ends.main).start()
  ends.join()
  const readSince = (before: ReadonlyMap<string, number>): string[] =>
    [...indexes].filter(([path, reads]) => reads > (before.get(path) ?? 0)).map(([path]) => path)
  // Their metas, and the first block's columns.
  for (let i = 0; i < 50; i++) await turn()
  const segments = changes.filter(({ type }) => type === 'segment').length
  expect(indexes.size).toBe(segments)
  const learned = new Set<string>()
  for (let i = 2; i < segments; i++) {
    const before = new Map(indexes)
    // A fifth of the time.
    clock.pass(3)
    expect(readSince(before)).toEqual([])
    clock.pass(1)
    expect(readSince(before)).toHaveLength(1)
    for (const path of readSince(before)) learned.add(path)
  }
  // All but the last, which is still open perhaps, and the one before it, which was the first to be read.
  expect(learned.size).toBe(segments - 2)
  const before = new Map(indexes)
  clock.pass(60_000)
  expect(readSince(before)).toEqual([])
  rmSync(directory, { recursive: true, force: true })
})

it('learns in the background which blocks have traces in common, when somebody has asked for requests', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-reader-'))
  await fill(directory, 40, 3000)
  const store = await openInSameThread({ directory, seal: false })
  const ask = (from: bigint): Promise<Aggregates> => store.aggregate({ of: 'requests', from })
  try {
    const few = await ask(T0 + 30n * MS)
    expect(few).toMatchObject({ total: { count: 10 }, complete: true })
    expect(few.spansScanned).toBeGreaterThan(0)
    // Once that is known, what was counted is kept.
    await vi.waitFor(async () => expect((await ask(T0 + 30n * MS)).spansScanned).toBeLessThan(few.spansScanned), 60_000)
    expect((await ask(T0 + 30n * MS)).total).toEqual(few.total)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}, 120_000)

/** A store of one trace of 9,000 spans. */
async function storeLarge(directory: string): Promise<void> {
  const store = await openInSameThread({ directory, seal: false })
  const spans = Array.from({ length: 9_000 }, (_, i) =>
    sent({ trace: 1, id: i + 1, ...(i > 0 && { parent: 1 }), at: i }),
  )
  await store.append(batchOf(...spans))
  await store.close()
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await turn()
}

/** A reader on a directory that has been told of all that there is. */
async function readerOn(
  part: ReaderPart,
  directory: string,
  clock: StillClock,
  files = nodeFileSystem,
  cacheBytes = 24 << 20,
): Promise<Ends> {
  const settings = settingsOf({ directory, readOnly: true, cacheBytes })
  const nobody = { post() {}, onMessage() {}, receive: () => undefined, close() {} }
  const ingest = new ReadOnlyIngest(settings, nodeFileSystem, clock, nobody)
  ingest.open()
  const ends = new Ends([...ingest.all()])
  new Reader(part, settings, files, clock, (link) => link as never, ends.main).start()
  ends.join()
  await turns(20)
  return ends
}

async function searched(ends: Ends, query: SearchQuery): Promise<SearchEnd> {
  const id = ends.call({ method: 'search', query })
  while (!ends.replies.has(id)) await turn()
  return (ends.replies.get(id) as { readonly result: SearchEnd }).result
}

it('puts a large trace together before somebody asks, once it has stayed as it is for a while', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-reader-'))
  await storeLarge(directory)
  /** Bytes that the first search reads, when so much time has passed three times before. */
  async function bytesAfter(ms: number, part: ReaderPart = 'search_reader'): Promise<number> {
    const clock = new StillClock()
    const ends = await readerOn(part, directory, clock)
    for (let i = 0; i < 3; i++) {
      clock.pass(ms)
      await turns(20)
    }
    const end = await searched(ends, { order: 'longest' })
    expect(end).toMatchObject({ complete: true, total: { traces: 1 } })
    return end.bytesRead
  }
  const bytes = await bytesAfter(0)
  expect(bytes).toBeGreaterThan(10_000)
  expect(await bytesAfter(1_999 / 3)).toBe(bytes)
  expect(await bytesAfter(2_000)).toBe(0)
  // Who looks traces up has no use for it.
  expect(await bytesAfter(2_000, 'lookup_reader')).toBe(bytes)
  rmSync(directory, { recursive: true, force: true })
})

it('leaves a large trace when somebody asks something, and waits longer before it begins anew', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-reader-'))
  await storeLarge(directory)
  const clock = new StillClock()
  const files = filesWith(() => (clock.nowMs += 10))
  const ends = await readerOn('search_reader', directory, clock, files, 1)
  const asked: number[] = []
  clock.onTurn = () => void asked.push(ends.call({ method: 'services' }))
  const worksAfter = async (ms: number): Promise<boolean> => {
    const before = clock.turns
    clock.pass(ms)
    await turns(20)
    return clock.turns > before
  }
  // It sees the trace, then begins to put it together, and gives way.
  expect(await worksAfter(2_000)).toBe(false)
  expect(await worksAfter(2_000)).toBe(true)
  expect(ends.codes(asked)).toEqual(['answered'])
  clock.onTurn = () => {}
  expect(await worksAfter(3_900)).toBe(false)
  expect(await worksAfter(200)).toBe(true)
  // That is all that there was to be done.
  expect(await worksAfter(60_000)).toBe(false)
  rmSync(directory, { recursive: true, force: true })
})

it('looks once into what does not change for what dear conditions ask', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-reader-'))
  await fill(directory, 40, 3000)
  const ends = await readerOn('search_reader', directory, new StillClock())
  const filter = { op: 'regex', target: { attribute: 'trace' }, value: 'none' } as const
  expect((await searched(ends, { filter })).spansScanned).toBe(3 * 40)
  expect((await searched(ends, { filter })).spansScanned).toBe(0)
  rmSync(directory, { recursive: true, force: true })
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('refuses more queries at once than it takes, and answers again afterwards', async () => {
  await withReader(async (ends) => {
    const ids = Array.from({ length: 300 }, () => ends.call({ method: 'search', query: {} }))
    await turn()
    const codes = ends.codes(ids)
    expect(codes.slice(0, 256)).toEqual(Array.from({ length: 256 }, () => 'answered'))
    expect(codes.slice(256)).toEqual(Array.from({ length: 44 }, () => 'overloaded'))
    const again = ends.call({ method: 'services' })
    await turn()
    expect(ends.codes([again])).toEqual(['answered'])
  })
})

it('refuses to open more traces than it keeps, until some are closed', async () => {
  await withReader(async (ends) => {
    const streams: number[] = []
    for (let i = 0; i < 1024; i++) {
      streams.push(ends.call({ method: 'openTrace', traceId: traceId(1) }))
      if (i % 100 === 0) await turn()
    }
    await turn()
    const beyond = ends.call({ method: 'openTrace', traceId: traceId(1) })
    await turn()
    expect(ends.codes([...streams, beyond]).filter((code) => code !== 'answered')).toEqual(['overloaded'])
    // Those that are open go on, and whoever reads none is not refused.
    const on = [ends.call({ method: 'nextTrace', stream: streams[0]! }), ends.call({ method: 'services' })]
    ends.closeTrace(streams[1]!)
    await turn()
    expect(ends.codes(on)).toEqual(['answered', 'answered'])
    const opened = ends.call({ method: 'openTrace', traceId: traceId(1) })
    await turn()
    expect(ends.codes([opened])).toEqual(['answered'])
  })
})

it('says so when it is asked for a trace that is not open', async () => {
  await withReader(async (ends) => {
    const id = ends.call({ method: 'nextTrace', stream: 77 })
    await turn()
    expect(ends.codes([id])).toEqual(['io'])
  })
})
