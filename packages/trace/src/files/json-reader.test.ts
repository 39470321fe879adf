import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonReader, type JsonContainer, type Member } from './json-reader.ts'
import { placeText, type InputProblem } from './place.ts'

/** Cuts the text at these places, and gives it piece by piece. */
function read(text: string, cuts: readonly number[], root: () => Member): InputProblem[] {
  const bytes = Buffer.from(text)
  const problems: InputProblem[] = []
  const reader = new JsonReader(root, (problem) => problems.push(problem))
  const places = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (let i = 1; i < places.length; i++) reader.write(Buffer.from(bytes.subarray(places[i - 1], places[i])))
  reader.end()
  return problems
}

/** Enters everything, and builds it again. */
function builder(give: (value: unknown) => void): Member {
  return {
    object: container(
      (): Record<string, unknown> => ({}),
      // As JSON.parse does it, for which `__proto__` is a key like others.
      (object, key, value) =>
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true }),
      give,
    ),
    array: container(
      (): unknown[] => [],
      (array, _, value) => array.push(value),
      give,
    ),
    take: (text) => give(JSON.parse(text)),
  }
}

function container<T>(
  make: () => T,
  put: (into: T, key: string, value: unknown) => void,
  give: (value: T) => void,
): JsonContainer {
  const built = make()
  return { member: (key) => builder((value) => put(built, key, value)), end: () => give(built) }
}

const lines = (text: string, cuts: readonly number[] = []) => {
  const taken: string[] = []
  const problems = read(text, cuts, () => ({
    object: {
      member: (key) => (key === 'a' ? { array: { member: () => ({ take: (one) => taken.push(one) }) } } : undefined),
    },
  }))
  return { taken, problems: problems.map(({ place, message }) => `${placeText(place)}: ${message}`) }
}

describe('reading JSON in pieces', () => {
  it('finds in every text what JSON.parse finds, wherever it is cut', () => {
    const texts = fc.array(fc.tuple(fc.json({ maxDepth: 4 }), fc.constantFrom('', ' ', '\n', '\r\n\t')), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), fc.nat(4), (given, cuts, indent) => {
        const values = given.map(([json]) => JSON.parse(json) as unknown)
        const text = given
          .map(([json, space]) => `${space}${JSON.stringify(JSON.parse(json), undefined, indent)} `)
          .join('\n')
        const found: unknown[] = []
        expect(read(text, cuts, () => builder((value) => found.push(value)))).toEqual([])
        expect(found.map((value) => JSON.stringify(value))).toEqual(values.map((value) => JSON.stringify(value)))
      }),
      { examples: [[[['{"a":{"__proto__":[{"b":1}]}}', '']], [9], 0]] },
    )
  })

  it('steps over what nobody wants', () => {
    const text = '{"x":{"a":[1,{"]":"}\\""}]},"a":[{"b":[]},"\\"]",-1.5e3,null],"y":"}"}{"a":[2]}'
    for (let cut = 0; cut < text.length; cut++)
      expect(lines(text, [cut])).toEqual({ taken: ['{"b":[]}', '"\\"]"', '-1.5e3', 'null', '2'], problems: [] })
  })

  it.each([
    ['{"a" 1}', 'line 1, column 6 (byte 5): not JSON: "1" where a colon should be'],
    ['\n {"a":[1 2]}', 'line 2, column 10 (byte 10): not JSON: "2" where a comma or the end should be'],
    ['{"a":[1]]', 'line 1, column 9 (byte 8): not JSON: "]" where a comma or the end should be'],
    ['{"a":5}', 'line 1, column 6 (byte 5): not JSON: "5" where an array should be'],
    ['{a:1}', 'line 1, column 2 (byte 1): not JSON: "a" where a key or the end should be'],
    ['{"a":[1],}', 'line 1, column 10 (byte 9): not JSON: "}" where a key should be'],
    ['{"a":[,1]}', 'line 1, column 7 (byte 6): not JSON: "," where a value should be'],
    [
      '{"a":[1],\n"b":',
      'line 2, column 5 (byte 14): it ends in the middle of what began in line 1; it may have been cut off',
    ],
    ['{"\\x":1}', 'line 1, column 2 (byte 1): not JSON: Bad escaped character in JSON at position 2 (line 1 column 3)'],
  ])('tells what is wrong with %j, and where', (text, problem) => {
    expect(lines(text).problems).toEqual([problem])
  })

  it('goes on with the next line, where each is a text of its own', () => {
    const text = '{"a":[1]}\n{"a":[2,}\n{"a":[3]}\n{"a":[4'
    for (let cut = 0; cut < text.length; cut++) {
      const { taken, problems } = lines(text, [cut])
      expect(taken).toEqual(['1', '2', '3'])
      expect(problems).toEqual([expect.stringMatching(/^line 2, column 9/), expect.stringMatching(/^line 4/)])
    }
  })

  it.each(['{"a":[1],"b":{"c":[{', '{"a":[1', '{"a":[1],"x":"y', '{"a":[1],"b":7', '{"a":[1]'])(
    'loses nothing of the lines after one that is cut off: %j',
    (cutLine) => {
      const text = `${cutLine}\n{"a":[2]}\n{"a":[3]}`
      for (let cut = 0; cut < text.length; cut++) {
        if (text[cut - 1] === '{') continue
        const { taken, problems } = lines(text, [cut])
        expect(taken.filter((value) => value !== '1')).toEqual(['2', '3'])
        expect(problems).toEqual([expect.stringMatching(/^line 1, column.*not JSON/)])
      }
    },
  )

  it('does not go on within a text of several lines', () => {
    const { taken, problems } = lines('{"a":[\n1,}\n{"a":[2]}\n')
    expect([taken, problems.length]).toEqual([['1'], 1])
  })
})
