import { describe, expect, it } from 'vitest'
import { completionAt, rank, serviceOf } from './completion.ts'

/** The context where `|` stands in the text. */
const at = (text: string) => completionAt(text.replace('|', ''), text.indexOf('|'))

describe('completionAt', () => {
  it('sees a key, also when negated or in brackets', () => {
    expect(at('ser|')).toEqual({ kind: 'key', key: '', prefix: 'ser', start: 0, end: 3 })
    expect(at('status:error (-na|me:x)')).toMatchObject({ kind: 'key', prefix: 'na', start: 15 })
    expect(at('a:b |')).toMatchObject({ kind: 'key', prefix: '', start: 4, end: 4 })
  })

  it('sees a value after each operator', () => {
    for (const operator of [':', '=', '!=', '>', '>=', '<', '<=', '~']) {
      expect(at(`duration${operator}20|`)).toMatchObject({ kind: 'value', key: 'duration', prefix: '20' })
    }
  })

  it('replaces a whole value, quotes and all', () => {
    expect(at('name:"POST /e|ns" x:y')).toEqual({ kind: 'value', key: 'name', prefix: 'POST /e', start: 5, end: 16 })
    expect(at('service:ens|emble')).toMatchObject({ start: 8, end: 16 })
  })

  it('completes the last of several values', () => {
    expect(at('service:a,b,c|')).toMatchObject({ prefix: 'c', start: 12 })
  })

  it('completes a key after has', () => {
    expect(at('has:http|')).toMatchObject({ kind: 'key', prefix: 'http', start: 4 })
  })
})

describe('rank', () => {
  it('puts what begins with the prefix first', () => {
    expect(rank(['preprocessing', 'sampler', 'post-process'], 'p', 9)).toEqual([
      'preprocessing',
      'post-process',
      'sampler',
    ])
    expect(rank(['abc', 'xab'], 'AB', 1)).toEqual(['abc'])
  })
})

describe('serviceOf', () => {
  it('finds the service, quoted or not, and no wildcard', () => {
    expect(serviceOf('status:error service:ensemble')).toBe('ensemble')
    expect(serviceOf('(service="a b" OR x)')).toBe('a b')
    expect(serviceOf('service:ens*')).toBeUndefined()
    expect(serviceOf('my.service:x')).toBeUndefined()
  })
})
