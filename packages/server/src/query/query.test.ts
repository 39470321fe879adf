import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery, QueryError } from './index.ts'

const attribute = (key: string, level?: string) => (level ? { attribute: key, level } : { attribute: key })
const eq = (field: string, value: unknown) => ({ op: 'eq', target: { field }, value })

describe('terms', () => {
  it.each<[string, unknown]>([
    ['', undefined],
    ['   ', undefined],
    ['service:cart', eq('service', 'cart')],
    ['service.name=cart', eq('service', 'cart')],
    ['name:"GET /cart"', eq('name', 'GET /cart')],
    ['kind:Server', eq('kind', 'server')],
    ['status:error', eq('status', 'error')],
    ['scope:express', eq('scopeName', 'express')],
    ['duration>200ms', { op: 'gt', target: { field: 'duration' }, value: 200e6 }],
    ['duration<=1m30s', { op: 'lte', target: { field: 'duration' }, value: 90e9 }],
    ['http.status_code:200', { op: 'eq', target: attribute('http.status_code'), value: '200' }],
    ['http.status_code>=500', { op: 'gte', target: attribute('http.status_code'), value: 500 }],
    ['delta<-1.5', { op: 'lt', target: attribute('delta'), value: -1.5 }],
    ['resource.host.name:a', { op: 'eq', target: attribute('host.name', 'resource'), value: 'a' }],
    ['span.http.route:/x', { op: 'eq', target: attribute('http.route', 'span'), value: '/x' }],
    ['event.exception.type:E', { op: 'eq', target: attribute('exception.type', 'event'), value: 'E' }],
    ['"event.name":x', { op: 'eq', target: attribute('event.name'), value: 'x' }],
    ['resource.:x', { op: 'eq', target: attribute('resource.'), value: 'x' }],
    ['url:http://h:80/a(b)?c=d', { op: 'eq', target: attribute('url'), value: 'http://h:80/a(b)?c=d' }],
    ['a!=b', { op: 'ne', target: attribute('a'), value: 'b' }],
    ['a:""', { op: 'eq', target: attribute('a'), value: '' }],
    ['a:b,c,"d e"', { op: 'in', target: attribute('a'), values: ['b', 'c', 'd e'] }],
    [
      'a:b,"c*",d*',
      {
        op: 'or',
        args: [
          { op: 'in', target: attribute('a'), values: ['b', 'c*'] },
          { op: 'regex', target: attribute('a'), value: String.raw`^d[\s\S]*$` },
        ],
      },
    ],
    ['a:*', { op: 'exists', target: attribute('a') }],
    ['name:GET*.js', { op: 'regex', target: { field: 'name' }, value: String.raw`^GET[\s\S]*\.js$` }],
    ['has:db.system', { op: 'exists', target: attribute('db.system') }],
    [
      'has:a,b',
      {
        op: 'or',
        args: [
          { op: 'exists', target: attribute('a') },
          { op: 'exists', target: attribute('b') },
        ],
      },
    ],
    ['name~^GET', { op: 'regex', target: { field: 'name' }, value: '^GET' }],
    [String.raw`name~"a \d+, (b|c)"`, { op: 'regex', target: { field: 'name' }, value: String.raw`a \d+, (b|c)` }],
    ['name~(a|b),c', { op: 'regex', target: { field: 'name' }, value: '(a|b),c' }],
    ['name!~x', { op: 'not', arg: { op: 'regex', target: { field: 'name' }, value: 'x' } }],
  ])('%s', (text, filter) => {
    expect(parseQuery(text)).toEqual(filter)
  })

  it('excludes several values only where there is a value', () => {
    expect(parseQuery('a!=b,c')).toEqual({
      op: 'and',
      args: [
        { op: 'exists', target: attribute('a') },
        { op: 'not', arg: { op: 'in', target: attribute('a'), values: ['b', 'c'] } },
      ],
    })
  })

  it('looks for a bare word in name and service, whatever its case', () => {
    const filter = parseQuery('Post/1') as unknown as { op: string; args: { target: unknown; value: string }[] }
    expect(filter.args.map(({ target }) => target)).toEqual([{ field: 'name' }, { field: 'service' }])
    expect('x POST/1 y').toMatch(new RegExp(filter.args[0]!.value))
    expect('post-1').not.toMatch(new RegExp(filter.args[0]!.value))
  })
})

