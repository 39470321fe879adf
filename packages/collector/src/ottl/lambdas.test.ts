import { describe, expect, test } from 'vitest'
import { EvaluationError } from './error.ts'
import { attributesAfter, isTrue, valueOf } from './evaluate.test.helper.ts'

const failsWith = (message: string): unknown => expect.objectContaining({ message })

describe('lambda expressions', () => {
  test.each<[string, unknown]>([
    // What a body is: a value or a condition.
    ['When(() => true, 1, 2)', 1n],
    ['When(() => not true, 1, 2)', 2n],
    ['When(() => (attributes["int"] == 42), 1, 2)', 1n],
    ['When(() => (attributes["int"] == 1) or (kind == SPAN_KIND_SERVER), 1, 2)', 1n],
    ['When(() => IsMatch(name, "^GET"), 1, 2)', 1n],
    ['When(() => IsMatch(name, "^GET") and attributes["int"] > 42, 1, 2)', 2n],
    ['When(() => 1 + 1, 1, 2)', failsWith('expected a bool from the lambda expression, got int')],
    // Only what is chosen is computed.
    ['When(() => true, "a", Int(attributes["text"]))', 'a'],
    ['MapEach([1, 2], (i, v) => (v + i) * 2)', [2n, 6n]],
    ['MapEach([1, 2], (_, v) => -v)', [-1n, -2n]],
    ['MapEach([1, 2], (_, _) => nil)', failsWith('at 0: expected a value from the lambda expression, got nil')],
    ['Reduce([1], 1, (_, _, _) => nil)', failsWith('at 0: expected a value from the lambda expression, got nil')],
    [
      'Find([1], (_, _) => true, (_, _) => nil)',
      failsWith('at 0: expected a value from the lambda expression, got nil'),
    ],
    ['MapEach([1, 2], (_, v) => v == 2)', [false, true]],
    ['MapEach([[1, [2, 3]]], (_, v) => v[1][0])', [2n]],
    ['MapEach([{"a": {"b": 4}}], (_, v) => v["a"]["b"])', [4n]],
    ['MapEach([{"a": 1}], (_, v) => v["b"])', failsWith('at 0: there is no key "b" in the map')],
    ['MapEach([1], (_, v) => start_time)', failsWith('at 0: a time cannot be in a map or list')],
    ['MapEach([1, 2], (_, v) => v + attributes["int"])', [43n, 44n]],
    ['MapEach([1, 2], (_, name) => name)', [1n, 2n]],
    ['MapEach({"a": 1}, (k, v) => Concat([k, v], ""))', { a: 'a1' }],
    ['MapEach(attributes["map"], (k, _) => k)', { a: 'a', inner: 'inner' }],
    // Parameters of the one around are seen, unless the inner has one of that name.
    ['MapEach([1, 2], (_, a) => MapEach([10], (_, b) => a + b))', [[11n], [12n]]],
    ['MapEach([1, 2], (_, a) => MapEach([10], (_, a) => a + 1))', [[11n], [11n]]],
    ['MapEach([1, 2], (_, a) => Len(Filter([1, 2], (_, b) => a == b)) + a)', [2n, 3n]],
    ['All([], (_, v) => v)', true],
    ['All([1, 2], (_, v) => v > 0)', true],
    ['All([1, 2], (_, v) => v > 1)', false],
    ['All({"a.b": 1, "a.c": 2}, (k, _) => HasPrefix(k, "a."))', true],
    ['Any([], (_, v) => true)', false],
    ['Any([1, 2], (_, v) => v > 1)', true],
    ['Any([1, "a"], (_, v) => v == 1 or v > "b")', true],
    ['Any([1, 2], (_, v) => v)', failsWith('at 0: expected a bool from the lambda expression, got int')],
    ['Any(attributes, (k, v) => k == "int" and v == 42)', true],
    ['Any("text", (_, v) => true)', failsWith('expected a map or a list, got string')],
    ['Any(attributes["none"], (_, v) => true)', failsWith('expected a map or a list, got nil')],
    ['Filter([1, 2, 3], (i, v) => i > 0 and v != 3)', [2n]],
    ['Filter(attributes, (k, _) => HasSuffix(k, "t"))', { text: 'Hello, World', int: 42n, list: ['c', 'a', 3n] }],
    ['Filter({"a": 1}, (_, v) => v == 2)', {}],
    ['Find([1, 2, 3], (_, v) => v > 1)', 2n],
    ['Find({"a": 1, "b": 2}, (_, v) => v == 2, (k, _) => k)', 'b'],
    ['Find([1], (_, v) => v > 1)', undefined],
    ['MapKeys({"a": 1, "b": 2}, (k, v) => Concat(["http", k, v], "."))', { 'http.a.1': 1n, 'http.b.2': 2n }],
    ['MapKeys({"a": 1, "b": 2}, (_, _) => "x")', { x: 2n }],
    ['MapKeys({"a": 1}, (_, v) => v)', failsWith('at "a": expected string, got int')],
    ['MapKeys(attributes["list"], (k, _) => "a")', failsWith('expected map, got list')],
    ['Reduce([1, 2, 3], 0, (sum, _, v) => sum + v)', 6n],
    ['Reduce({"a": 1, "b": 2}, "", (sum, k, v) => Concat([sum, k, "=", v, ";"], ""))', 'a=1;b=2;'],
    ['Reduce([], attributes["text"], (sum, _, _) => sum)', 'Hello, World'],
  ])('%s', (expression, value) => {
    expect(valueOf(expression)).toEqual(value)
    if (typeof value === 'object' && value !== null && 'asymmetricMatch' in value)
      expect(valueOf(expression)).toBeInstanceOf(EvaluationError)
  })

  test('they are run anew for each item, and in conditions', () => {
    expect(isTrue('Any(attributes["list"], (_, v) => v == "a")')).toBe(true)
    expect(isTrue('Len(Filter(attributes["list"], (_, v) => IsString(v))) == 2')).toBe(true)
  })

  test('an editor takes what they give', () => {
    const statement = 'set(attributes, MapEach(Filter(attributes, (k, _) => k == "int"), (_, v) => v * 2))'
    expect(attributesAfter(statement)).toEqual({ int: 84n })
  })
})
