import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatQuery, parseFilter, parseQuery, QueryError } from './index.ts'

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
    expect(parseQuery(text)).toEqual(filter && { op: 'spans', filter })
  })

  it('excludes several values only where there is a value', () => {
    expect(parseQuery('a!=b,c')).toMatchObject({
      filter: {
        op: 'and',
        args: [
          { op: 'exists', target: attribute('a') },
          { op: 'not', arg: { op: 'in', target: attribute('a'), values: ['b', 'c'] } },
        ],
      },
    })
  })

  it('looks for a bare word as it is', () => {
    expect(parseQuery('Post/1')).toEqual({ op: 'spans', filter: { op: 'word', value: 'Post/1' } })
    expect(parseQuery('"OR (x"')).toEqual({ op: 'spans', filter: { op: 'word', value: 'OR (x' } })
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
    expect(parseQuery(text)).toEqual({ op: 'spans', filter })
    expect(parseQuery(`{${text}}`)).toEqual({ op: 'spans', filter })
  })
})

describe('sets', () => {
  const all = { op: 'spans' }
  const [a, b, c] = ['a', 'b', 'c'].map((key) => ({
    op: 'spans',
    filter: { op: 'eq', target: attribute(key), value: '1' },
  }))
  const related = (relation: string, left: unknown, right: unknown, not?: boolean) => ({
    op: 'related',
    relation,
    ...(not && { not }),
    left,
    right,
  })
  const having = (arg: unknown, aggregate: string, compare: string, value: number, of?: unknown) => ({
    op: 'having',
    arg,
    aggregate,
    ...(of !== undefined && { of }),
    compare,
    value,
  })
  const duration = { field: 'duration' }
  const trace = (field: string, compare: string, value: unknown, among?: unknown) => ({
    op: 'trace',
    field,
    compare,
    value,
    ...(among !== undefined && { among }),
  })
  it.each<[string, unknown]>([
    ['{}', all],
    ['{ }', all],
    ['{a:1} && {b:1}', { op: 'and', args: [a, b] }],
    ['{a:1}||{b:1}&&{c:1}', { op: 'or', args: [a, { op: 'and', args: [b, c] }] }],
    ['({a:1} || {b:1}) && {c:1}', { op: 'and', args: [{ op: 'or', args: [a, b] }, c] }],
    ['{a:1} > {b:1}', related('child', a, b)],
    ['{a:1}>>{b:1}', related('descendant', a, b)],
    ['{a:1} < {b:1} << {c:1}', related('ancestor', related('parent', a, b), c)],
    ['{a:1} ~ ({b:1} !> {c:1})', related('sibling', a, related('child', b, c, true))],
    ['{a:1} !~ {b:1}', related('sibling', a, b, true)],
    ['{a:1} && {b:1} > {c:1}', { op: 'and', args: [a, related('child', b, c)] }],
    ['not {a:1}', { op: 'without', arg: a }],
    ['{a:1} && not {b:1}', { op: 'without', arg: b, among: a }],
    ['not {a:1} && not {b:1}', { op: 'without', arg: b, among: { op: 'without', arg: a } }],
    ['not ({a:1} > {b:1})', { op: 'without', arg: related('child', a, b) }],
    ['{a:1} | count() > 3', having(a, 'count', 'gt', 3)],
    ['{a:1} || {b:1} | count()>=2', having({ op: 'or', args: [a, b] }, 'count', 'gte', 2)],
    ['{a:1} | avg(duration) > 1.5s', having(a, 'avg', 'gt', 1.5e9, duration)],
    [
      '{a:1}|max(span.size)!=7|min(duration)<1ms',
      having(having(a, 'max', 'ne', 7, attribute('size', 'span')), 'min', 'lt', 1e6, duration),
    ],
    ['({a:1} | count() = 1) > {b:1}', related('child', having(a, 'count', 'eq', 1), b)],
    ['trace.duration>5s', trace('duration', 'gt', 5e9)],
    ['a:1 trace.spans>=100', trace('spans', 'gte', 100, a)],
    ['root.service:shop trace.errors:0 a:1', trace('errors', 'eq', 0, trace('rootService', 'eq', 'shop', a))],
    ['{a:1} && trace.tail<1ms', trace('tail', 'lt', 1e6, a)],
    ['{a:1} || trace.request!=1ms', { op: 'or', args: [a, trace('requestDuration', 'ne', 1e6)] }],
    ['{a:1} && root.name:"GET /"', trace('rootName', 'eq', 'GET /', a)],
    ['"trace.spans":1', { op: 'spans', filter: { op: 'eq', target: attribute('trace.spans'), value: '1' } }],
    ['{a:"}"}', { op: 'spans', filter: { op: 'eq', target: attribute('a'), value: '}' } }],
    [String.raw`{a:"\"}"}`, { op: 'spans', filter: { op: 'eq', target: attribute('a'), value: '"}' } }],
    ['{a~x{2}}', { op: 'spans', filter: { op: 'regex', target: attribute('a'), value: 'x{2}' } }],
    ['a:{b}', { op: 'spans', filter: { op: 'eq', target: attribute('a'), value: '{b}' } }],
    ['a:" {b} "', { op: 'spans', filter: { op: 'eq', target: attribute('a'), value: ' {b} ' } }],
  ])('%s', (text, set) => {
    expect(parseQuery(text)).toEqual(set)
  })

  it.each<[string, number, RegExp]>([
    ['{a:1', 0, /brace is not closed/],
    ['{a:1} && {b:', 9, /brace is not closed/],
    ['{a:1}}', 5, /"}" stands where/],
    ['{a:1} b:1', 6, /"b" stands where &&/],
    ['{a:1} > ', 8, /missing at the end/],
    ['{a:1} > b:1', 8, /in braces/],
    ['({a:1}', 0, /parenthesis is not closed/],
    ['{a:1})', 5, /has no "\("/],
    ['{a:1} && {duration>7}', 19, /"7" is no duration/],
    ['{a:1} | total() > 1', 8, /one of count, min/],
    ['{a:1} | count(x) > 1', 14, /takes no key/],
    ['{a:1} | sum() > 1', 12, /needs a key/],
    ['{a:1} | sum(name) > 1', 12, /"name" is not a number/],
    ['{a:1} | count() ~ 1', 16, /one of != >=/],
    ['{a:1} | count() > x', 18, /"x" is no number/],
    ['{a:1} | max(duration) > 5', 24, /"5" is no duration/],
    ['a:1 OR trace.spans>1', 7, /whole trace/],
    ['-trace.spans>1', 1, /whole trace/],
    ['(trace.spans>1)', 1, /whole trace/],
    ['trace.spans~1', 0, /no patterns/],
    ['trace.spans:1,2', 14, /takes one value/],
    [`${'('.repeat(40)}{}`, 33, /nested deeper/],
    [`${'not '.repeat(40)}{}`, 132, /nested deeper/],
  ])('%s', (text, position, message) => {
    expect(() => parseQuery(text)).toThrow(
      expect.objectContaining({ position, message: expect.stringMatching(message) as string }),
    )
  })
})

