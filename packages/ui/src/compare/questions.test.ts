import { describe, expect, it } from 'vitest'
import { readCompareUrl } from './compare-url.ts'
import { boxAgainstRest, compareParameters, earlierOnes } from './questions.ts'

describe('earlierOnes', () => {
  it('shifts a range back from now', () => {
    expect(earlierOnes({ q: 'service:a', range: '1h' }).map(({ search }) => search)).toEqual([
      { a: 'service:a', aFrom: '2h', aTo: '1h', b: 'service:a', bFrom: '1h' },
      { a: 'service:a', aFrom: '25h', aTo: '24h', b: 'service:a', bFrom: '1h' },
      { a: 'service:a', aFrom: '169h', aTo: '168h', b: 'service:a', bFrom: '1h' },
    ])
  })

  it('shifts fixed times', () => {
    const [before, yesterday] = earlierOnes({ from: '100000000000000', to: '103600000000000' })
    expect(before!.search).toEqual({
      aFrom: '96400000000000',
      aTo: '100000000000000',
      bFrom: '100000000000000',
      bTo: '103600000000000',
    })
    expect(yesterday!.search).toMatchObject({ aFrom: '13600000000000', aTo: '17200000000000' })
  })

  it('knows none of all time', () => {
    expect(earlierOnes({ range: 'all' })).toEqual([])
  })
})

it('compares a box with the rest of what is found', () => {
  const url = boxAgainstRest({ q: 'a:1', range: '6h' }, { q: 'a:1 trace.request>=1s', from: '5', to: '9' })
  expect(url).toEqual({ a: 'a:1', aFrom: '6h', b: 'a:1 trace.request>=1s', bFrom: '5', bTo: '9', rest: 'true' })
  expect(compareParameters(url)).toEqual({ ...url, of: 'requests', limit: 100 })
  expect(readCompareUrl({ ...url, x: 'y', left: '' })).toEqual(url)
})
