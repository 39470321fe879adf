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
import { TraceKeeper } from '../seal/keep-traces.ts'
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
let held: number[]
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
  held = []
  users = []
  catalog = new Catalog(files.system, clock, directory, 1 << 20, {
    tell: (event) => events.push(event),
    switched: (id) => switched.push(id),
    held: (id) => held.push(id),
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

const KEEP_PINNED = { errors: false, slowerThan: undefined, pinned: true, maxAgeMs: Infinity, share: 0.2 }

async function loadSealed(): Promise<void> {
  catalog.apply(await seal())
  await load()
  removeLog()
}

/** Writes beside the first segment, which is sealed, what is kept of it: its first trace. */
async function keepFirst(): Promise<void> {
  const task = { id: 1, createdMs: 0, endedMs: 0, maxBytes: Infinity, before: [], after: [], pins: [traceId(0)] }
  await new TraceKeeper(nodeFileSystem, directory, KEEP_PINNED).keep(task, () => Promise.resolve(true))
}

/** Puts it in the segment's place. */
function replace(): Change {
  nodeFileSystem.rename(sealedPath(directory, 1) + NEW, sealedPath(directory, 1))
  return { type: 'sealed', id: 1, isDamaged: false }
}

/** Traces of which everything is found. */
async function whole(): Promise<number[]> {
  const found: number[] = []
  for (let trace = 0; trace < TRACES; trace++) if ((await spansOf(streamOf(trace))) === SPANS) found.push(trace)
  return found
}

it('reads what is there of a segment until it can read what was kept of it, whatever has its name', async () => {
  await loadSealed()
  await keepFirst()
  catalog.apply({ type: 'hold', id: 1 })
  expect(held).toEqual([1])
  const change = replace()
  // The word of it is on its way.
  await expectAll()
  const query = {}
  users = [query]
  const stream = streamOf(1)
  catalog.apply(change)
  await load()
  const left = await whole()
  expect(left).toContain(0)
  expect(left).not.toContain(1)
  // Who began before reads on in what was there.
  expect(await spansOf(stream)).toBe(SPANS)
  expect(files.open.get(sealedPath(directory, 1))).toBe(2)
  catalog.ended(query)
  expect(files.open.get(sealedPath(directory, 1))).toBe(1)
  expect(events).toEqual([])
})

it('keeps open what it has not yet looked into, as soon as it does', async () => {
  catalog.apply(await seal())
  removeLog()
  // Told before anything of the sealed form was read, and of one that has just taken the place of its log.
  catalog.apply({ type: 'hold', id: 1 })
  expect(held).toEqual([])
  await load()
  expect(held).toEqual([1])
  await keepFirst()
  const change = replace()
  await expectAll()
  catalog.apply(change)
  await load()
  expect(await whole()).toContain(0)
  expect(await whole()).not.toContain(1)
  expect(files.open.get(sealedPath(directory, 1))).toBe(1)
  expect(events).toEqual([])
})

it('does not say that it keeps open what it cannot open', async () => {
  await loadSealed()
  await keepFirst()
  catalog.reset()
  const open = files.system.open.bind(files.system)
  files.system.open = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  catalog.apply({ type: 'sealed', id: 1, isDamaged: false })
  catalog.apply({ type: 'hold', id: 1 })
  await load()
  expect(held).toEqual([])
  files.system.open = open
  await load()
  expect(held).toEqual([1])
})

it('lets go of what it keeps open when retention takes the segment', async () => {
  await loadSealed()
  catalog.apply({ type: 'hold', id: 1 })
  catalog.apply({ type: 'drop', id: 1 })
  nodeFileSystem.remove(sealedPath(directory, 1))
  expect(files.isOpen(sealedPath(directory, 1))).toBe(false)
  expect(await whole()).not.toContain(0)
  expect(events).toEqual([])
})

it('takes what another process has kept of a segment for no damage, and reads it when it is asked again', async () => {
  await loadSealed()
  await expectAll()
  await keepFirst()
  catalog.reset()
  catalog.apply({ type: 'sealed', id: 1, isDamaged: false })
  await load()
  const turn = new Turn(clock, Infinity)
  const [block] = catalog.blocks(turn)
  // Nobody has told, and the file is opened anew.
  for (let i = 0; i < 3; i++) clock.pass(40_000)
  expect(files.isOpen(sealedPath(directory, 1))).toBe(false)
  replace()
  turn.attempt(() => block!.rows())
  expect([turn.hasVanished, turn.damage, events]).toEqual([true, undefined, []])
  await load()
  expect(await spansOf(streamOf(0))).toBe(SPANS)
  expect(await spansOf(streamOf(1))).toBe(0)
  expect(events).toEqual([])
})
