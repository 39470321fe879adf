import { expect, it } from 'vitest'
import { operationText, Pool, servicesText } from './pool.ts'

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
