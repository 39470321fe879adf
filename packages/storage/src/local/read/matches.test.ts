import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { attributes, batchOf, sent } from '../../conformance/spans.ts'
import type { Filter } from '../../contract.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { settingsOf } from '../options.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { ReadOnlyIngest } from '../tools/read-only.ts'
import { StillClock } from './blocks.test.helper.ts'
import type { Block, TakenFrame } from './block.ts'
import { Catalog } from './catalog.ts'
import { compileFilter } from './filter/compile.ts'
import { matchesIn } from './matches.ts'
import { rangeOf } from './range.ts'
import { StoredBlock } from './stored-block.ts'
import { Turn } from './turn.ts'

const BLOCKS = 5
const BLOCK_SPANS = 100
const FRAME_SPANS = 20

let directory: string
let catalog: Catalog

/** What was asked of the files of a block. */
interface Asked {
  rows: number
  places: number
  readonly taken: TakenFrame[]
}

const turnOf = (): Turn => new Turn(new StillClock(), Infinity)

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-matches-'))
  const store = await openInSameThread({ directory, seal: false, blockSpans: BLOCK_SPANS, frameBytes: 1 })
  for (let first = 0; first < BLOCKS * BLOCK_SPANS; first += FRAME_SPANS) {
    const spans = Array.from({ length: FRAME_SPANS }, (_, i) => {
      const n = first + i
      const own = attributes({ n: BigInt(n), ...(n % 10 === 0 && { tenth: true }), body: 'x'.repeat(5_000) })
      return sent({ trace: Math.floor(n / 4), id: n + 1, service: n % 2 === 0 ? 'even' : 'odd', attributes: own })
    })
    await store.append(batchOf(...spans))
  }
  await store.close()
  const nobody = { post() {}, onMessage() {}, receive: () => undefined, close() {} }
  const settings = settingsOf({ directory, readOnly: true })
  const ingest = new ReadOnlyIngest(settings, nodeFileSystem, new StillClock(), nobody)
  ingest.open()
  catalog = new Catalog(nodeFileSystem, new StillClock(), directory, 1, {
    tell() {},
    switched() {},
    held() {},
    users: () => [],
  })
  for (const change of ingest.all()) catalog.apply(change)
  await catalog.load(turnOf())
})

afterEach(() => {
  catalog.reset()
  rmSync(directory, { recursive: true, force: true })
})

/** The blocks of the files, which tell what is asked of them. */
function blocksOf(): { block: Block; asked: Asked }[] {
  return catalog.blocks(turnOf()).map((block) => {
    expect(block).toBeInstanceOf(StoredBlock)
    const asked: Asked = { rows: 0, places: 0, taken: [] }
    const counted: Block = {
      spans: block.spans,
      minStart: block.minStart,
      maxStart: block.maxStart,
      zones: block.zones,
      operations: block.operations,
      damaged: block.damaged,
      mayHaveService: (service) => block.mayHaveService(service),
      mayHaveTrace: (hash) => block.mayHaveTrace(hash),
      mayHaveAttribute: (hash, level) => block.mayHaveAttribute(hash, level),
      rows: () => (asked.rows++, block.rows()),
      traceRows: (id) => block.traceRows(id),
      values: (target) => block.values(target),
      spanBytes: (rows, members) => block.spanBytes(rows, members),
      frame: (frame) => block.frame!(frame),
      takeFrame(frame) {
        const taken = block.takeFrame!(frame)
        asked.taken.push(taken)
        return taken
      },
      places: () => (asked.places++, block.places?.()),
    }
    return { block: counted, asked }
  })
}

