import { describe, expect, it } from 'vitest'
import { average } from './average.ts'

describe('average', () => {
  it('is the mean of each class', () => {
    expect(average([[1, 0, 0.5]])).toEqual([1, 0, 0.5])
    expect(
      average([
        [1, 0, 0.5],
        [0, 0, 0.25],
      ]),
    ).toEqual([0.5, 0, 0.375])
  })

  it('refuses nothing, and models that disagree on the number of classes', () => {
    expect(() => average([])).toThrow('nothing to average')
    expect(() => average([[1], [0.5, 0.5]])).toThrow('the number of classes: 1 and 2')
  })
})