describe('combinations', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((key) => ({ op: 'eq', target: attribute(key), value: '1' }))
  it.each<[string, unknown]>([
    ['a:1 b:1', { op: 'and', args: [a, b] }],
    ['a:1 AND b:1', { op: 'and', args: [a, b] }],
    ['a:1 OR b:1 c:1', { op: 'or', args: [a, { op: 'and', args: [b, c] }] }],
    ['(a:1 OR b:1) c:1', { op: 'and', args: [{ op: 'or', args: [a, b] }, c] }],
    ['NOT a:1', { op: 'not', arg: a }],
    ['-a:1 b:1', { op: 'and', args: [{ op: 'not', arg: a }, b] }],
    ['-(a:1 b:1)', { op: 'not', arg: { op: 'and', args: [a, b] } }],
    ['((a:1))', a],
  ])('%s', (text, filter) => {
    expect(parseQuery(text)).toEqual(filter)
  })
})

describe('errors', () => {
  it.each<[string, number, RegExp]>([
    ['a:1 OR', 6, /a term is missing at the end/],
    ['OR a:1', 0, /"OR" stands where a term should be/],
    ['(a:1', 0, /not closed/],
    ['a:1)', 3, /has no "\("/],
    ['a:1 )b', 4, /has no "\("/],
    ['name:"x', 5, /quote is not closed/],
    ['a: b', 2, /a value is missing after "a:"/],
    ['a:b,', 4, /a value is missing/],
    [':x', 0, /a key is missing before ":"/],
    ['duration>200', 9, /"200" is no duration/],
    ['duration:1*', 9, /no wildcard/],
    ['duration~1', 9, /not text/],
    ['status:bad', 7, /"bad" is no status: one of unset, ok, error/],
    ['kind:sever', 5, /one of unspecified, internal/],
    ['a>b', 2, /"b" is no number/],
    ['a>1,2', 4, /takes one value/],
    ['name>x', 0, /"name" has no order/],
    ['service:a name~[', 15, /not a regular expression/],
    ['name~a(?=b)', 6, /not a regular expression: "\(\?=" looks ahead, which cannot be matched in linear time/],
    [String.raw`name~"a\\.\"(b)\1"`, 15, /"\\1" refers back/],
    ['name!~x{2000}', 7, /repeat count/],
    ['name~"a (?<!b)"', 8, /looks behind/],
    ['a '.repeat(10) + 'x'.repeat(1001), 20, /at most 1000/],
    ['has>x', 0, /"has" is followed by ":"/],
    ['NOT', 3, /missing at the end/],
    [`${'('.repeat(40)}a`, 33, /nested deeper/],
    ['x'.repeat(9000), 8192, /at most 8192/],
  ])('%s', (text, position, message) => {
    const error = (() => {
      try {
        return parseQuery(text)
      } catch (error) {
        return error
      }
    })()
    expect(error).toBeInstanceOf(QueryError)
    expect((error as QueryError).message).toMatch(message)
    expect((error as QueryError).position).toBe(position)
  })

  it('are the only thing thrown, whatever the text', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      '=',
      '!',
      '~',
      '>',
      '<',
      '(',
      ')',
      '"',
      '\\',
      ',',
      '*',
      '-',
      ' ',
      'OR',
      'NOT',
      'has',
      'duration',
      '1s',
      '[',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            parseQuery(text)
          } catch (error) {
            if (!(error instanceof QueryError)) throw error
            expect(error.position).toBeGreaterThanOrEqual(0)
            expect(error.position).toBeLessThanOrEqual(text.length)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})
