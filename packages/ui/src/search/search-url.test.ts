import { describe, expect, it } from 'vitest'
import { quote, readSearchUrl, searchParameters } from './search-url.ts'

describe('readSearchUrl', () => {
  it('keeps the known parameters and drops what it cannot read', () => {
    expect(readSearchUrl({ q: 'status:error', order: 'newest', live: '1', from: 'yesterday', other: 'x' })).toEqual({
      q: 'status:error',
      order: 'newest',
      live: '1',
    })
    expect(readSearchUrl({ order: 'longest', live: '1' })).toEqual({ order: 'longest' })
    expect(readSearchUrl({ order: 'prettiest', q: '', panel: 'x', groups: 'name' })).toEqual({})
    expect(readSearchUrl({ from: '6h' })).toEqual({ range: '6h' })
    expect(readSearchUrl({ panel: 'errors' })).toEqual({ panel: 'errors' })
    expect(readSearchUrl({ panel: 'none', groups: 'p95' })).toEqual({ panel: 'none', groups: 'p95' })
  })

  it('translates a link to the search page of Jaeger', () => {
    const jaeger = {
      service: 'ensemble',
      operation: 'POST /ensemble_service',
      lookback: '2d',
      limit: '20',
      tags: '{"http.response.status_code":"500","peer":"a b"}',
      minDuration: '200ms',
    }
    expect(readSearchUrl(jaeger)).toEqual({
      q: 'service:ensemble name:"POST /ensemble_service" http.response.status_code:500 peer:"a b"',
      range: '48h',
      min: '200ms',
    })
  })

  it('takes microseconds from Jaeger and keeps them exact', () => {
    expect(
      readSearchUrl({ service: 'a', start: '1778329867218043', end: '1778329967218043', lookback: 'custom' }),
    ).toEqual({
      q: 'service:a',
      from: '1778329867218043000',
      to: '1778329967218043000',
    })
  })

  it('reads the first of a repeated service, all services, and survives broken tags', () => {
    expect(readSearchUrl({ service: ['a', 'b'], operation: 'all', tags: '{', tag: 'error:true' })).toEqual({
      q: 'service:a error:true',
    })
    expect(readSearchUrl({ service: '__all_services__' })).toEqual({})
  })
})

describe('searchParameters', () => {
  it('asks for the last hour by default, for all time without a bound, and for fixed times as they are', () => {
    expect(searchParameters({})).toEqual({ from: '1h' })
    expect(searchParameters({ range: 'all' })).toEqual({})
    expect(searchParameters({ range: '6h', from: '1', to: '2', min: '1ms' })).toMatchObject({
      from: '1',
      to: '2',
      minTraceDuration: '1ms',
    })
  })
})

describe('quote', () => {
  it.each([
    ['plain-1.2/x', 'plain-1.2/x'],
    ['a b', '"a b"'],
    ['say "hi"', String.raw`"say \"hi\""`],
    ['', '""'],
  ])('%s', (value, quoted) => expect(quote(value)).toBe(quoted))
})
