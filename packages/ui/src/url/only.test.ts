import { expect, it } from 'vitest'
import { only } from './only.ts'

it('leaves nothing of the address that is not read', () => {
  const read = only((raw) => ({ ...(raw['a'] === '1' && { a: '1' }) }))
  expect({ a: '2', b: '3', ...read({ a: '2', b: '3' }) }).toEqual({ a: undefined, b: undefined })
  expect({ a: '1', ...read({ a: '1' }) }).toEqual({ a: '1' })
})
