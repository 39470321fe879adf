import { expect, it } from 'vitest'
import { sent, traceId, type SentSpan } from '../../conformance/spans.ts'
import type { TraceSummary } from '../../contract.ts'
import type { Block } from './block.ts'
import { blockOf, StillClock } from './blocks.test.helper.ts'
import { LargeTraces } from './large-traces.ts'
import { QueryMemory } from './query-memory.ts'
import { search } from './search.ts'
import { SummaryCache } from './summary-cache.ts'
import { blocksOf, traceHex, traceWords } from './trace-parts.ts'
import { Turn } from './turn.ts'

const turnOf = (maxBytes = Infinity): Turn =>
  new Turn(new StillClock(), Infinity, { memory: new QueryMemory(maxBytes) })

/** How often each trace was gathered from a block. */
let gathered: string[] = []
/** Called when one is. */
let onGather = (): void => {}

/** A block of spans `from` to `to` of a trace, and of no other. */
function ownBlock(trace: number, from: number, to: number): Block {
  const spans = Array.from({ length: to - from }, (_, i) => spanOf(trace, from + i))
  return { ...counted(blockOf(spans, 1_000)), only: traceWords(traceId(trace)) }
}

function spanOf(trace: number, n: number): SentSpan {
  return sent({ trace, id: n + 1, ...(n > 0 && { parent: 1 }), at: n, ms: n === 0 ? 60_000 : 1 })
}

function counted(block: Block): Block {
  return {
    ...block,
    traceRows(id) {
      gathered.push(traceHex(id))
      onGather()
      return block.traceRows(id)
    },
  }
}

const blocksOfLarge = (): Block[] => Array.from({ length: 5 }, (_, k) => ownBlock(1, 1_000 * k, 1_000 * (k + 1)))

async function longest(blocks: readonly Block[], summaries: SummaryCache): Promise<TraceSummary[]> {
  const found: TraceSummary[] = []
  await search(blocks, { order: 'longest' }, turnOf(), summaries, (event) => {
    if (event.type === 'traces') found.push(...event.traces)
  })
  return found
}

it('puts a large trace together when it has stayed as it is from one look to the next, and not again', async () => {
  gathered = []
  const blocks = [...blocksOfLarge(), ownBlock(2, 0, 100), counted(blockOf([spanOf(3, 0), spanOf(4, 0)]))]
  const summaries = new SummaryCache()
  const large = new LargeTraces(summaries)
  expect(await large.look(blocks, turnOf())).toBe(true)
  expect(gathered).toEqual([])
  expect(await large.look(blocks, turnOf())).toBe(false)
  expect(gathered).toEqual(Array.from({ length: 5 }, () => traceId(1)))
  // Whoever asks for it finds it.
  const found = await longest(blocks, summaries)
  expect(found).toHaveLength(4)
  expect(found).toContainEqual(expect.objectContaining({ traceId: traceId(1), spans: 5_000 }))
  expect(gathered.filter((id) => id === traceId(1))).toHaveLength(5)
  expect(await longest(blocks, new SummaryCache())).toEqual(found)

  gathered = []
  expect(await large.look(blocks, turnOf())).toBe(false)
  blocks.push(ownBlock(1, 5_000, 5_100))
  expect(await large.look(blocks, turnOf())).toBe(true)
  expect(gathered).toEqual([])
  expect(await large.look(blocks, turnOf())).toBe(false)
  expect(gathered).toHaveLength(6)
})

it('leaves it when somebody asks, and begins anew; what there is no memory for is not tried again', async () => {
  gathered = []
  const blocks = blocksOfLarge()
  const summaries = new SummaryCache()
  const large = new LargeTraces(summaries)
  await large.look(blocks, turnOf())
  const turn = turnOf()
  onGather = () => turn.cancel()
  expect(await large.look(blocks, turn)).toBe(true)
  onGather = () => {}
  const asked = (await blocksOf(blocks, traceWords(traceId(1)), turnOf()))!
  expect(summaries.find(traceWords(traceId(1)), asked)).toBeUndefined()
  expect(await large.look(blocks, turnOf())).toBe(false)
  expect(summaries.find(traceWords(traceId(1)), asked)).toMatchObject({ spans: 5_000 })

  const poor = new LargeTraces(new SummaryCache())
  await poor.look(blocks, turnOf(1_000))
  gathered = []
  for (let i = 0; i < 3; i++) expect(await poor.look(blocks, turnOf(1_000))).toBe(false)
  expect(gathered).toHaveLength(5)
})

it('knows a large trace as long as no block has more of it, also where another block is being filled', async () => {
  const blocks = blocksOfLarge()
  const summaries = new SummaryCache()
  const growing = (spans: readonly SentSpan[], growsIn: object): Block => ({
    ...blockOf(spans),
    growsIn,
    mayHaveTrace: () => true,
  })
  const id = traceWords(traceId(1))
  const [first, second] = [{}, {}]
  const large = new LargeTraces(summaries)
  for (let i = 0; i < 2; i++) await large.look([...blocks, growing([spanOf(2, 0)], first)], turnOf())
  const find = async (open?: Block): Promise<number | undefined> => {
    const asked = await blocksOf(open ? [...blocks, open] : blocks, id, turnOf())
    return summaries.find(id, asked!)?.spans
  }
  expect(await find(growing([spanOf(2, 0), spanOf(3, 0)], first))).toBe(5_000)
  expect(await find(growing([spanOf(4, 0)], second))).toBe(5_000)
  expect(await find()).toBe(5_000)
  expect(await find(growing([spanOf(4, 0), spanOf(1, 5_000)], second))).toBeUndefined()
})
