import { describe, expect, it } from 'vitest'
import { sent, type SpanSpec } from '../../../conformance/spans.ts'
import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import { blockOf, OTHERS, sealedOf, StillClock } from '../blocks.test.helper.ts'
import { Turn } from '../turn.ts'
import { Twins } from './twins.ts'

/** How many spans of each block are left, and how many elements of columns were looked at for it. */
async function left(blocks: readonly Block[]): Promise<{ readonly counts: number[]; readonly looks: Looks }> {
  const turn = new Turn(new StillClock(), Infinity)
  const twins = new Twins(turn)
  await twins.survey(blocks, () => true)
  const looks = { spanId: 0, durationNs: 0 }
  const counts: number[] = []
  for (const block of blocks) {
    const rows = block.rows()
    const wanted = new Uint8Array(rows.count).fill(1)
    expect(await twins.remove(watched(rows, looks), wanted)).toBe(true)
    counts.push(wanted.reduce((sum, one) => sum + one, 0))
  }
  return { counts, looks }
}

type Looks = Record<'spanId' | 'durationNs', number>

function watched(rows: BlockRows, looks: Looks): BlockRows {
  const watch = <T extends Uint32Array | Float64Array>(column: T, name: keyof Looks): T =>
    new Proxy(column, {
      get(target, key) {
        looks[name]++
        return target[Number(key)]
      },
    })
  return new Proxy(rows, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      return key === 'spanId' || key === 'durationNs' ? watch(value as Uint32Array, key) : value
    },
  })
}

const sealed = (...specs: SpanSpec[]): Block => sealedOf(specs.map(sent))
const unsealed = (...specs: SpanSpec[]): Block => blockOf(specs.map(sent))
const span = { trace: 1, id: 1, service: 'shop', name: 'call' }

describe('what was sent twice', () => {
  it('counts once in a trace that is in one sealed block, whatever else starts with it', async () => {
    const { counts } = await left([sealed(span, { ...span, id: 2, parent: 1 }, span, { ...span, id: 3, parent: 1 })])
    expect(counts).toEqual([3])
  })

  it.each(OTHERS)('is not what has another %s', async (_, other) => {
    expect((await left([sealed(span, { ...span, ...other })])).counts).toEqual([2])
  })

  it('counts once over blocks that have the same trace, sealed or not, in whichever order', async () => {
    expect((await left([sealed(span), sealed(span), unsealed(span)])).counts).toEqual([1, 0, 0])
    expect((await left([unsealed(span, span), sealed(span, { ...span, id: 2 })])).counts).toEqual([1, 1])
  })

  it('is looked for without the ids of spans where a trace is in one sealed block', async () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ ...span, trace: i % 4, id: i + 1, at: i % 5, ms: i + 1 }))
    const { counts, looks } = await left([sealed(...many)])
    expect([counts, looks.spanId]).toEqual([[40], 0])
  })

  it('takes steps that grow with the spans, however many of a trace start at once', async () => {
    const many = Array.from({ length: 500 }, (_, i) => ({ ...span, id: i + 1 }))
    const { counts, looks } = await left([sealed(...many, many[3]!)])
    expect(counts).toEqual([500])
    expect(looks.durationNs).toBeLessThan(40 * 501)
  })
})
