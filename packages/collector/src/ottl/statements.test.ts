import { describe, expect, it, test } from 'vitest'
import { CONTEXTS } from './contexts.ts'
import { compileConditions, compileStatements } from './statements.ts'

function problemOf(statement: string, context?: 'span'): string {
  const { problems } = compileStatements({ statements: [statement], context }, CONTEXTS.traces)
  return problems?.[0]?.message ?? 'none'
}

describe('a statement that cannot be used is told with its place', () => {
  test.each([
    ['set(span.name, "a") where', '1:26: expected a value; it ends here'],
    ['set(span.name, "a" where true', '1:20, at where true: expected "," or ")"; there is "where"'],
    [
      'set(span.name,\n  "a\\d")',
      '2:5, at \\d"): "\\d" is no escape; write a backslash of a regular expression twice: "\\\\d"',
    ],
    ['set(span.name, "a', '1:16, at "a: a string begins here and has no end; write a quotation mark behind it'],
    ["set(span.name, 'a')", '1:16, at \'a\'): a string has double quotation marks, like "GET"'],
    ['set(span.naem, "a")', '1:10, at naem, "a"): unknown path "naem" of span; did you mean "name"?'],
    [
      'set(span.status.cod, 1)',
      '1:17, at cod, 1): unknown path "cod" of status; did you mean "code"?; known: code, message',
    ],
    ['set(span.name["a"], "b")', '1:15, at "a"], "b"): "name" cannot be indexed'],
    ['set(log.body, "b")', 'what it is about cannot be told'],
    ['set(span.name, log.body)', 'what it is about cannot be told'],
    [
      'set(name, span.name)',
      '1:5, at name, span.name): "name" does not say whose it is; write one of span.name, scope.name, resource.name',
    ],
    ['sett(span.name, "b")', '1:1, at sett(span.name, "b"): unknown function "sett"; did you mean "set"?'],
    [
      'set(span.name, Concatt(["b"], ""))',
      '1:16, at Concatt(["b"], "")): unknown function "Concatt"; did you mean "Concat"?',
    ],
    ['set(span.name, XXH3(1))', '1:21, at 1)): expected string, got int'],
    ['set(span.name, XXH128())', '1:16, at XXH128()): XXH128 wants target; "target" is missing'],
    ['set(span.name, Murmur3Hash([]))', '1:28, at [])): expected string, got list'],
    ['set(span.name, Murmur3Hash128("a", "b"))', '1:36, at "b")): Murmur3Hash128 takes at most 1 arguments: target'],
    ['set(span.name, CommunityID("::1", 1, "::2"))', '"destination_port" is missing'],
    ['set(span.name, CommunityID("::1", "1", "::2", 2))', '1:35, at "1", "::2", 2)): expected int, got string'],
    ['set(span.name, ProfileID("ab"))', '1:16, at ProfileID("ab")): a profile id has 16 bytes'],
    [
      'set(span.name, HasAttrKeyOnDatapoint("a"))',
      '1:16, at HasAttrKeyOnDatapoint("a…: "HasAttrKeyOnDatapoint" is for the context metric, not for span',
    ],
    [
      'set_semconv_span_name("1.36.0") where span.name != ""',
      '1:1, at set_semconv_span_name("1…: the version "1.36.0" is not supported: it is from 1.37.0 to 1.43.0',
    ],
    [
      'set_semconv_span_name("1.40.0", "") where span.name != ""',
      '1:1, at set_semconv_span_name("1…: the attribute for the name that it had needs a name',
    ],
    ['set(span.name, UserAgent("b"))', '1:16, at UserAgent("b")): the function "UserAgent" is not supported'],
    ['set(span.name)', '1:1, at set(span.name): set wants target, value; "value" is missing'],
    ['set(span.name, "a", "b")', '1:21, at "b"): set takes at most 2 arguments: target, value'],
    ['flatten(span.attributes, dept=1)', '1:26, at dept=1): flatten has no parameter "dept"; did you mean "depth"?'],
    [
      'set(span.kind, SPAN_KIND_SERVERR)',
      '1:16, at SPAN_KIND_SERVERR): unknown name SPAN_KIND_SERVERR in the context span; did you mean SPAN_KIND_SERVER?',
    ],
    ['set("a", "b")', 'what it is about cannot be told'],
    [
      'delete_matching_keys(span.attributes, "(")',
      '1:39, at "("): "(": not a regular expression of RE2: missing closing )',
    ],
    ['limit(span.attributes, -1, [])', '1:1, at limit(span.attributes, -…: a limit of -1 is below 0'],
    ['set(span.name, Int("x"))', '1:20, at "x")): "x" is no int'],
    [
      'set(spanevent.name, span.cache["a"])',
      '1:21, at span.cache["a"]): each context has its own cache; write spanevent.cache',
    ],
    [
      'set(span.name, set(span.name, "x"))',
      '1:16, at set(span.name, "x")): "set" changes something and gives no value',
    ],
    ['Set(span.name, "x")', '1:1, at Set(span.name, "x"): "Set" gives a value and changes nothing'],
    ['set(span.name, "x")["a"]', '1:21, at "a"]: set(…) gives nothing that can be indexed'],
    ['set(span.attributes["a"], (x) => x)', '1:27, at (x) => x): a lambda expression is no value'],
    [
      'set(span.name, Any(span.attributes, (v) => true))',
      '1:37, at (v) => true)): expected a lambda expression, like (key, value) => …; this one has 1 parameters',
    ],
    [
      'set(span.name, Any(span.attributes, span.name))',
      '1:37, at span.name)): expected a lambda expression, like (key, value) => …',
    ],
    [
      'set(span.name, When((a) => true, 1, 2))',
      'expected a lambda expression, like () => …; this one has 1 parameters',
    ],
    ['set(span.name, Any(span.attributes, (v, v) => true))', '1:41, at v) => true)): two parameters are called "v"'],
    [
      'set(span.name, Any(span.attributes, (_, V) => V))',
      '1:41, at V) => V)): expected the name of a parameter, in lower case, or _; there is "V"',
    ],
    [
      'set(span.name, Any(span.attributes, (_, v) => (_, w) => v))',
      '1:47, at (_, w) => v)): a lambda expression gives a value, and no other lambda expression',
    ],
    ['set(span.name, Any(span.attributes, (_, v) => _))', '1:47, at _)): expected a value; there is "_"'],
    [
      'set(span.name, Any(span.attributes, (_, v) => v.name == "a"))',
      '1:49, at name == "a")): "v" is a parameter, not a path; write v["name"]',
    ],
    ['set(span.name, Any(span.attributes, (_, v) => w == 1))', '1:47, at w == 1)): "w" does not say whose it is'],
    ['set(span.name, Any(span.attributes, (_, v) => v ==))', '1:51, at )): expected a value; there is ")"'],
    ['set(span.attributes[(v) => v], 1)', '1:25, at => v], 1): expected "]"; there is "=>"'],
    [`set(span.name, ${'Any(span.attributes, (_, v) => '.repeat(11)}`, 'more than 10 lambda expressions in each other'],
    [
      'set(spanevent.name, "x") where IsRootSpan()',
      '1:32, at IsRootSpan(): "IsRootSpan" is for the context span, not for spanevent',
    ],
    ['set(span.attributes["a"], 0x1)', '1:27, at 0x1): 0x1 has an odd number of digits'],
    [
      'set(span.attributes["a"], 9223372036854775808)',
      '1:27, at 9223372036854775808): 9223372036854775808 is more than an int can be',
    ],
    [`set(span.name, ${'('.repeat(200)}`, 'more than 100 levels in each other'],
    [`set(span.name, "x") where ${'('.repeat(200)}`, 'more than 100 levels in each other'],
  ])('%s', (statement, message) => {
    expect(problemOf(statement)).toContain(message)
  })

  it('tells of all statements', () => {
    const { problems } = compileStatements(
      { statements: ['set(span.a, 1)', 'set(span.name, "a")', 'set(span.b, 1)'], conditions: ['span.c == 1'] },
      CONTEXTS.traces,
    )
    expect(problems?.map(({ part, index }) => [part, index])).toEqual([
      ['statements', 0],
      ['statements', 2],
      ['conditions', 0],
    ])
  })

  it('needs no word in front where the context is written', () => {
    expect(problemOf('set(name, resource.attributes["a"]) where kind == SPAN_KIND_SERVER', 'span')).toBe('none')
  })
})

