import { expect, it } from 'vitest'
import { CriticalPath } from './critical-segments.ts'

it('has its segments as they were added, or the other way round, however many', () => {
  const segments = Array.from({ length: 200 }, (_, at) => ({
    row: at,
    startNs: 10 * at,
    endNs: 10 * at + 7,
    aheadNs: -at,
  }))
  expect([...CriticalPath.of(segments)]).toEqual(segments)
  expect([...CriticalPath.of(segments).reverse()]).toEqual(segments.toReversed())
})