/** Rows, counted over all blocks, that are found; and what was asked of each block. */
async function find(filter: Filter, everyRow = true): Promise<{ rows: number[]; asked: Asked[]; spans: number }> {
  const turn = turnOf()
  const source = { condition: compileFilter(filter, turn), anyTime: false, share: 1 }
  const rows: number[] = []
  const blocks = blocksOf()
  expect(blocks).toHaveLength(BLOCKS)
  for (const [i, { block }] of blocks.entries()) {
    const found = await matchesIn(block, source, rangeOf(), everyRow, turn, 1)
    for (const [row, matches] of found?.matching.entries() ?? []) if (matches) rows.push(BLOCK_SPANS * i + row)
  }
  expect(turn.complete).toBe(true)
  return { rows, asked: blocks.map(({ asked }) => asked), spans: turn.spans }
}

const numbers = (step: number, from = 0): number[] =>
  Array.from({ length: BLOCKS * BLOCK_SPANS }, (_, n) => n).filter((n) => n >= from && n % step === 0)

it('needs no columns of blocks in whose bytes nothing is found, and of others those of the spans from the first one on', async () => {
  const filter: Filter = { op: 'gte', target: { attribute: 'n' }, value: 455 }
  const { rows, asked, spans } = await find(filter)
  expect(rows).toEqual(numbers(1, 455))
  expect(asked.map((each) => each.rows)).toEqual([0, 0, 0, 0, 1])
  expect(asked.map((each) => each.places)).toEqual([1, 1, 1, 1, 1])
  // The frame with the first one is looked at twice.
  expect(asked.map((each) => each.taken.length)).toEqual([5, 5, 5, 5, 6])
  expect(spans).toBe(BLOCKS * BLOCK_SPANS)
})

it('gives the memory of each frame back when it has been looked through', async () => {
  const { asked } = await find({ op: 'gte', target: { attribute: 'n' }, value: 1_000 })
  const taken = asked.flatMap((each) => each.taken)
  expect(taken).toHaveLength(BLOCKS * 5)
  expect(taken.every(({ isOwn }) => isOwn)).toBe(true)
  expect(taken.map(({ bytes }) => bytes.length)).toEqual(taken.map(() => 0))
  const some = (await find({ op: 'gte', target: { attribute: 'n' }, value: 0 })).asked.flatMap((each) => each.taken)
  expect(some.map(({ bytes }) => bytes.length)).toEqual(some.map(() => 0))
})

it('finds the same rows whether bytes are enough, columns are, or both are needed', async () => {
  const tenth: Filter = { op: 'exists', target: { attribute: 'tenth' } }
  const even: Filter = { op: 'eq', target: { field: 'service' }, value: 'even' }
  const not = (arg: Filter): Filter => ({ op: 'not', arg })
  const both = (...args: Filter[]): Filter => ({ op: 'and', args })
  const either = (...args: Filter[]): Filter => ({ op: 'or', args })
  const late: Filter = { op: 'gte', target: { attribute: 'n' }, value: 205 }
  const all = numbers(1)
  const isTenth = (n: number): boolean => n % 10 === 0
  for (const [filter, expected] of [
    [tenth, isTenth],
    [not(tenth), (n) => !isTenth(n)],
    [both(tenth, late), (n) => isTenth(n) && n >= 205],
    [either(tenth, late), (n) => isTenth(n) || n >= 205],
    [both(even, late), (n) => n % 2 === 0 && n >= 205],
    [both(not(even), tenth), () => false],
    [either(not(even), tenth), (n) => n % 2 === 1 || isTenth(n)],
    [both(late, { op: 'eq', target: { field: 'scopeName' }, value: 'tests' }), (n) => n >= 205],
  ] satisfies [Filter, (n: number) => boolean][]) {
    expect((await find(filter)).rows).toEqual(all.filter(expected))
    // Of each trace, of four spans, at least one.
    const some = (await find(filter, false)).rows
    const traces = (rows: readonly number[]): Set<number> => new Set(rows.map((n) => Math.floor(n / 4)))
    expect(traces(some)).toEqual(traces(all.filter(expected)))
    expect(some.every(expected)).toBe(true)
  }
})