describe('the context of statements that do not say it', () => {
  test.each([
    [['set(span.name, "a")'], 'span'],
    [['set(resource.attributes["a"], "b")'], 'resource'],
    [['set(resource.attributes["a"], "b")', 'set(span.name, "a")'], 'span'],
    [['set(span.name, "a") where spanevent.name == "b"'], 'spanevent'],
    [['set(instrumentation_scope.name, "a")'], 'scope'],
    [['set(resource.attributes["a"], "b") where IsRootSpan()'], 'span'],
    [['set(resource.attributes["a"], SPAN_KIND_SERVER)'], 'spanevent'],
    [['set(resource.attributes["a"], Any(resource.attributes, (_, span) => span["name"] == "b"))'], 'resource'],
    [['set(resource.attributes["a"], Any(resource.attributes, (_, v) => v == span.name))'], 'span'],
  ])('%j: %s', (statements, context) => {
    const compiled = compileStatements({ statements }, CONTEXTS.traces)
    expect(compiled.problems ?? compiled.value.context).toBe(context)
  })

  it('is that of the innermost path, of statements and of conditions', () => {
    const source = { statements: ['set(resource.attributes["a"], "b")'], conditions: ['span.name == "a"'] }
    const compiled = compileStatements(source, CONTEXTS.traces)
    expect(compiled.problems ?? compiled.value.context).toBe('span')
  })

  it('is told apart for each condition of a filter', () => {
    const conditions = ['span.name == "a"', 'resource.attributes["a"] == "b"', 'span.name == "c"']
    const compiled = compileConditions({ conditions }, CONTEXTS.traces)
    expect(compiled.problems ?? compiled.value.map(({ context }) => context)).toEqual(['span', 'resource'])
  })
})
