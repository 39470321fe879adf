import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { attributes, requestOf, sent, T0, traceId, type SentSpan } from '../../conformance/spans.ts'
import type { StoreEvent } from '../../events.ts'
import { BlockBuilder } from '../block/builder.ts'
import { nodeFileSystem, type File, type FileSystem } from '../files/file-system.ts'
import { encodeBlock, readBlock, INDEX_HEADER, type BlockMeta } from '../files/index-file.ts'
import { compress, recordHead, writeFully } from '../files/log.ts'
import { closeSegment, createSegment, indexPath, logPath } from '../files/segment.ts'
import type { Change } from '../threads/protocol.ts'
import { StillClock, searchPage } from './blocks.test.helper.ts'
import { isBlockMeta } from './block-meta.ts'
import { traceHash, type Block } from './block.ts'
import { Catalog } from './catalog.ts'
import { dependencies } from './dependencies.ts'
import { traceWords } from './trace-parts.ts'
import { TraceStream } from './trace-stream.ts'
import { Turn } from './turn.ts'

let directory: string
let clock: StillClock
let events: StoreEvent[]
let files: CountingFiles
let catalog: Catalog

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-catalog-'))
  clock = new StillClock()
  events = []
  files = new CountingFiles()
  catalog = createCatalog()
})

afterEach(() => {
  catalog.reset()
  rmSync(directory, { recursive: true, force: true })
})

function createCatalog(cacheBytes = 1 << 20): Catalog {
  return new Catalog(files.system, clock, directory, cacheBytes, {
    tell: (event) => events.push(event),
    switched() {},
    held() {},
    users: () => [],
  })
}

/** The machine's files, counted, of which some cannot be opened or read. */
class CountingFiles {
  open = 0
  mostOpen = 0
  opened = 0
  /** Files that the process may have open. */
  limit = Infinity
  /** What reading costs on the clock, in milliseconds. */
  readMs = 0
  /** Whether reading these bytes fails. */
  broken = (_path: string, _position: number): boolean => false

  readonly system: FileSystem = {
    ...nodeFileSystem,
    open: (path, mode) => {
      if (this.open >= this.limit) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      const file = nodeFileSystem.open(path, mode)
      this.mostOpen = Math.max(this.mostOpen, ++this.open)
      this.opened++
      return this.#counted(path, file)
    },
  }

