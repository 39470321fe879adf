import { expect, it } from 'vitest'
import { operationText, Pool } from './pool.ts'

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
