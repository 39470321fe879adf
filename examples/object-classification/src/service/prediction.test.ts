import { array, assert, constantFrom, integer, property } from 'fast-check'
import { expect, it } from 'vitest'
import { best } from './prediction.ts'

it('has the most likely classes first, of those that are as likely the first', () => {
  expect(best([0.1, 0.4, 0.1, 0.4], ['a', 'b', 'c'], 3)).toEqual([
    { index: 1, label: 'b', probability: 0.4 },
    { index: 3, label: 'class 3', probability: 0.4 },
    { index: 0, label: 'a', probability: 0.1 },
  ])
  assert(
    property(array(constantFrom(0, 0.1, 0.2, 0.3, 0.4, 0.5)), integer({ min: 0, max: 7 }), (probabilities, count) => {
      const sorted = probabilities.map((probability, index) => ({ index, probability }))
      sorted.sort((a, b) => b.probability - a.probability)
      const found = best(probabilities, [], count).map(({ index, probability }) => ({ index, probability }))
      expect(found).toEqual(sorted.slice(0, count))
    }),
  )
})
