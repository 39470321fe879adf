import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeTraces } from '@spoor/otlp'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { traceId } from '../../conformance/spans.ts'
import type { StoreEvent } from '../../events.ts'
import { changesOf } from '../files/changes.ts'
import { nodeFileSystem, type FileSystem } from '../files/file-system.ts'
import { recoverDirectory } from '../files/recover-directory.ts'
import { indexPath, logPath, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import type { Change } from '../threads/protocol.ts'
import { sealLog } from '../seal/seal-log.ts'
import { edit, fill, SPANS } from '../tools/store.test.helper.ts'
import { StillClock } from './blocks.test.helper.ts'
import { Catalog } from './catalog.ts'
import { TraceStream } from './trace-stream.ts'
import { traceWords } from './trace-parts.ts'
import { Turn } from './turn.ts'

vi.setConfig({ testTimeout: 60_000 })

const TRACES = 20

let directory: string
let files: CountedFiles
let clock: StillClock
let events: StoreEvent[]
let switched: number[]
let users: object[]
let catalog: Catalog

/** The machine's files, of which it is known which are open. */
class CountedFiles {
  readonly open = new Map<string, number>()
  readonly system: FileSystem = {
    ...nodeFileSystem,
    open: (path, mode) => {
      const file = nodeFileSystem.open(path, mode)
      this.open.set(path, (this.open.get(path) ?? 0) + 1)
      return {
        ...file,
        read: file.read.bind(file),
        size: () => file.size(),
        close: () => {
          this.open.set(path, this.open.get(path)! - 1)
          file.close()
        },
      }
    },
  }

  isOpen(path: string): boolean {
    return (this.open.get(path) ?? 0) > 0
  }
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-switch-'))
  await fill(directory, TRACES)
  files = new CountedFiles()
  clock = new StillClock()
  events = []
  switched = []
  users = []
  catalog = new Catalog(files.system, clock, directory, 1 << 20, {
    tell: (event) => events.push(event),
    switched: (id) => switched.push(id),
    users: () => users,
  })
  const { segments } = recoverDirectory(nodeFileSystem, directory, { write: false, nowMs: 0, tell: () => {} })
  for (const found of segments) for (const change of changesOf(found)) catalog.apply(change)
})

afterEach(() => {
  catalog.reset()
  rmSync(directory, { recursive: true, force: true })
})

/** Writes the sealed form of the first segment beside its log. */
async function seal(): Promise<Change> {
  const logSize = nodeFileSystem.stat(logPath(directory, 1))!.size
  await sealLog(nodeFileSystem, directory, { id: 1, logSize, maxBytes: Infinity }, () => Promise.resolve(true))
  nodeFileSystem.rename(sealedPath(directory, 1) + NEW, sealedPath(directory, 1))
  return { type: 'sealed', id: 1, isDamaged: false }
}

function removeLog(): void {
  nodeFileSystem.remove(indexPath(directory, 1))
  nodeFileSystem.remove(logPath(directory, 1))
}

async function load(): Promise<void> {
  await catalog.load(new Turn(clock, Infinity))
}

async function spansOf(stream: TraceStream): Promise<number> {
  let spans = 0
  for (let done = false; !done;) {
    const turn = new Turn(clock, Infinity)
    const answer = await stream.next(turn)
    expect(turn.complete).toBe(true)
    done = answer.done
    for (const chunk of answer.chunks)
      for (const { scopeSpans } of decodeTraces(chunk).resourceSpans)
        for (const scope of scopeSpans) spans += scope.spans.length
  }
  return spans
}

function streamOf(trace: number): TraceStream {
  const turn = new Turn(clock, Infinity)
  const stream = new TraceStream(catalog.blocks(turn), traceWords(traceId(trace)))
  expect(turn.complete).toBe(true)
  return stream
}

async function expectAll(): Promise<void> {
  for (let trace = 0; trace < TRACES; trace++) expect(await spansOf(streamOf(trace))).toBe(SPANS)
}

it('reads the sealed form once it can, and says so', async () => {
  await load()
  await expectAll()
  catalog.apply(await seal())
  expect(switched).toEqual([])
  await load()
  expect(switched).toEqual([1])
  removeLog()
  await expectAll()
  expect(files.isOpen(logPath(directory, 1))).toBe(false)
  expect(events).toEqual([])
})

it('keeps the log open as long as a query under way may read it', async () => {
  await load()
  const [query, later] = [{}, {}]
  users = [query]
  const stream = streamOf(0)
  catalog.apply(await seal())
  await load()
  removeLog()
  users = [query, later]
  expect(await spansOf(stream)).toBe(SPANS)
  expect(files.isOpen(logPath(directory, 1))).toBe(true)
  catalog.ended(later)
  expect(files.isOpen(logPath(directory, 1))).toBe(true)
  catalog.ended(query)
  expect(files.isOpen(logPath(directory, 1))).toBe(false)
  expect(files.isOpen(indexPath(directory, 1))).toBe(false)
  await expectAll()
})

it('does not miss what retention takes while a query still reads the log of it', async () => {
  await load()
  users = [{}]
  const turn = new Turn(clock, Infinity)
  const blocks = catalog.blocks(turn)
  catalog.apply(await seal())
  await load()
  removeLog()
  catalog.apply({ type: 'drop', id: 1 })
  expect(await new TraceStream(blocks, traceWords(traceId(0))).next(turn)).toMatchObject({ chunks: [], done: true })
  expect(turn.complete).toBe(true)
})

it('reads on in the log as long as the sealed form is not whole', async () => {
  await load()
  const change = await seal()
  edit(sealedPath(directory, 1), (bytes) => bytes.fill(0, 0, bytes.length))
  catalog.apply(change)
  await load()
  expect(switched).toEqual([])
  await expectAll()
  await seal()
  await load()
  expect(switched).toEqual([1])
  await expectAll()
  expect(events).toEqual([])
})

it('finds the sealed form of a segment that another process has sealed, and nobody told', async () => {
  await seal()
  removeLog()
  await load()
  await expectAll()
  expect(events).toEqual([])
})
