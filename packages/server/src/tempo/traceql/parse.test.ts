import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTarget, parseTraceql } from './parse.ts'

describe('what is read', () => {
  it.each([
    '{}',
    '{ }',
    '{ true }',
    '{ .tier }',
    '{ !.cached }',
    '{ span.http.route = "/cart" }',
    '{ span."weird key {}" = `raw \\ text` }',
    '{ resource."a.b".c = 1 }',
    '{ .n = -1.5e3 || .n >= 9007199254740993 }',
    '{ duration > 1m30s && traceDuration <= 2d }',
    '{ span:duration > 10ms && trace:duration < 1h }',
    '{ name =~ "GET /.*" && name !~ "health|ready" }',
    '{ status = error && kind != server && statusMessage = "" }',
    '{ span:status = unset || span:kind = producer }',
    '{ trace:id = "abc" && span:id != "1" && span:parentID = nil }',
    '{ event:name = "exception" && event.exception.type != nil }',
    '{ event:timeSinceStart > 5ms || link:traceID = "1" || link:spanID != "2" || link.a = 1 }',
    '{ instrumentation:name = "express" && instrumentation:version =~ "1.*" && instrumentation.lang = "js" }',
    '{ rootName = "checkout" && trace:rootService = "shop" && rootServiceName != "x" }',
    '{ nestedSetParent < 0 }',
    '{ nestedSetLeft > 3 && nestedSetRight < 9 && span:childCount = 2 }',
    '{ parent.service != nil && parent.span.a = 1 && parent.resource.b = "c" }',
    '{ nil != .a && nil = .b && parent = nil }',
    '{ .a + 1 = 2 && .b * 2 ^ 2 ^ 1 > -.c }',
    '{ 1 + 1 = 2 && 3 < .a && "x" = .b }',
    '{ .a = "1" } && { .b = 2 } || { .c = true }',
    '{ } > { } >> { } ~ { }',
    '{ } < { } << { }',
    '{ } !> { } !>> { } !< { } !<< { } !~ { }',
    '{ } &> { } &>> { } &< { } &<< { } &~ { }',
    '({ .a = 1 } || { .b = 1 }) > { .c = 1 }',
    '{ } | count() > 2',
    '{ } | avg(duration) > 1s | max(.size) <= 10 | min(span.a) != 0 | sum(resource.b) = 3',
    '{ } | max(duration) - min(duration) > 1s',
    '{ } | 2 < count()',
    'count() > 1 | { .a = 1 }',
    '{ } | by(resource.service.name) | count() > 2 | coalesce()',
    '{ } | by(1 + .a)',
    '{ } | select(.a, span.b, status, nestedSetLeft)',
    '({ } | count() > 1 | { .a = 1 }) && ({ .b = 1 } | count() > 2)',
    '{ } | rate()',
    '{ } | rate() by (resource.service.name, name)',
    '{ } | count_over_time() by(kind) | topk(3)',
    '{ } | quantile_over_time(duration, .5, 0.99, 1) by (.a)',
    '{ } | histogram_over_time(duration)',
    '{ } | compare({ status = error })',
    '{ } | compare({ duration >= 1.2s && duration <= 3s }, 10, 1790000000000000000, 1790000001000000000)',
    '{ } | min_over_time(duration) | bottomk(2) > 1s',
    '({ .a = 1 } | rate()) / ({ } | rate()) * 100 > 5 | topk(3)',
    '100 - 2 * 3 / (({ } | rate() > 6) + ({ } | count_over_time() by (.a)))',
    '({ } | max_over_time(duration)) > 10s',
    '{ } | avg_over_time(duration) >= -2',
    '{nestedSetParent<0 && true} | rate()  with(sample=true)',
    '{ } with (most_recent=true, exemplars=100)',
    '{\n  .a = 1\n}\n| count() > 1',
  ])('%s', (text) => {
    expect(() => parseTraceql(text)).not.toThrow()
  })

  it.each([
    ['span.a.b', { scope: 'span', parent: false, name: 'a.b' }],
    ['."a b"', { scope: 'none', parent: false, name: 'a b' }],
    ['parent.resource.a', { scope: 'resource', parent: true, name: 'a' }],
    ['span:kind', { op: 'intrinsic', name: 'kind' }],
    ['rootServiceName', { op: 'intrinsic', name: 'rootServiceName' }],
  ])('%s alone', (text, target) => {
    expect(parseTarget(text)).toMatchObject(target)
  })

  it('lets && and || bind alike, from the left, and signs of numbers as usual', () => {
    const expressionOf = (text: string): string => {
      const [stage] = parseTraceql(`{ ${text} }`).stages
      return JSON.stringify(stage, (key, value: unknown) => (key === 'at' ? undefined : value))
    }
    for (const [short, long] of [
      ['.a || .b && .c', '(.a || .b) && .c'],
      ['.a = 1 + 2 * 3', '.a = (1 + (2 * 3))'],
      ['.a = 2 ^ 3 ^ 4', '.a = (2 ^ (3 ^ 4))'],
      ['-.a ^ 2 = 1', '(-(.a ^ 2)) = 1'],
      ['!.a = false', '(!.a) = false'],
      ['.a - .b - .c = 0', '((.a - .b) - .c) = 0'],
    ] as const)
      expect(expressionOf(short)).toBe(expressionOf(long))
  })

  it('reads escapes as Go has them', () => {
    const [stage] = parseTraceql(String.raw`{ .a = "\t\"\x41\u00e9\U0001F600\101\\" }`).stages
    expect(JSON.stringify(stage)).toContain(JSON.stringify('\t"Aé😀A\\'))
  })
})

