import { expect, it } from 'vitest'
import { operationText, Pool, servicesText } from './pool.ts'

const texts = (maxValues?: number): Pool<string> => new Pool((text) => text, maxValues)

it('gives the same objects for the same operations, and tells apart what differs in any part', () => {
  const pool = new Pool(operationText)
  const some = (): { service: string; name: string; kind: number }[] => [
    { service: 'a', name: 'b', kind: 1 },
    { service: 'a', name: 'b', kind: 2 },
    { service: 'ab', name: '', kind: 1 },
    { service: '', name: 'ab', kind: 1 },
  ]
  const first = pool.shared(some())
  expect(first).toEqual(some())
  for (const [i, operation] of pool.shared(some()).entries()) expect(operation).toBe(first[i])
  expect(new Set(first).size).toBe(4)
})

it('has each set of services once, whatever their order, and no more than it may', () => {
  const pool = new Pool(servicesText, 2)
  const set = (...names: string[]): ReadonlySet<string> => pool.one(new Set(names))
  const first = set('a', 'b')
  expect(set('b', 'a')).toBe(first)
  expect(set('a,b')).not.toBe(first)
  set('c')
  expect(set('a', 'b')).not.toBe(first)
})

it('keeps lists in their order, with values of any number', () => {
  const pool = texts()
  const all = Array.from({ length: 70_000 }, (_, i) => `value ${i}`)
  expect(pool.list(all).values).toEqual(all)
  const some = [69_999, 3, 32_767, 32_768, 0, 65_535, 65_536, 3].map((at) => all[at]!)
  expect(pool.list(some).values).toEqual(some)
  expect(pool.list([]).values).toEqual([])
})

it('has each set once, whatever its order', () => {
  const pool = texts()
  pool.list(['c', 'b'])
  const first = pool.set(['a', 'b', 'c'])
  expect(pool.set(['c', 'a', 'b'])).toBe(first)
  expect(first.values.sort()).toEqual(['a', 'b', 'c'])
  expect(pool.set(['a', 'b'])).not.toBe(first)
})

it('leaves lists as they are when it begins anew', () => {
  const pool = texts(3)
  const list = pool.list(['a', 'b'])
  const set = pool.set(['b'])
  expect(pool.list(['c', 'd', 'e', 'f']).values).toEqual(['c', 'd', 'e', 'f'])
  expect(pool.set(['c']).values).toEqual(['c'])
  expect(list.values).toEqual(['a', 'b'])
  expect(set.values).toEqual(['b'])
})
