import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sent } from '../../conformance/spans.ts'
import type { Block } from './block.ts'
import { blockOf, sealedOf, StillClock } from './blocks.test.helper.ts'
import { SharedTraces } from './shared-traces.ts'
import { Turn } from './turn.ts'

const turn = (): Turn => new Turn(new StillClock(), Infinity)
const block = (traces: readonly number[], isSealed = false): Block => {
  const spans = traces.map((trace) => sent({ trace, id: 1 }))
  return isSealed ? sealedOf(spans) : blockOf(spans)
}

describe('shared traces', () => {
  it('tells which blocks have one in common, whatever comes and goes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            traces: fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 12 }),
            isSealed: fc.boolean(),
            goes: fc.option(fc.nat(8), { nil: undefined }),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (steps) => {
          const shared = new SharedTraces(1 << 20)
          let known: { readonly block: Block; readonly traces: readonly number[] }[] = []
          for (const { traces, isSealed, goes } of steps) {
            known = [...known.filter((_, i) => i !== goes), { block: block(traces, isSealed), traces }]
            const blocks = known.map((each) => each.block)
            expect(await shared.learn(blocks, turn())).toBe(true)
            const others = (one: readonly number[], own?: Block): Block[] =>
              known
                .filter((other) => other.block !== own && other.traces.some((trace) => one.includes(trace)))
                .map((other) => other.block)
            for (const each of known)
              expect([...shared.neighbours(each.block)].sort(byPlace(blocks))).toEqual(others(each.traces, each.block))
            expect([...shared.neighboursOf(block([1, 2, 61]), turn())].sort(byPlace(blocks))).toEqual(
              others([1, 2, 61]),
            )
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  it('has room for what is there, however much has been there, and says when it has none', async () => {
    const traces = (from: number): number[] => Array.from({ length: 1_000 }, (_, i) => from + i)
    const shared = new SharedTraces(6 * 4_096)
    let blocks: Block[] = []
    for (let n = 0; n < 20; n++) {
      // Each has the last trace of the one before it.
      blocks = [...blocks.slice(-1), block(traces(999 * n))]
      expect(await shared.learn(blocks, turn())).toBe(true)
      expect(shared.bytes).toBe(6 * 4_096)
      expect([...shared.neighbours(blocks.at(-1)!)]).toEqual(n === 0 ? [] : [blocks[0]])
    }
    blocks = [...blocks, block(traces(50_000))]
    expect(await shared.learn(blocks, turn())).toBe(false)
    expect(await shared.learn(blocks.slice(1), turn())).toBe(true)
    expect([...shared.neighbours(blocks[2]!)]).toEqual([])
  })

  it('gives up where very many blocks have the same trace', async () => {
    const shared = new SharedTraces(1 << 20)
    const blocks = Array.from({ length: 257 }, (_, i) => block([0, i + 1]))
    expect(await shared.learn(blocks, turn())).toBe(true)
    expect(shared.neighbours(blocks[3]!).size).toBe(256)
    expect(await shared.learn([...blocks, block([0])], turn())).toBe(false)
    expect(await shared.learn([...blocks.slice(1), block([0])], turn())).toBe(true)
  })

  it('learns of one after the other, the newest first, until all are known or one cannot be', () => {
    const shared = new SharedTraces(6 * 4_096)
    const blocks = [block([1, 2]), block([2, 3]), block([4]), { ...block([1]), growsIn: {} }]
    shared.isWanted = true
    const known = (): boolean[] => blocks.map((each) => shared.knows(each))
    for (const expected of [
      [false, false, true, false],
      [false, true, true, false],
      [true, true, true, false],
    ]) {
      expect(shared.learnOne(blocks, turn())).toBe(true)
      expect(known()).toEqual(expected)
    }
    expect([...shared.neighbours(blocks[0]!)]).toEqual([blocks[1]])
    expect(shared.learnOne(blocks, turn())).toBe(false)
    expect(shared.isWanted).toBe(false)
    const large = block(Array.from({ length: 3_000 }, (_, i) => i))
    expect(shared.learnOne([...blocks, large], turn())).toBe(false)
    expect(shared.learnOne(blocks.slice(0, 2), turn())).toBe(false)
    expect(known()).toEqual([true, true, false, false])
  })

  it('is not held up by a turn that has ended, nor by a block that grows', async () => {
    const shared = new SharedTraces(1 << 20)
    const ended = turn()
    ended.cancel()
    const blocks = [block([1]), { ...block([2]), growsIn: {} }]
    expect(await shared.learn(blocks, ended)).toBe(false)
    expect(await shared.learn(blocks, turn())).toBe(true)
    expect(blocks.map((each) => shared.knows(each))).toEqual([true, false])
  })
})

function byPlace(blocks: readonly Block[]): (a: Block, b: Block) => number {
  return (a, b) => blocks.indexOf(a) - blocks.indexOf(b)
}
