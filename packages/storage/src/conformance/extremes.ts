import { expect, it } from 'vitest'
import { collectSearch, type Filter } from '../contract.ts'
import { find, findBy, spansOf, withStore, type OpenStore } from './harness.ts'
import { attributes, batchOf, sent, T0, traceId } from './spans.ts'

const ALL: [bigint, bigint] = [0n, 1n << 64n]
const MAX_U64 = (1n << 64n) - 1n
/** The longest that a span lasts, as the contract has it. */
const LONGEST = 2 ** 63 - 1024

function regex(value: string): Filter {
  return { op: 'regex', target: { attribute: 'a' }, value }
}

/** What nobody means and somebody sends: patterns, ids and times. */
export function extremes(open: OpenStore): void {
  it('ends with any regular expression', async () => {
    await withStore(open, async (store) => {
      await store.append(batchOf(sent({ trace: 1, id: 1, attributes: attributes({ a: `${'a'.repeat(200)}b` }) })))
      await store.append(batchOf(sent({ trace: 2, id: 1, attributes: attributes({ a: 'a'.repeat(200) }) })))
      // With backtracking none of these ends.
      expect(await findBy(store, regex('^(a+)+$'))).toEqual([traceId(2)])
      expect(await findBy(store, regex('(a|aa)+b$'))).toEqual([traceId(1)])
      expect(await findBy(store, regex(`^${String.raw`a[\s\S]*`.repeat(60)}c$`))).toEqual([])
      expect(await findBy(store, regex(`^${'(?:a?)'.repeat(200)}${'a'.repeat(200)}$`))).toEqual([traceId(2)])
      // Too long for that pattern, and not for a text.
      const page = await collectSearch(store.search({ filter: regex('(a{900}|b{900}|c{900})x'), limit: 1 }))
      expect(page).toMatchObject({ traces: [], complete: true })
    })
  })

  it('leaves out a text that is too long for its pattern, and says so', async () => {
    await withStore(open, async (store) => {
      const huge = 'a'.repeat(2_000_000)
      await store.append(batchOf(sent({ trace: 1, id: 1, attributes: attributes({ a: `${huge}needle` }) })))
      await store.append(batchOf(sent({ trace: 2, id: 1, attributes: attributes({ a: 'needle' }) })))
      for (const plain of ['needle', 'a*needle$', String.raw`^a[\s\S]*needle$`]) {
        const { traces, complete } = await collectSearch(store.search({ filter: regex(plain) }))
        expect([plain, traces.some((trace) => trace.traceId === traceId(1)), complete]).toEqual([plain, true, true])
      }
      const { traces, complete } = await collectSearch(store.search({ filter: regex('([b-z]{1,100}|.{0,100})needle') }))
      expect(traces.map((trace) => trace.traceId)).toEqual([traceId(2)])
      expect(complete).toBe(false)
      // It is no value to choose from a list either.
      expect(await store.attributeValues('a')).toEqual(['needle'])
      expect(await store.attributeKeys()).toEqual(['a'])
    })
  })

  it('says what a regular expression has that cannot be had, and where', async () => {
    await withStore(open, async (store) => {
      for (const [value, message] of [
        ['ab(?=c)', /linear time.*character 2/],
        ['(?<!a)b', /linear time.*character 0/],
        [String.raw`(a)(b)\2`, /linear time.*character 6/],
        ['a(b', /character 1/],
        ['a{2000}', /character 1/],
        ['(a{1000}){1000}', /character 9/],
      ] as const) {
        await expect(collectSearch(store.search({ filter: { op: 'not', arg: regex(value) } }))).rejects.toMatchObject({
          code: 'bad_query',
          message: expect.stringMatching(message) as string,
        })
      }
    })
  })

  it('counts calls where ids are of several spans, of the span itself, or go round', async () => {
    await withStore(open, async (store) => {
      await store.append(
        batchOf(
          // Its own parent.
          sent({ trace: 1, id: 1, parent: 1, service: 'a' }),
          // Each other's.
          sent({ trace: 2, id: 1, parent: 2, service: 'a' }),
          sent({ trace: 2, id: 2, parent: 1, service: 'b' }),
          // Two that could be the parent of a third.
          sent({ trace: 3, id: 1, service: 'x' }),
          sent({ trace: 3, id: 1, service: 'y' }),
          sent({ trace: 3, id: 2, parent: 1, service: 'z' }),
        ),
      )
      const { edges, complete } = await store.dependencies(...ALL)
      expect(complete).toBe(true)
      expect(edges.filter(({ child }) => child !== 'z')).toMatchObject([
        { parent: 'a', child: 'b', calls: 1, errors: 0 },
        { parent: 'b', child: 'a', calls: 1, errors: 0 },
      ])
      expect(edges.filter(({ child }) => child === 'z')).toMatchObject([
        { parent: expect.toBeOneOf(['x', 'y']) as string, child: 'z', calls: 1, errors: 0 },
      ])
    })
  })

  it('takes very many spans of one id', async () => {
    await withStore(open, async (store) => {
      for (let k = 0; k < 8; k++) {
        const spans = Array.from({ length: 2500 }, (_, i) =>
          sent({ trace: 1, id: 7, parent: 9, at: 2500 * k + i, service: 'b' }),
        )
        await store.append(batchOf(...spans))
      }
      await store.append(batchOf(sent({ trace: 1, id: 9, service: 'a' })))
      expect(await store.dependencies(...ALL)).toMatchObject({
        edges: [{ parent: 'a', child: 'b', calls: 20_000, errors: 0 }],
        complete: true,
      })
      expect((await collectSearch(store.search({}))).traces).toMatchObject([
        { spans: 20_001, orphans: 0, rootService: 'a' },
      ])
      expect(await spansOf(store, traceId(1))).toHaveLength(20_001)
    })
  })

  it('keeps durations that are longer than a number with a sign can hold', async () => {
    await withStore(open, async (store, directory) => {
      const times: [bigint, bigint][] = [
        [0n, MAX_U64],
        [1n, (1n << 63n) + 5n],
        [T0, T0 + (1n << 62n)],
        [T0, T0 + 1000n],
        [MAX_U64, 0n],
      ]
      for (const [i, [startTimeUnixNano, endTimeUnixNano]] of times.entries())
        await store.append(batchOf(sent({ trace: i, id: 1, span: { startTimeUnixNano, endTimeUnixNano } })))
      const check = async (opened: typeof store): Promise<void> => {
        const { traces } = await collectSearch(opened.search({ order: 'longest' }))
        expect(traces.map(({ durationNs }) => durationNs)).toEqual([LONGEST, LONGEST, 2 ** 62, 1000, 0])
        expect(traces.map(({ services }) => services[0]!.selfTimeNs)).toEqual([LONGEST, LONGEST, 2 ** 62, 1000, 0])
        const longer = { op: 'gt', target: { field: 'duration' }, value: 1n << 61n } as const
        expect(await findBy(opened, longer)).toEqual([0, 1, 2].map(traceId))
        expect(
          await find(opened, {
            spans: { op: 'trace', field: 'duration', compare: 'gte', value: 2 ** 62 },
            order: 'oldest',
          }),
        ).toEqual([0, 1, 2].map(traceId))
        expect(await find(opened, { order: 'shortest', limit: 2 })).toEqual([4, 3, 2, 0, 1].map(traceId))
      }
      await check(store)
      await store.close()
      const again = await open(directory)
      await check(again)
      await again.close()
    })
  })
}