it('reads conditions on single spans where only these are taken', () => {
  expect(parseFilter('')).toBeUndefined()
  expect(parseFilter('{a:1}')).toMatchObject({ op: 'eq' })
  expect(() => parseFilter('{a:1} > {b:1}')).toThrow(QueryError)
  expect(() => parseFilter('a:1 trace.spans>1')).toThrow(QueryError)
})

describe('round trips', () => {
  const word = fc.constantFrom('a', 'b.c', 'OR', 'x y', 'a"b', String.raw`c\d`, 'has', '-x', 'a:b', '{x}', 'ключ', 'x*')
  const quoted = word.map((text) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
  const key = fc.oneof(
    fc.constantFrom('service', 'name', 'a', 'span.b', 'resource.host.name', 'event.x', 'scope'),
    quoted,
  )
  const value = fc.oneof(fc.constantFrom('x', '1', '2.5', 'a*', '*', 'a,b', '"a b",c'), quoted)
  const term = fc.oneof(
    fc.tuple(key, fc.constantFrom(':', '=', '!='), value).map((parts) => parts.join('')),
    fc.tuple(key, fc.constantFrom('~', '!~'), fc.constantFrom('x+', '"a (b|c)"')).map((parts) => parts.join('')),
    fc.constantFrom('duration>5ms', 'duration<=1.5s', 'n>=-2.5', 'kind:server', 'status!=ok,error', 'has:a,b'),
    word.filter((text) => /^[\w.]+$/.test(text) && text !== 'OR'),
    quoted,
  )
  const conditions = fc.letrec<{ all: string }>((tie) => ({
    all: fc.oneof(
      { maxDepth: 3 },
      term,
      term.map((each) => `-${each}`),
      fc.tuple(tie('all'), tie('all')).map(([left, right]) => `${left} ${right}`),
      fc.tuple(tie('all'), tie('all')).map(([left, right]) => `(${left}) OR ${right}`),
      tie('all').map((inner) => `NOT (${inner})`),
    ),
  })).all
  const ofTrace = fc.constantFrom('trace.duration>5s', 'trace.errors:0', 'root.name:"GET /x"', 'root.service!=a')
  const sets = fc.letrec<{ set: string }>((tie) => ({
    set: fc.oneof(
      { maxDepth: 4 },
      conditions.map((text) => `{${text}}`),
      fc.tuple(conditions, ofTrace).map(([text, own]) => `{${text.includes(' OR ') ? `(${text})` : text} ${own}}`),
      fc.constant('{}'),
      ofTrace.map((text) => `{${text}}`),
      fc.tuple(tie('set'), fc.constantFrom('&&', '||'), ofTrace).map((parts) => parts.join(' ')),
      fc
        .tuple(
          tie('set'),
          fc.constantFrom('&&', '||', '>', '<', '>>', '<<', '~', '!>', '!<', '!>>', '!<<', '!~'),
          tie('set'),
        )
        .map((parts) => parts.join(' ')),
      tie('set').map((inner) => `not (${inner})`),
      tie('set').map((inner) => `(${inner})`),
      fc
        .tuple(tie('set'), fc.constantFrom('count() > 3', 'avg(duration) <= 2ms', 'max(span.n) = 7', 'sum(n) != 0.5'))
        .map(([inner, own]) => `(${inner} | ${own})`),
    ),
  })).set

  it('any text means the same when it is written anew', () => {
    fc.assert(
      fc.property(fc.oneof(conditions, sets), (text) => {
        const set = parseQuery(text)!
        const again = formatQuery(set)
        expect(again).toBeDefined()
        expect(parseQuery(again!)).toEqual(set)
      }),
      { numRuns: 600 },
    )
  })

  it('says that it has no words for what it cannot say', () => {
    const target = { field: 'statusMessage' } as const
    expect(formatQuery({ op: 'spans', filter: { op: 'eq', target, value: 'x' } })).toBeUndefined()
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
      '{',
      '}',
      '|',
      '&&',
      'not',
      'count()',
      'trace.spans',
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
      { numRuns: 600 },
    )
  })
})
