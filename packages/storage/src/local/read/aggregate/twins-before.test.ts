import { describe, expect, it } from 'vitest'
import { sent, type SpanSpec } from '../../../conformance/spans.ts'
import type { Block } from '../block.ts'
import { blockOf, OTHERS, sealedOf, StillClock } from '../blocks.test.helper.ts'
import { QueryMemory } from '../query-memory.ts'
import { rangeOf } from '../range.ts'
import { Turn } from '../turn.ts'
import { OwnTwins } from './own-twins.ts'
import { isCheaper, removeTwinsBefore } from './twins-before.ts'

const span = { trace: 1, id: 1, service: 'shop', name: 'call' }
const kinds = [
  ['sealed', (...specs: SpanSpec[]): Block => sealedOf(specs.map(sent))],
  ['not sealed', (...specs: SpanSpec[]): Block => blockOf(specs.map(sent))],
] as const

/** How many spans are left of a block, and which of those before had some of them. */
async function left(block: Block, before: readonly Block[], memory = new QueryMemory(1 << 20)) {
  const rows = block.rows()
  const wanted = new Uint8Array(rows.count).fill(1)
  const turn = new Turn(new StillClock(), Infinity, { memory })
  const sharing = await removeTwinsBefore(rows, wanted, rangeOf(), before, turn)
  expect(turn.complete).toBe(true)
  return { count: wanted.reduce((sum, one) => sum + one, 0), sharing: sharing?.map((one) => before.indexOf(one)) }
}

describe.each(kinds)('of a block that is %s', (_, blockWith) => {
  it('what it has twice counts once, and what those before have not at all', async () => {
    const block = blockWith(span, { ...span, id: 2, parent: 1 }, span, { ...span, trace: 2 })
    expect(await left(block, [])).toEqual({ count: 3, sharing: [] })
    for (const [, other] of kinds) {
      const before = [other({ ...span, trace: 2, id: 7 }), other({ ...span, trace: 3 }), other(span, span)]
      expect(await left(block, before)).toEqual({ count: 2, sharing: [0, 2] })
    }
  })

  it.each([...OTHERS, ['trace', { trace: 5 }]] as const)('what has another %s is another', async (_name, other) => {
    const [one, two] = [{ ...span }, { ...span, ...other }]
    expect((await left(blockWith(one, two), [])).count).toBe(2)
    expect((await left(blockWith(one), [blockWith(two, { ...span, id: 9 })])).count).toBe(1)
  })

  it('blocks before it are read only where they may have its traces, at the time of its spans', async () => {
    const block = blockWith(span, { ...span, trace: 2, at: 900 })
    const unread = (other: Block): Block => ({
      ...other,
      rows: () => expect.unreachable('it has none of these spans'),
    })
    // One that has other traces, and one that has a trace of it at another time.
    const before = [blockWith({ ...span, trace: 8 }), blockWith({ ...span, trace: 2 }, { ...span, trace: 9, at: 1 })]
    expect(await left(block, before.map(unread))).toEqual({ count: 2, sharing: [] })
  })

  it('very many that start at once, and are as long, take steps that grow with them', () => {
    const many = Array.from({ length: 500 }, (_each, i) => ({ ...span, id: i + 1 }))
    const rows = blockWith(...many, many[3]!).rows()
    let looks = 0
    const durationNs = new Proxy(rows.durationNs, {
      get(target, key) {
        looks++
        return target[Number(key)]
      },
    })
    const own = new OwnTwins(
      new Proxy(rows, {
        get: (target, key): unknown => (key === 'durationNs' ? durationNs : Reflect.get(target, key, target)),
      }),
    )
    let fresh = 0
    for (let row = 0; row < rows.count; row++) if (own.isNew(row)) fresh++
    expect(fresh).toBe(500)
    expect(looks).toBeLessThan(60 * 501)
  })

  it('takes away nothing that is not before it, where there is no memory to know all of that', async () => {
    const many = Array.from({ length: 3_000 }, (_each, i) => ({ ...span, trace: i, at: i }))
    const before = [blockWith(...many.slice(0, 2_000))]
    const { count } = await left(blockWith(...many.slice(1_900)), before, new QueryMemory(0))
    expect(count).toBeGreaterThanOrEqual(1_000)
    expect(count).toBeLessThanOrEqual(1_100)
  })
})

it('all spans of a store are known at once where its blocks have very much of their time in common', () => {
  const blocks = Array.from({ length: 200 }, (_, n) =>
    blockOf([sent({ ...span, trace: n }), sent({ ...span, trace: n, id: 2 })]),
  )
  const before = (block: Block): Block[] => blocks.slice(0, blocks.indexOf(block))
  expect(isCheaper(blocks, before, blocks)).toBe(false)
  expect(isCheaper(blocks.slice(-4), before, blocks)).toBe(true)
  expect(isCheaper(blocks, (block) => before(block).slice(-3), blocks)).toBe(true)
})