describe('what is refused, and where', () => {
  it.each([
    ['', 'line 1, col 1: the query ends where a set of spans in braces'],
    ['true', 'line 1, col 1: "true" stands where a set of spans'],
    ['{ . }', 'line 1, col 4: the name of an attribute is missing after "."'],
    ['{ span. = 1 }', 'line 1, col 8: the name of an attribute is missing after "span."'],
    ['{ tier = 4 }', 'line 1, col 3: "tier" is no field; an attribute is written .tier, span.tier'],
    ['{ .a == 4 }', 'line 1, col 7: "=" stands where an attribute'],
    ['{ .a = 1', 'line 1, col 1: this "{" is not closed'],
    ['{ (.a = 1 }', 'line 1, col 11: "}" stands where ")" should be'],
    ['{ .a = "x }', 'line 1, col 8: the text in quotes is not closed'],
    ['{ .a = 1 }\n| nothing() > 1', 'line 2, col 3: "nothing" stands where a set of spans'],
    ['{ .a = 10sx }', 'line 1, col 8: "10sx" is neither a number nor a duration'],
    [String.raw`{ .a = "\q" }`, String.raw`line 1, col 9: "\q" is no escape`],
    ['{ .a = ? }', 'line 1, col 8: "?" has no meaning here'],
    ['{ 1 + 1 }', 'line 1, col 5: a filter is of true or false, and this is a number'],
    ['{ "a" }', 'line 1, col 3: a filter is of true or false, and this is text'],
    ['{ status }', 'line 1, col 3: a filter is of true or false, and this is a status'],
    ['{ parent }', 'a filter is of true or false, and this is a span'],
    ['{ status > ok }', 'line 1, col 3: ">" does not take a status'],
    ['{ duration = "1s" }', 'line 1, col 12: "=" has a number on its left and text on its right'],
    ['{ kind = error }', '"=" has a kind on its left and a status on its right'],
    ['{ .a && 1 }', 'line 1, col 9: "&&" does not take a number'],
    ['{ -true = .a }', '"-" is of a number, and this is true or false'],
    ['{ !1 }', '"!" is of true or false, and this is a number'],
    ['{ .a =~ "(" }', 'line 1, col 9: not a regular expression: missing closing )'],
    ['{ .a =~ .b }', 'line 1, col 9: a regular expression stands here in quotes'],
    ['{ span:colour = 1 }', 'line 1, col 3: there is no "span:colour"; there is span:id'],
    ['{ cloud:region = 1 }', 'there is no "cloud:region"; there is trace:, span:, event:'],
    ['3 = 2', 'line 1, col 3: numbers alone say nothing of spans'],
    ['{ } | compare({ .a = 1 }) | topk(2)', 'line 1, col 27: nothing comes after compare()'],
    ['{ } + { }', 'line 1, col 5: "+" does not stand between these'],
    ['{ } <= { }', 'line 1, col 5: "<=" does not stand between these'],
    ['{ } && count() > 2', '"&&" does not stand between these'],
    ['count() > 3 && { }', 'line 1, col 13: "&&" does not stand between these'],
    ['{ } | count()', 'line 1, col 14: the query ends where a comparison'],
    ['{ } | max() > 1', 'line 1, col 11: ")" stands where an attribute'],
    ['{ } | max(name) > 1', 'max() is of a number, and this is text'],
    ['{ } | sum(3) > 1', 'line 1, col 11: sum() is of a value of the span'],
    ['{ } | by()', 'line 1, col 10: ")" stands where an attribute'],
    ['{ } | by(1)', 'line 1, col 10: by() is of a value of the span'],
    ['coalesce()', 'coalesce() comes after what by() has made'],
    ['select()', '")" stands where an attribute'],
    ['rate()', 'numbers over time come after a set and a bar'],
    ['{ } | rate() by ()', 'line 1, col 18: ")" stands where an attribute'],
    ['{ } | rate() by (.a, .b, .c, .d)', 'line 1, col 30: 4 keys'],
    ['{ } | quantile_over_time(duration)', 'line 1, col 34: ")" stands where ", 0.9"'],
    ['{ } | quantile_over_time(duration, 2)', 'line 1, col 36: 2 is no quantile'],
    ['{ } | compare(status = error)', 'line 1, col 15: "status" stands where a filter in braces'],
    ['{ } | compare({ status = error }, 10, 1)', 'the end of the selection'],
    ['{ } | compare({ }, 1.5)', '"1.5" stands where a whole number'],
    ['({ } | rate()) && ({ } | rate())', 'line 1, col 16: "&&" does not stand between these'],
    ['({ } | rate()) * 10s', 'line 1, col 16: "*" does not stand between these'],
    ['({ } | rate()) > (10s * 2)', 'line 1, col 16: ">" does not stand between these'],
    ['({ } | rate()) ^ 2', 'line 1, col 16: "^" does not stand between these'],
    ['({ } | rate()) > ({ } | rate())', 'line 1, col 16: ">" does not stand between these'],
    ['({ } | rate()) | { }', 'line 1, col 18: "{" stands where topk(10)'],
    ['({ } | compare({ })) * 2', 'line 1, col 8: compare() does not stand in parentheses'],
    ['({ } | count()) + ({ } | count())', 'a comparison, as in count() > 2'],
    ['({ } | count()) && { }', 'line 1, col 17: "&&" does not stand between these'],
    ['({ } | 3) > count()', 'a comparison, as in count() > 2'],
    ['{ } | rate() | { }', 'line 1, col 16: "{" stands where topk(10) or bottomk(10)'],
    ['{ } { }', 'line 1, col 5: "{" stands where "|"'],
    ['{ .a = 9223372036854775808 }', 'is more than 64 bits hold'],
  ])('%s', (text, message) => {
    expect(() => parseTraceql(text)).toThrow(
      new RegExp(`^parse error at .*${message.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}`),
    )
  })

  it('what is nested too deep, or too long', () => {
    for (const text of [
      `{ ${'('.repeat(3000)}.a${')'.repeat(3000)} }`,
      `{ ${'!'.repeat(8000)}.a }`,
      `{ .a = 1${' ^ 1'.repeat(2000)} }`,
      `${'('.repeat(3000)}{ }${')'.repeat(3000)}`,
    ])
      expect(() => parseTraceql(text)).toThrow('nested deeper than 64 levels')
    expect(() => parseTraceql(`{ ${'.a || '.repeat(2000)}.a }`)).toThrow('at most 8192 are read')
    expect(() => parseTraceql(`{ ${'.a||'.repeat(2000)}.a }`)).not.toThrow()
  })
})

it('reads or refuses whatever comes, with a place in the text', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '(',
    ')',
    '|',
    '||',
    '&&',
    '>',
    '>>',
    '!~',
    '=',
    '=~',
    '-',
    '!',
    ',',
    '"',
    '`',
    '\\',
    '\n',
    ' ',
    '.a',
    'span.',
    'span:name',
    'duration',
    'count()',
    'rate()',
    'by',
    'nil',
    '1',
    '1s',
    '"x"',
    'select(',
    '∂',
    '😀',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces, { maxLength: 30 }).map((all) => all.join('')),
        fc.string(),
      ),
      (text) => {
        try {
          parseTraceql(text)
        } catch (error) {
          const { name, position } = error as { name: string; position: number }
          expect(name).toBe('QueryError')
          expect(position).toBeGreaterThanOrEqual(0)
          expect(position).toBeLessThanOrEqual(text.length)
        }
      },
    ),
    { numRuns: 1000 },
  )
})
