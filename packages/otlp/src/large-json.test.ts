import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LargeJson, readLargeJson, type Parse } from './large-json.ts'

/** All of it, as JSON.parse gives it. */
function whole(value: unknown, keys: ReadonlySet<string>): unknown {
  if (!(value instanceof LargeJson)) return value
  if (value.isArray) {
    const elements = [...value.elementsFromEnd()].reverse()
    expect(value.count).toBe(elements.length)
    return elements.map((element) => whole(element, keys))
  }
  return Object.fromEntries(Object.entries(value.members(keys)).map(([key, member]) => [key, whole(member, keys)]))
}

function keysIn(value: unknown, keys = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(value)) for (const element of value) keysIn(element, keys)
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) keysIn(member, keys.add(key))
  }
  return keys
}

/** A parser that keeps the length of the longest text that it was given. */
function measuring(): { parse: Parse; longest: () => number } {
  let longest = 0
  return {
    parse(text) {
      longest = Math.max(longest, text.length)
      return JSON.parse(text)
    },
    longest: () => longest,
  }
}

const value = fc.jsonValue({ maxDepth: 5, noUnicodeString: false })
const space = fc.constantFrom(undefined, 2, '\t')

test('gives what JSON.parse gives, whatever the size of its pieces', () => {
  fc.assert(
    fc.property(value, space, fc.integer({ min: 1, max: 60 }), (expected, indent, pieceBytes) => {
      const text = JSON.stringify(expected, undefined, indent)
      fc.pre(!text.includes('__proto__'))
      const parsed: unknown = JSON.parse(text)
      const read = readLargeJson(Buffer.from(text), JSON.parse, pieceBytes)
      expect(whole(read, keysIn(parsed))).toEqual(parsed)
    }),
    { numRuns: 300 },
  )
})

test('refuses what JSON.parse refuses', () => {
  const edit = fc.tuple(fc.nat(), fc.constantFrom('', ',', ':', '"', '{', '}', '[', ']', '1', 'x', '\\', '\u0001'))
  fc.assert(
    fc.property(value, fc.array(edit, { maxLength: 3 }), fc.integer({ min: 1, max: 60 }), (from, edits, pieceBytes) => {
      let text = JSON.stringify(from)
      for (const [place, character] of edits) {
        const at = place % (text.length + 1)
        text = text.slice(0, at) + character + text.slice(at + 1)
      }
      const isJson = (read: () => unknown): boolean => {
        try {
          read()
          return true
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError)
          return false
        }
      }
      const read = (): void => {
        const large = readLargeJson(Buffer.from(text), JSON.parse, pieceBytes)
        if (large instanceof LargeJson) large.check()
      }
      expect(isJson(read)).toBe(isJson(() => JSON.parse(text)))
    }),
    { numRuns: 800 },
  )
})

describe('of a text of megabytes', () => {
  const element = { a: 'x'.repeat(500), b: [1, 2, { c: null }] }

  test.each([
    ['an array', () => Array.from({ length: 5000 }, () => element)],
    ['an object', () => Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, element]))],
    ['arrays in each other', () => ({ outer: [{ inner: Array.from({ length: 5000 }, () => element) }] })],
    ['very many values', () => Array.from({ length: 1_000_000 }, () => 0)],
  ])('no more than a piece is parsed at a time: %s', (_, make) => {
    const expected: unknown = make()
    const { parse, longest } = measuring()
    const read = readLargeJson(Buffer.from(JSON.stringify(expected)), parse)
    expect(read).toBeInstanceOf(LargeJson)
    expect(longest()).toBe(0)
    expect(JSON.stringify(whole(read, keysIn(expected)))).toBe(JSON.stringify(expected))
    expect(longest()).toBeLessThan(70_000)
  })

  test('of the same key twice the last counts, and others are passed by', () => {
    const long = 'x'.repeat(100_000)
    const read = readLargeJson(Buffer.from(`{"a":1,"a":["${long}"],"other":["${long}",{}],"b":2,"a":3}`), JSON.parse)
    expect((read as LargeJson).members(new Set(['a', 'b']))).toEqual({ a: 3, b: 2 })
  })

  test('it may be indented without end, begin with a byte order mark, and be a single string', () => {
    const text = `\ufeff ${'\n'.repeat(100_000)}[${' '.repeat(100_000)}1 , ${' '.repeat(100_000)}]`
    expect(() => readLargeJson(Buffer.from(text), JSON.parse)).toThrow('unexpected "]" at byte 300009')
    const right = readLargeJson(Buffer.from(text.replace(',', '')), JSON.parse) as LargeJson
    expect([...right.elementsFromEnd()]).toEqual([1])
    expect(readLargeJson(Buffer.from(JSON.stringify('é'.repeat(100_000))), JSON.parse)).toBe('é'.repeat(100_000))
  })

  test('nesting has an end', () => {
    expect(() => readLargeJson(Buffer.from('['.repeat(300_000)), JSON.parse)).toThrow('nested deeper than 10000')
  })
})
