import { describe, expect, it } from 'vitest'
import { attributes, MS, sent, T0, type SentSpan, type SpanSpec } from '../../../conformance/spans.ts'
import { StorageError, type AggregateQuery } from '../../../contract.ts'
import type { Block } from '../block.ts'
import { Store } from './kept-parts.test.helper.ts'

const at = (...specs: SpanSpec[]): SentSpan[] => specs.map((spec) => sent({ service: 'shop', name: 'call', ...spec }))
/** A request of two spans. */
const request = (trace: number, ms = trace): SentSpan[] =>
  at({ trace, id: 1, at: ms, ms: 1 }, { trace, id: 2, parent: 1, at: ms + 0.2, name: 'inner' })
const asked: AggregateQuery = { of: 'requests', groupBy: [{ field: 'name' }] }

async function names(store: Store, query: AggregateQuery = asked): Promise<string[]> {
  const { groups, complete } = await store.aggregate(query)
  expect(complete).toBe(true)
  return groups.map(({ key, count }) => `${key[0]} ${count}`)
}

describe('the requests of whole blocks', () => {
  it('are counted once: who asks again looks into blocks that have come meanwhile, and into no others', async () => {
    const store = new Store()
    for (let n = 0; n < 6; n++) store.add(request(n, 100 * n), n < 3)
    for (const ask of [
      () => store.aggregate(asked),
      () => store.aggregate({ of: 'requests', buckets: 4, aligned: true }),
      () => store.heatMap({ of: 'requests', timeBins: 4, aligned: true }),
      () => store.aggregate({ ...asked, filter: { op: 'exists', target: { field: 'parentId' } } }),
    ]) {
      const first = await ask()
      expect(store.looked()).toEqual([0, 1, 2, 3, 4, 5])
      const again = await ask()
      expect(store.looked()).toEqual([])
      expect({ ...again, spansScanned: 0 }).toEqual({ ...first, spansScanned: 0 })
    }
    store.add(request(6, 600))
    expect(await names(store)).toEqual(['call 7'])
    expect(store.looked()).toEqual([6])
    // The window moves on, and cuts one block; its bins stay what they were.
    await store.heatMap({ of: 'requests', timeBins: 4, aligned: true })
    store.looked()
    await store.heatMap({
      of: 'requests',
      timeBins: 4,
      aligned: true,
      from: T0 + MS / 10n,
      to: T0 + 700n * MS,
    })
    expect(store.looked()).toEqual([0])
  })

  it('are kept of a number apart from those of the text that it is written as', async () => {
    const store = new Store()
    store.add(
      at(
        { trace: 1, id: 1, attributes: attributes({ size: 5n }) },
        { trace: 2, id: 2, attributes: attributes({ size: '5n' }) },
        { trace: 3, id: 3, attributes: attributes({ size: '5n' }) },
      ),
    )
    const of = (value: bigint | string): AggregateQuery => ({
      ...asked,
      filter: { op: 'eq', target: { attribute: 'size' }, value },
    })
    expect(await names(store, of(5n))).toEqual(['call 1'])
    expect(await names(store, of('5n'))).toEqual(['call 2'])
    expect(await names(store, of(5n))).toEqual(['call 1'])
  })

  it('are counted anew of a block with traces of which more has come, and of no other', async () => {
    const store = new Store()
    for (let n = 0; n < 4; n++) store.add(request(n), n === 1)
    expect(await names(store)).toEqual(['call 4'])
    // The root of trace 1 comes at last, and another of its own.
    store.add([...at({ trace: 1, id: 9, at: 0.5, ms: 9, name: 'late' }), ...request(7)])
    store.looked()
    expect(await names(store)).toEqual(['call 4', 'late 1'])
    expect(store.looked()).toEqual([1, 4])
    expect(await names(store)).toEqual(['call 4', 'late 1'])
    expect(store.looked()).toEqual([])
    store.drop(4)
    expect(await names(store)).toEqual(['call 4'])
    expect(store.looked()).toEqual([1])
  })

  it('count once where they were sent to two blocks, whichever of them goes', async () => {
    const store = new Store()
    for (const isSealed of [true, false, true]) store.add(request(1), isSealed)
    for (let left = 3; left > 0; left--) {
      expect(await names(store)).toEqual(['call 1'])
      expect(await names(store)).toEqual(['call 1'])
      store.drop(left === 3 ? 1 : 0)
    }
  })

  it('are not known from a block alone when a part of it is outside of the range', async () => {
    const store = new Store()
    store.add(at({ trace: 1, id: 1, at: 0, ms: 50, name: 'root' }))
    store.add(at({ trace: 1, id: 2, parent: 1, at: 10 }, { trace: 2, id: 1, at: 11 }))
    const window = { ...asked, from: T0 + 5n * MS, to: T0 + 20n * MS }
    expect(await names(store, window)).toEqual(['call 1', 'root 1'])
    store.looked()
    expect(await names(store, window)).toEqual(['call 1', 'root 1'])
    expect(store.looked()).toEqual([0, 1])
    expect(await names(store)).toEqual(['call 1', 'root 1'])
    store.looked()
    expect(await names(store)).toEqual(['call 1', 'root 1'])
    expect(store.looked()).toEqual([])
    expect(await names(store, window)).toEqual(['call 1', 'root 1'])
    expect(store.looked()).toEqual([0, 1])
  })

  it('are counted with the block that grows, and so are those of blocks that have traces of it', async () => {
    const store = new Store()
    for (let n = 0; n < 3; n++) store.add(request(n))
    store.add([...at({ trace: 1, id: 9, at: 0.5, ms: 9, name: 'late' }), ...request(7)])
    store.isGrowing = true
    for (let ask = 0; ask < 2; ask++) {
      expect(await names(store)).toEqual(['call 3', 'late 1'])
      expect(store.looked()).toEqual(ask === 0 ? [0, 1, 2, 3] : [1, 3])
    }
    store.isGrowing = false
    expect(await names(store)).toEqual(['call 3', 'late 1'])
    expect(await names(store)).toEqual(['call 3', 'late 1'])
  })

  it('are found by what a span of their trace in another block has, and only by that', async () => {
    const store = new Store()
    store.add(at({ trace: 1, id: 1, at: 0, ms: 50, name: 'root' }, { trace: 2, id: 1, name: 'root' }))
    store.add(at({ trace: 1, id: 2, parent: 1, at: 10, name: 'bad', status: 2 }))
    const failed: AggregateQuery = { ...asked, filter: { op: 'eq', target: { field: 'status' }, value: 'error' } }
    expect(await names(store, failed)).toEqual(['root 1'])
    expect(await names(store, failed)).toEqual(['root 1'])
    expect(await names(store)).toEqual(['root 2'])
    // What is left of the first block has to be found by the second, of which all is known.
    store.add(at({ trace: 2, id: 2, parent: 1, at: 10, name: 'bad', status: 2 }))
    expect(await names(store, failed)).toEqual(['root 2'])
  })

  it('are counted as before where it would cost more to know which blocks have traces in common', async () => {
    for (const [few, many] of [
      [1, 3],
      [3, 1],
    ] as const) {
      const store = new Store()
      for (let n = 0; n < few + many; n++) store.add(request(n, n < many ? n : 500 + n))
      const window = { ...asked, from: T0 + 400n * MS }
      for (let ask = 0; ask < 2; ask++) expect(await names(store, window)).toEqual([`call ${few}`])
      const all = new Set(store.looked())
      expect(all.has(0)).toBe(few > many)
      expect(store.kept.shared.isWanted).toBe(few < many)
    }
    const store = new Store(1 << 22, 0)
    for (let n = 0; n < 3; n++) store.add(request(n))
    for (let ask = 0; ask < 2; ask++) {
      expect(await names(store)).toEqual(['call 3'])
      expect(store.looked()).toEqual([0, 1, 2])
    }
  })

  it('are counted anew when another block has more of a trace than the one that had before', async () => {
    const store = new Store()
    for (let n = 0; n < 2; n++) store.add(request(n), n === 1)
    store.add(at({ trace: 1, id: 9, at: 0.5, ms: 9, name: 'late' }))
    expect(await names(store)).toEqual(['call 1', 'late 1'])
    store.drop(2)
    store.add(at({ trace: 1, id: 8, parent: 1, at: 1.4, name: 'inner' }))
    expect(await names(store)).toEqual(['call 2'])
  })

  it('count in the block that has them, and not again with what more of their traces is counted anew', async () => {
    const store = new Store()
    store.add(at({ trace: 1, id: 1, at: 1, ms: 9 }))
    store.add([...at({ trace: 1, id: 2, parent: 1, at: 2, name: 'inner' }), ...request(2)])
    expect(await names(store)).toEqual(['call 2'])
    store.add(at({ trace: 2, id: 3, parent: 1, at: 2.5, name: 'inner' }))
    expect(await names(store)).toEqual(['call 2'])
  })

  it('are not kept of a block whose traces the growing one has, as more of them may come', async () => {
    const store = new Store()
    store.add(request(1))
    store.add(at({ trace: 1, id: 3, parent: 1, at: 1.5, name: 'inner' }))
    store.isGrowing = true
    expect(await names(store)).toEqual(['call 1'])
    store.drop(1)
    store.add(
      at({ trace: 1, id: 3, parent: 1, at: 1.5, name: 'inner' }, { trace: 1, id: 9, at: 0.5, ms: 9, name: 'late' }),
    )
    expect(await names(store)).toEqual(['late 1'])
  })

  it('are not kept of what could not be read, which may be there the next time', async () => {
    const store = new Store()
    const [first] = [store.add(request(0), true), store.add(request(1))]
    let isAway = true
    const broken: Block = {
      ...first,
      requests: () => (isAway ? lost() : first.requests!()),
      rows: () => (isAway ? lost() : first.rows()),
    }
    store.blocks = [broken, store.blocks[1]!]
    expect((await store.aggregate(asked)).complete).toBe(false)
    isAway = false
    expect(await names(store)).toEqual(['call 2'])
  })

  it('are all told where what cannot be read is outside of the range, and kept when it can be', async () => {
    const store = new Store()
    const [first] = [store.add(request(0)), store.add(request(500, 500))]
    let isAway = true
    const broken: Block = { ...first, rows: () => (isAway ? lost() : first.rows()) }
    store.blocks = [broken, store.blocks[1]!]
    const window = { ...asked, from: T0 + 400n * MS }
    expect(await names(store, window)).toEqual(['call 1'])
    expect((await store.aggregate(asked)).complete).toBe(false)
    isAway = false
    expect(await names(store)).toEqual(['call 2'])
  })
})

function lost(): never {
  throw new StorageError('io', 'the disk is away')
}
