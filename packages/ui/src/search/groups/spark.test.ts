import { expect, test } from 'vitest'
import { sparkPath } from './spark.ts'

test('bars stand in their parts of the width and are as high as their share of the peak', () => {
  expect(sparkPath([10, 0, 5], 10, 30, 20)).toBe('M0 20v-20h8v20zM20 20v-10h8v10z')
})

test('little is still seen, and nothing is not', () => {
  expect(sparkPath([1, 0], 1000, 20, 16)).toBe('M0 16v-1h8v1z')
  expect(sparkPath([0, 0], 0, 20, 16)).toBe('')
  expect(sparkPath([], 0, 20, 16)).toBe('')
})
