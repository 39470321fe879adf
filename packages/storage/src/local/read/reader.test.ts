import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { MS, T0, traceId } from '../../conformance/spans.ts'
import type { Aggregates } from '../../contract.ts'
import { nodeFileSystem, type FileSystem } from '../files/file-system.ts'
import { settingsOf } from '../options.ts'
import type { Connect, Port } from '../runtime.ts'
import type { Call, Change, FromReader, ToReader } from '../threads/protocol.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { ReadOnlyIngest } from '../tools/read-only.ts'
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
  const files: FileSystem = {
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
          clock.nowMs++
          if (path.endsWith('.idx')) indexes.set(path, (indexes.get(path) ?? 0) + 1)
          return file.read(into, offset, length, position)
        },
      }
    },
  }
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
