import { expect, it } from 'vitest'
import { hasTail } from './tail.ts'

it('is shown from a hundredth of the request on', () => {
  const of = (requestDurationNs: number, tailNs: number) => hasTail({ requestDurationNs, tailNs })
  expect([of(100, 0), of(1000, 10), of(1000, 11), of(0, 0), of(0, 1)]).toEqual([false, false, true, false, true])
})