  #counted(path: string, file: File): File {
    return new Proxy(file, {
      get: (target, name) => {
        if (name === 'close') return () => (this.open--, target.close())
        if (name === 'read') {
          return (into: Uint8Array, offset: number, length: number, position: number): number => {
            clock.nowMs += this.readMs
            if (this.broken(path, position)) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
            return target.read(into, offset, length, position)
          }
        }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

/** Writes a segment of blocks of frames of spans, as the writer does, and returns what it tells of it. */
function writeSegment(
  id: number,
  blocks: readonly (readonly (readonly SentSpan[])[])[],
  change?: (meta: BlockMeta) => object,
): Change {
  const segment = createSegment(nodeFileSystem, directory, id, 0)
  for (const frames of blocks) {
    const builder = new BlockBuilder()
    const blockStart = segment.logSize
    const raw = frames.map(requestOf)
    const packed = raw.map((bytes) => ({ rawLength: bytes.length, bytes: compress(bytes) }))
    const head = recordHead(packed, frames.flat().length, segment.salt, 0)
    let offset = segment.logSize + head.length
    for (const [i, { rawLength, bytes }] of packed.entries()) {
      builder.addFrame({ rawStart: builder.rawLength, rawLength, offset, length: bytes.length })
      builder.add(raw[i]!)
      offset += bytes.length
    }
    segment.logSize = writeFully(segment.log, [head, ...packed.map(({ bytes }) => bytes)], segment.logSize)
    const sections = encodeBlock(builder.rows, builder.hashes, blockStart, segment.logSize)
    segment.indexSize = writeFully(segment.index, change ? changed(sections, change) : sections, segment.indexSize)
  }
  closeSegment(segment)
  return { type: 'segment', id, indexSize: segment.indexSize }
}

/** The block with another meta, its checksum being right. */
function changed(sections: Uint8Array[], change: (meta: BlockMeta) => object): Uint8Array[] {
  const [head, json, ...rest] = sections as [Buffer, Buffer, ...Uint8Array[]]
  const meta = Buffer.from(JSON.stringify(change(JSON.parse(json.toString()) as BlockMeta)))
  head.writeUInt32LE(meta.length, 8)
  head.writeUInt32LE(crc32(meta, crc32(head.subarray(8))), 4)
  return [head, meta, ...rest]
}

function flip(path: string, offset: number): void {
  const file = nodeFileSystem.open(path, 'update')
  const byte = Buffer.alloc(1)
  file.read(byte, 0, 1, offset)
  writeFully(file, [Uint8Array.of(byte[0]! ^ 0xff)], offset)
  file.close()
}

function turnOf(): Turn {
  return new Turn(clock, Infinity)
}

async function find(query: Parameters<typeof searchPage>[1] = {}): Promise<{ ids: string[]; complete: boolean }> {
  const turn = turnOf()
  await catalog.load(turn)
  const { traces, complete } = await searchPage(catalog.blocks(turn), { limit: 10_000, ...query }, turn)
  return { ids: traces.map((trace) => trace.traceId).sort(), complete }
}

async function chunksOf(trace: number): Promise<{ chunks: number; error: unknown }> {
  const turn = turnOf()
  await catalog.load(turn)
  const stream = new TraceStream(catalog.blocks(turn), traceWords(traceId(trace)))
  let chunks = 0
  try {
    for (;;) {
      const answer = await stream.next(turnOf())
      chunks += answer.chunks.length
      if (answer.done) return { chunks, error: undefined }
    }
  } catch (error) {
    return { chunks, error }
  }
}

const one = (trace: number, id = 1, at = trace): SentSpan =>
  sent({ trace, id, at, attributes: attributes({ a: `x${trace}` }) })
const ATTRIBUTE = { filter: { op: 'regex', target: { attribute: 'a' }, value: '^x[0-9]+$' } } as const

it('opens files as they are needed, a bounded number of them, and closes them when nobody reads', async () => {
  for (let id = 1; id <= 300; id++) catalog.apply(writeSegment(id, [[[one(id)]]]))
  expect(files.opened).toBe(0)
  for (let i = 0; i < 2; i++)
    expect(await find(ATTRIBUTE)).toEqual({
      ids: Array.from({ length: 300 }, (_, i) => traceId(i + 1)),
      complete: true,
    })
  expect(files.mostOpen).toBeLessThanOrEqual(64)
  expect(files.open).toBeGreaterThan(0)
  clock.pass(60_001)
  clock.pass(60_001)
  expect(files.open).toBe(0)
  // Fewer than that when others have taken them.
  files.limit = 3
  expect((await find(ATTRIBUTE)).complete).toBe(true)
  expect(events).toEqual([])
})

it('tells once that a list of operations is not whole, and of which service most are', async () => {
  const named = (trace: number, service: string): SentSpan => sent({ trace, id: 1, name: `GET /${trace}`, service })
  const spans = Array.from({ length: 20_000 }, (_, i) => named(i + 1, i % 100 === 0 ? 'few' : 'many'))
  catalog.apply(writeSegment(1, [[spans]]))
  await catalog.load(turnOf())
  expect(await catalog.operations('many', turnOf())).toHaveLength(19_800)
  expect(events).toEqual([])
  catalog.apply(writeSegment(2, [[spans], [[named(20_001, 'many'), spans[0]!]]]))
  await catalog.load(turnOf())
  for (let i = 0; i < 2; i++) expect(await catalog.operations('many', turnOf())).toHaveLength(19_800)
  expect(events).toEqual([{ code: 'crowded', file: '00000002.log', maxOperations: 20_000, service: 'many' }])
})

it('reads the indexes of many segments with breaths, and each block once', async () => {
  for (let id = 1; id <= 20; id++) catalog.apply(writeSegment(id, [[[one(id)]], [[one(id, 2)]]]))
  const turns = [turnOf(), turnOf(), turnOf()]
  await Promise.all(turns.map((turn) => catalog.load(turn)))
  expect(catalog.blocks(turnOf())).toHaveLength(40)
  const stopped = new Turn(clock, 0)
  const later = createCatalog()
  files.readMs = 0.2
  const priced = turnOf()
  clock.longestMs = 0
  for (let id = 1; id <= 20; id++)
    later.apply({ type: 'segment', id, indexSize: nodeFileSystem.stat(indexPath(directory, id))!.size })
  await later.load(stopped)
  expect(stopped.stopped).toBe(true)
  const asked = turnOf()
  expect(later.blocks(asked).length).toBeLessThan(40)
  expect(asked.complete).toBe(false)
  await later.load(priced)
  expect(later.blocks(turnOf())).toHaveLength(40)
  expect(clock.longestMs).toBeLessThan(12)
  later.reset()
})

it('asks of a trace only the blocks near those that have it, where all blocks were told of', async () => {
  const ids = Array.from({ length: 50 }, (_, i) => i)
  const { indexSize } = writeSegment(
    1,
    ids.map((id) => [[one(id)]]),
  ) as Extract<Change, { type: 'segment' }>
  const hashOf = (id: number): number => traceHash(traceWords(traceId(id)))
  const tell = (traces: number[]): void => {
    catalog.apply({ type: 'segment', id: 1, indexSize: 0 })
    for (const id of traces)
      catalog.apply({ type: 'block', id: 1, offset: 0, indexSize, traces: Uint32Array.of(hashOf(id)) })
    catalog.apply({ type: 'segment', id: 2, indexSize: 0 })
  }
  const asked = async (id: number): Promise<Block[]> => {
    await catalog.load(turnOf())
    return catalog.blocks(turnOf(), hashOf(id))
  }
  tell(ids)
  for (const id of ids) {
    const blocks = await asked(id)
    const block = catalog.blocks(turnOf())[id]!
    expect(blocks).toContain(block)
    expect(block.mayHaveTrace(hashOf(id))).toBe(true)
    expect(blocks.length).toBeLessThan(50)
  }
  expect(await asked(17)).toHaveLength(16)
  // There is nothing more to be learned.
  expect(catalog.learnTraces()).toBe(false)
  expect(await asked(49)).toHaveLength(2)
  // What cannot be read may have anything.
  tell(ids)
  catalog.apply({ type: 'lost', id: 1, damaged: { bytes: 1, maxSpans: 1 }, range: ['0', '1'] })
  expect(await asked(17)).toHaveLength(51)
  // Of what was there before nothing was told.
  catalog.apply({ type: 'segment', id: 1, indexSize })
  catalog.apply({ type: 'block', id: 1, offset: 0, indexSize, traces: Uint32Array.of(hashOf(99)) })
  catalog.apply({ type: 'segment', id: 2, indexSize: 0 })
  expect(await asked(17)).toHaveLength(50)
})

/** Segments of 20 blocks of two traces each, which were there before the reader; a block is 0 to 19. */
function oldSegments(count: number): { change: Change; traces: number[] }[] {
  return Array.from({ length: count }, (_, i) => {
    const traces = Array.from({ length: 40 }, (_, k) => 40 * i + k)
    const blocks = traces.flatMap((trace, k) => (k % 2 === 0 ? [[[one(trace), one(trace + 1)]]] : []))
    return { change: writeSegment(i + 1, blocks), traces }
  })
}

const hashOf = (trace: number): number => traceHash(traceWords(traceId(trace)))
const asked = (trace: number): Block[] => catalog.blocks(turnOf(), hashOf(trace))

/** Learns what there is to be learned. The result: the blocks that were read. */
function learnAll(): number {
  for (let steps = 0; ; steps++) if (!catalog.learnTraces()) return steps
}

it('learns which traces are in what was there before, and then asks few blocks of it; of the last one, which may be open, nothing', async () => {
  const segments = oldSegments(4)
  for (const { change } of segments) catalog.apply(change)
  expect(learnAll()).toBe(0)
  await catalog.load(turnOf())
  expect(asked(7)).toHaveLength(80)
  expect(learnAll()).toBe(60)
  for (const [i, { traces }] of segments.entries())
    for (const [k, trace] of traces.entries()) {
      const blocks = asked(trace)
      expect(blocks).toContain(catalog.blocks(turnOf())[20 * i + Math.floor(k / 2)])
      expect(blocks.length).toBeLessThan(80)
      expect(await chunksOf(trace)).toEqual({ chunks: 1, error: undefined })
    }
  // 16 of its own group, 20 of the last segment; of the 4 groups of others hardly one.
  expect(asked(7).length).toBeLessThan(54)
  expect(learnAll()).toBe(0)
  // Now it is closed.
  catalog.apply({ type: 'segment', id: 5, indexSize: 0 })
  expect(learnAll()).toBe(20)
  expect(asked(7).length).toBeLessThan(34)
  expect(events).toEqual([])
})

it('does not take what it has learned of some blocks for all when the writer goes on, or one cannot be read', async () => {
  const segments = oldSegments(3)
  for (const { change } of segments) catalog.apply(change)
  await catalog.load(turnOf())
  for (let i = 0; i < 5; i++) catalog.learnTraces()
  catalog.apply({ type: 'segment', id: 4, indexSize: 0 })
  for (const { traces } of segments) for (const trace of traces) expect((await chunksOf(trace)).chunks).toBe(1)
  let reads = 0
  files.broken = (path) => path === indexPath(directory, 1) && ++reads === 3
  learnAll()
  files.broken = () => false
  for (const { traces } of segments) for (const trace of traces) expect((await chunksOf(trace)).chunks).toBe(1)
  expect(reads).toBe(3)
  // The first one is asked as before; the others are known.
  expect(asked(999).length).toBeGreaterThanOrEqual(20)
  expect(asked(999).length).toBeLessThan(56)
})

it('learns nothing of a segment that goes meanwhile, or of which something is lost', async () => {
  for (const { change } of oldSegments(4)) catalog.apply(change)
  await catalog.load(turnOf())
  for (let i = 0; i < 5; i++) catalog.learnTraces()
  catalog.apply({ type: 'drop', id: 3 })
  catalog.apply({ type: 'lost', id: 2, damaged: { bytes: 1, maxSpans: 1 }, range: ['0', '1'] })
  learnAll()
  // All of the second one and of the last; of the first one hardly anything.
  expect(asked(999).length).toBeGreaterThanOrEqual(21 + 20)
  expect(asked(999).length).toBeLessThan(21 + 20 + 20)
  for (const trace of [7, 47, 127]) expect((await chunksOf(trace)).chunks).toBe(1)
  expect((await chunksOf(87)).chunks).toBe(0)
})

it('reads no further in a segment whose place another has taken', async () => {
  const segments = oldSegments(4)
  for (const { change } of segments) catalog.apply(change)
  await catalog.load(turnOf())
  for (let i = 0; i < 5; i++) catalog.learnTraces()
  const before = catalog.bytesRead
  catalog.learnTraces()
  const ofBlock = catalog.bytesRead - before
  expect(ofBlock).toBeGreaterThan(0)
  catalog.apply(segments[2]!.change)
  // It sees that, and goes on with the two before; the new one is not loaded yet.
  expect(learnAll()).toBe(1 + 40)
  expect(catalog.bytesRead - before).toBeLessThan(45 * ofBlock)
  await catalog.load(turnOf())
  expect(learnAll()).toBe(20)
  for (const { traces } of segments) for (const trace of traces) expect((await chunksOf(trace)).chunks).toBe(1)
})

it('takes a segment that retention deleted for dropped, whoever was faster', async () => {
  for (const id of [1, 2, 3]) catalog.apply(writeSegment(id, [[[one(id)]]]))
  rmSync(logPath(directory, 1))
  rmSync(indexPath(directory, 1))
  // Not told yet: it might be a loss.
  expect(await find(ATTRIBUTE)).toEqual({ ids: [2, 3].map(traceId), complete: false })
  catalog.apply({ type: 'drop', id: 1 })
  expect(await find(ATTRIBUTE)).toEqual({ ids: [2, 3].map(traceId), complete: true })
  // Told while the query runs.
  const turn = turnOf()
  const blocks = catalog.blocks(turn)
  catalog.apply({ type: 'drop', id: 2 })
  rmSync(logPath(directory, 2))
  rmSync(indexPath(directory, 2))
  expect(files.open).toBe(2)
  expect(await searchPage(blocks, ATTRIBUTE, turn)).toMatchObject({ traces: [{ traceId: traceId(3) }], complete: true })
  clock.pass(10_000)
  expect(events).toEqual([])
})

it('tells of a file that is gone and should be there', async () => {
  for (const id of [1, 2]) catalog.apply(writeSegment(id, [[[one(id), one(id, 2)]]]))
  await find()
  catalog.reset()
  catalog = createCatalog()
  for (const id of [1, 2])
    catalog.apply({ type: 'segment', id, indexSize: nodeFileSystem.stat(indexPath(directory, id))!.size })
  await catalog.load(turnOf())
  rmSync(logPath(directory, 1))
  clock.pass(70_000)
  clock.pass(70_000)
  expect(await find(ATTRIBUTE)).toEqual({ ids: [traceId(2)], complete: false })
  expect(events).toEqual([])
  clock.pass(2_001)
  expect(events).toMatchObject([{ code: 'damaged', file: '00000001.log', maxSpans: 2 }])
  expect((await find(ATTRIBUTE)).complete).toBe(false)
  clock.pass(2_001)
  expect(events).toHaveLength(1)
})

it('goes on without a frame that is damaged or cannot be read; of damage it tells where once, and how many spans at most', async () => {
  const change = writeSegment(1, [[[one(1), one(2)], [one(3)], [one(1, 2), one(4), one(5)]]])
  const log = logPath(directory, 1)
  const index = nodeFileSystem.open(indexPath(directory, 1), 'read')
  const { meta } = readBlock(index, INDEX_HEADER, Infinity)!
  index.close()
  catalog.apply(change)
  await catalog.load(turnOf())
  const frames = catalog.blocks(turnOf())[0]!.rows().frames
  flip(log, frames[0]!.offset + (frames[0]!.length >> 1))
  files.broken = (path, position) => path === log && position === frames[1]!.offset
  for (let i = 0; i < 2; i++) expect(await find(ATTRIBUTE)).toEqual({ ids: [1, 4, 5].map(traceId), complete: false })
  expect(await find()).toEqual({ ids: [1, 2, 3, 4, 5].map(traceId), complete: true })
  expect(events).toEqual([
    {
      code: 'damaged',
      file: '00000001.log',
      offset: frames[0]!.offset,
      bytes: frames[0]!.length,
      maxSpans: 2,
      perhaps: false,
      kept: undefined,
    },
  ])
  // By id: what can be read, and then the place.
  const { chunks, error } = await chunksOf(1)
  expect(chunks).toBe(1)
  expect(error).toMatchObject({
    code: 'corrupt',
    message: expect.stringContaining(`00000001.log: the frame at byte ${frames[0]!.offset}`) as string,
  })
  expect(await chunksOf(4)).toEqual({ chunks: 1, error: undefined })
  expect(await chunksOf(3)).toMatchObject({ chunks: 0, error: { code: 'io' } })
  // What the disk refuses is not damaged: it is there as soon as the disk gives it.
  files.broken = () => false
  expect(await chunksOf(3)).toEqual({ chunks: 1, error: undefined })
  expect(meta.spans).toBe(6)
})

it('makes columns again from the log, and without it says that it is not complete', async () => {
  catalog.apply(writeSegment(1, [[[one(1)]], [[one(2), sent({ trace: 2, id: 2, parent: 1 })]]]))
  const index = nodeFileSystem.open(indexPath(directory, 1), 'read')
  const first = readBlock(index, INDEX_HEADER, Infinity)!
  const second = readBlock(index, first.end, Infinity)!
  index.close()
  await catalog.load(turnOf())
  flip(indexPath(directory, 1), second.columns.offset + 9)
  expect(await find()).toEqual({ ids: [1, 2].map(traceId), complete: true })
  expect(events).toMatchObject([{ code: 'recovered', file: '00000001.idx', blocks: 1 }])
  flip(logPath(directory, 1), second.meta.logStart + 40)
  catalog.reset()
  catalog = createCatalog()
  catalog.apply({ type: 'segment', id: 1, indexSize: second.end })
  expect(await find()).toEqual({ ids: [traceId(1)], complete: false })
  expect(events.slice(1)).toMatchObject([
    { file: '00000001.idx' },
    {
      code: 'damaged',
      file: '00000001.log',
      offset: second.meta.logStart,
      bytes: second.meta.logEnd - second.meta.logStart,
      maxSpans: 2,
    },
  ])
  const turn = turnOf()
  expect(await dependencies(catalog.blocks(turn), { from: 0n, to: 1n << 64n, links: true }, turn)).toEqual({
    edges: [],
    complete: false,
  })
  expect(await chunksOf(2)).toMatchObject({ chunks: 0, error: { code: 'corrupt' } })
  expect(await chunksOf(1)).toEqual({ chunks: 1, error: undefined })
})

it('says that an answer is not complete where spans of its times are lost, and only there', async () => {
  catalog.apply(writeSegment(1, [[[one(1, 1, 10)]]]))
  catalog.apply(
    writeSegment(2, [[[one(2, 1, 20)]]], (meta) => ({
      ...meta,
      spans: 0,
      traces: 0,
      operations: [],
      damaged: { bytes: 100, maxSpans: 7 },
    })),
  )
  catalog.apply(writeSegment(3, [[[one(3, 1, 30)]]]))
  const at = (ms: number): bigint => T0 + BigInt(ms) * 1_000_000n
  expect((await find()).complete).toBe(false)
  expect(await find({ from: at(21) })).toEqual({ ids: [traceId(3)], complete: true })
  expect(await find({ from: at(20), to: at(20), order: 'oldest' })).toEqual({ ids: [], complete: false })
  expect(await find({ to: at(19), order: 'oldest' })).toEqual({ ids: [traceId(1)], complete: true })
  for (const [from, to, complete] of [
    [0, 40, false],
    [0, 20, true],
    [0, 21, false],
    [21, 40, true],
  ] as const) {
    const turn = turnOf()
    expect((await dependencies(catalog.blocks(turn), { from: at(from), to: at(to), links: true }, turn)).complete).toBe(
      complete,
    )
  }
})

it.for([
  ['no numbers', (meta: BlockMeta) => ({ ...meta, spans: 'many' })],
  ['a count that nobody has memory for', (meta: BlockMeta) => ({ ...meta, spans: 2 ** 40 })],
  ['a negative count', (meta: BlockMeta) => ({ ...meta, frames: -1 })],
  ['times that are none', (meta: BlockMeta) => ({ ...meta, minStart: 'soon' })],
  ['times beyond 64 bits', (meta: BlockMeta) => ({ ...meta, maxStart: '99999999999999999999' })],
  ['operations that are none', (meta: BlockMeta) => ({ ...meta, operations: [null] })],
  ['no checksums', (meta: BlockMeta) => ({ ...meta, crcs: undefined })],
  ['nothing', () => null as unknown as object],
] as const)('survives an index whose block says %s', async ([, change]) => {
  catalog.apply(writeSegment(1, [[[one(1)]]], change))
  catalog.apply(writeSegment(2, [[[one(2)]]]))
  expect(await find()).toEqual({ ids: [traceId(2)], complete: false })
  expect(events).toMatchObject([{ code: 'damaged', file: '00000001.idx', offset: INDEX_HEADER, maxSpans: undefined }])
})

it.for([
  ['fewer operations than its rows point to', (meta: BlockMeta) => ({ ...meta, operations: [] })],
  ['another place in the log', (meta: BlockMeta) => ({ ...meta, logStart: meta.logStart + 8 })],
  ['another number of spans', (meta: BlockMeta) => ({ ...meta, spans: meta.spans + 1 })],
] as const)('does not trust columns of a block that says %s', async ([, change]) => {
  catalog.apply(writeSegment(1, [[[one(1)]]], change))
  const { ids, complete } = await find(ATTRIBUTE)
  // Made again from the log where that can be done, and else not complete: never a wrong span, never an end of the reader.
  expect(complete ? ids : []).toEqual(complete ? [traceId(1)] : [])
  expect(events.length).toBeGreaterThan(0)
})

it('knows a meta when it sees one', () => {
  expect(isBlockMeta(undefined)).toBe(false)
  expect(isBlockMeta([])).toBe(false)
})

it('leaves nothing open', async () => {
  catalog.apply(writeSegment(1, [[[one(1)]]]))
  await find(ATTRIBUTE)
  catalog.reset()
  expect(files.open).toBe(0)
  expect(readdirSync(directory)).toHaveLength(2)
})

it('takes no room for files for no damage', async () => {
  for (const id of [1, 2]) catalog.apply(writeSegment(id, [[[one(id)]]]))
  files.limit = 0
  expect(await find(ATTRIBUTE)).toEqual({ ids: [], complete: false })
  files.limit = Infinity
  expect(await find(ATTRIBUTE)).toEqual({ ids: [1, 2].map(traceId), complete: true })
  catalog.reset()
  catalog = createCatalog(1000)
  for (const id of [1, 2])
    catalog.apply({ type: 'segment', id, indexSize: nodeFileSystem.stat(indexPath(directory, id))!.size })
  await catalog.load(turnOf())
  clock.pass(70_000)
  clock.pass(70_000)
  files.limit = 0
  expect(await find(ATTRIBUTE)).toEqual({ ids: [], complete: false })
  files.limit = 1
  expect(await find(ATTRIBUTE)).toEqual({ ids: [1, 2].map(traceId), complete: true })
  expect(events).toEqual([])
})
