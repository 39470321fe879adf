import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePattern, isTooMuch, PatternError, regexProblem } from './pattern.ts'

/** Pieces that JavaScript and RE2 read alike, on texts of ASCII without line ends. */
const atom = fc.constantFrom(
  'a',
  'b',
  'ab',
  '.',
  '[ab]',
  '[^a]',
  '[a-c-]',
  String.raw`\d`,
  String.raw`\w`,
  String.raw`\.`,
  '-',
  '/',
  String.raw`[\s\S]*`,
  String.raw`\b`,
)
const repeat = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '*?', '+?')
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4 },
    fc
      .tuple(atom, repeat)
      .map(([text, times]) => (text === String.raw`\b` || text.endsWith('*') ? text : text + times)),
    fc.array(tie('pattern'), { maxLength: 4 }).map((parts) => parts.join('')),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc.tuple(tie('pattern'), fc.constantFrom('', '*', '+', '?', '{0,2}')).map(([inner, times]) => `(${inner})${times}`),
    tie('pattern').map((inner) => `^${inner}`),
    tie('pattern').map((inner) => `${inner}$`),
  ),
}))
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-', '.', '/', '0', '_'), maxLength: 12 })

describe('a pattern', () => {
  it('matches what JavaScript matches, where both know it', () => {
    let matched = 0
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (source, texts) => {
        let expression: RegExp
        try {
          expression = new RegExp(source)
        } catch {
          return
        }
        if (regexProblem(source)) return
        const compiled = compilePattern(source)
        for (const each of texts) {
          expect([each, compiled.test(each)]).toEqual([each, expression.test(each)])
          if (expression.test(each)) matched++
        }
      }),
      { numRuns: 1500, seed: 8 },
    )
    expect(matched).toBeGreaterThan(2000)
  })

  it('of pieces with anything in between is what a regular expression of them is', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 3 })
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        text,
        (start, pieces, end, each) => {
          const escaped = pieces.map((each) => each.replaceAll('.', String.raw`\.`)).join(String.raw`[\s\S]*`)
          const source = `${start ? '^' : ''}${escaped}${end ? '$' : ''}`
          expect(compilePattern(source).test(each)).toBe(new RegExp(source).test(each))
        },
      ),
      { numRuns: 1000, seed: 9 },
    )
  })

  it.for([
    ['(a+)+$', 'a'.repeat(5000) + 'b'],
    ['(a|aa)+$', 'a'.repeat(5000) + 'b'],
    [`^${'a*'.repeat(30)}b$`, 'a'.repeat(5000)],
    [`^${String.raw`a[\s\S]*`.repeat(60)}b$`, 'a'.repeat(5000)],
    ['^(?:a?){30}a{30}$', 'a'.repeat(29)],
  ] as const)('ends: %s', ([source, each]) => {
    // With backtracking each of these outlives the universe, or nearly.
    expect(compilePattern(source).test(each)).toBe(false)
  })

  it.for([
    ['a(?=b)', 1, /looks ahead.*linear time/],
    ['ab(?!b)', 2, /looks ahead/],
    ['(?<=a)b', 0, /looks behind/],
    [String.raw`\(?=(?<!a)b`, 4, /looks behind/],
    [String.raw`(a)\1`, 3, /refers back/],
    [String.raw`(?<n>a)\k<n>`, 7, /refers back/],
    ['(?>a)', 0, /atomic/],
    ['[(?=a](', 6, /missing closing \)/],
    ['a)b', 1, /unexpected \)/],
    ['x[a', 1, /missing closing \]/],
    ['ab*+', 2, /nested repetition/],
    ['*a', 0, /missing argument/],
    ['a{2}b{3,2}', 5, /repeat count/],
    ['a{1001}', 1, /repeat count/],
    ['(a{1000}){1000}', 9, /repeat count/],
    ['x[b-a]', 2, /class range/],
    [String.raw`a\q`, 1, /escape/],
    ['a\\', 1, /trailing backslash/],
    [`(${'a'.repeat(5000)})`, 4096, /at most 4096/],
    [
      '(?:[^a]{1000}[^b]{1000}[^c]{1000}[^d]{1000}[^e]{1000}[^f]{1000}[^g]{1000}[^h]{1000}[^i]{1000}[^j]{1000}x)',
      0,
      /steps/,
    ],
  ] as const)('says what is wrong with %s, and where', ([source, index, message]) => {
    expect(regexProblem(source)).toMatchObject({ index, message: expect.stringMatching(message) as string })
    expect(() => compilePattern(source)).toThrow(PatternError)
  })

  it('never throws anything else', () => {
    const piece = fc.constantFrom(
      'a',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '2',
      ',',
      '?',
      '*',
      '+',
      '|',
      '^',
      '$',
      '\\',
      'Q',
      'E',
      'p',
      '<',
      '=',
      '!',
      ':',
      'P',
      'k',
      '-',
      '\ud800',
      '💥',
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
        (source) => {
          const problem = regexProblem(source)
          if (problem) expect(problem.index >= 0 && problem.index <= source.length).toBe(true)
          else compilePattern(source).test(source)
        },
      ),
      { numRuns: 1500, seed: 10 },
    )
  })

  it('takes a plain text of any length, and tells what would take too long', () => {
    expect(compilePattern('a'.repeat(8000)).test('b'.repeat(9000))).toBe(false)
    const huge = 'a'.repeat(20_000_000)
    expect(isTooMuch(compilePattern('b').steps(huge))).toBe(false)
    expect(isTooMuch(compilePattern('a+b').steps(huge))).toBe(false)
    expect(isTooMuch(compilePattern('(a{100}b?){9}').steps(huge))).toBe(true)
    expect(isTooMuch(compilePattern(`${'a'.repeat(4000)}b${'a'.repeat(4000)}`).steps(huge))).toBe(true)
  })
})
