import { expect, it } from 'vitest'
import type { Level } from '../contract.ts'
import { withStore, type OpenStore } from './harness.ts'
import { attributes, batchOf, MS, sent, T0, traceId } from './spans.ts'

const ALL: [bigint, bigint] = [0n, 1n << 64n]

/** What there is: services, operations, attributes, edges. */
export function catalogue(open: OpenStore): void {
  it('lists services and operations, sorted, with those of a closed store', async () => {
    await withStore(open, async (store, directory) => {
      await store.append(
        batchOf(
          sent({ trace: 1, id: 1, service: 'shop', name: 'pay', kind: 3 }),
          sent({ trace: 1, id: 2, service: 'shop', name: 'pay', kind: 2 }),
          sent({ trace: 1, id: 3, service: 'shop', name: 'browse all', kind: 2 }),
          sent({ trace: 1, id: 4, service: 'bank', name: 'pay', kind: 2 }),
          sent({ trace: 1, id: 5, name: 'nameless' }),
        ),
      )
      const check = async (opened: typeof store): Promise<void> => {
        expect(await opened.services()).toEqual(['bank', 'shop', 'unknown_service'])
        expect(await opened.operations('shop')).toEqual([
          { name: 'browse all', kind: 2 },
          { name: 'pay', kind: 2 },
          { name: 'pay', kind: 3 },
        ])
        expect(await opened.operations('shop', 3)).toEqual([{ name: 'pay', kind: 3 }])
        expect(await opened.operations(undefined)).toEqual([
          { name: 'browse all', kind: 2 },
          { name: 'nameless', kind: 1 },
          { name: 'pay', kind: 2 },
          { name: 'pay', kind: 3 },
        ])
        expect(await opened.operations('nobody')).toEqual([])
      }
      await check(store)
      await store.close()
      const again = await open(directory)
      await check(again)
      await again.close()
    })
  })

  it('lists attribute keys and values, most frequent first', async () => {
    await withStore(open, async (store) => {
      const values = ['a', 'b', 'b', 'c', 'c', 'c']
      await store.append(
        batchOf(
          ...values.map((value, i) =>
            sent({
              trace: 1,
              id: i + 1,
              attributes: attributes({ letter: value, ...(i === 0 ? { once: 200n } : {}) }),
            }),
          ),
        ),
      )
      expect(await store.attributeKeys()).toEqual(['letter', 'once'])
      expect(await store.attributeKeys(1)).toEqual(['letter'])
      expect(await store.attributeValues('letter')).toEqual(['c', 'b', 'a'])
      expect(await store.attributeValues('letter', 2)).toEqual(['c', 'b'])
      expect(await store.attributeValues('once')).toEqual(['200'])
      expect(await store.attributeValues('never')).toEqual([])
    })
  })

  it('lists attribute keys of one level', async () => {
    await withStore(open, async (store) => {
      const event = { timeUnixNano: T0, name: 'e', attributes: attributes({ onEvent: 1 }), droppedAttributesCount: 0 }
      const link = {
        traceId: traceId(9),
        spanId: '0000000000000009',
        traceState: '',
        attributes: attributes({ onLink: 1 }),
        droppedAttributesCount: 0,
        flags: 0,
      }
      await store.append(
        batchOf(
          sent({
            trace: 1,
            id: 1,
            service: 's',
            attributes: attributes({ onSpan: 1 }),
            resource: attributes({ onResource: 1 }),
            scope: { attributes: attributes({ onScope: 1 }) },
            span: { events: [event], links: [link] },
          }),
        ),
      )
      const keys = async (level: Level): Promise<string[]> => (await store.attributeKeys(10, { level })).toSorted()
      expect(await keys('span')).toEqual(['onSpan'])
      expect(await keys('event')).toEqual(['onEvent'])
      expect(await keys('link')).toEqual(['onLink'])
      expect(await keys('scope')).toEqual(['onScope'])
      expect(await keys('resource')).toEqual(['onResource', 'service.name'])
      expect(await keys('any')).toEqual(['onEvent', 'onLink', 'onResource', 'onScope', 'onSpan', 'service.name'])
    })
  })

  it('counts calls between services, also over batches, and never over traces', async () => {
    await withStore(open, async (store) => {
      await store.append(
        batchOf(
          sent({ trace: 1, id: 2, parent: 1, service: 'b', status: 2 }),
          sent({ trace: 1, id: 3, parent: 2, service: 'b' }),
        ),
      )
      await store.append(
        batchOf(
          sent({ trace: 1, id: 1, service: 'a' }),
          sent({ trace: 2, id: 1, service: 'other' }),
          sent({ trace: 2, id: 2, parent: 1, service: 'b' }),
          sent({ trace: 1, id: 4, parent: 3, service: 'c' }),
          sent({ trace: 3, id: 4, parent: 77, service: 'c' }),
        ),
      )
      await store.append(batchOf(sent({ trace: 1, id: 5, parent: 1, service: 'b' })))
      expect((await store.dependencies(...ALL)).edges).toMatchObject([
        { parent: 'a', child: 'b', calls: 2, errors: 1 },
        { parent: 'b', child: 'c', calls: 1, errors: 0 },
        { parent: 'other', child: 'b', calls: 1, errors: 0 },
      ])
    })
  })

  it('counts the calls that start in the range; the caller may have started before', async () => {
    await withStore(open, async (store) => {
      await store.append(batchOf(sent({ trace: 1, id: 1, service: 'a', at: 0 })))
      await store.append(
        batchOf(...[10, 20, 30].map((at, i) => sent({ trace: 1, id: 2 + i, parent: 1, service: 'b', at }))),
      )
      const calls = async (from: bigint, to: bigint): Promise<number> =>
        (await store.dependencies(T0 + from * MS, T0 + to * MS)).edges[0]?.calls ?? 0
      expect(await calls(10n, 30n)).toBe(2)
      expect(await calls(11n, 31n)).toBe(2)
      expect(await calls(31n, 99n)).toBe(0)
    })
  })
}
