import { describe, expect, it } from 'vitest'
import { LABS } from './all.ts'
import { checkAnswer, MOST_WRONG } from './check.ts'
import type { Lab } from './lab.ts'
import { is, near } from './lab.ts'

const lab: Lab = {
  number: 99,
  title: 'A title',
  photographs: 1,
  rate: 1,
  draw: () => ({ fault: 'errors', at: 'ensemble', parameters: {} }),
  ask: () => 'Which?',
  answer: { service: 'its name', ms: 'how long', trace: 'the id' },
  // In another order than it is asked for.
  solve: () => ({ trace: is('t1'), ms: near(100, 0.1), service: is('ensemble') }),
}
const right = { service: 'ensemble', ms: '104', trace: 't1' }
const check = (given: Record<string, string>, wrongAnswers = 0): ReturnType<typeof checkAnswer> =>
  checkAnswer(lab, { wrongAnswers }, [], given)

describe('an answer to a lab', () => {
  it('is right where each part is', () => {
    expect(check(right)).toEqual({ right: true, wrong: false, lines: ['✓ Right. That was lab 99: A title'] })
    expect(check({ ...right, service: ' Ensemble ' }).right).toBe(true)
  })

  it('is told the first part that is not right, and nothing of those behind it', () => {
    expect(check({ ...right, service: 'consumer' })).toEqual({
      right: false,
      wrong: true,
      lines: ['✗ service is not right', '  2 more answers'],
    })
    const behind = { service: 'ensemble', ms: '200' }
    const told = check({ ...behind, trace: 't1' }).lines
    expect(told).toEqual(['✓ service is right', '✗ ms is not right', '  2 more answers'])
    expect(check({ ...behind, trace: 't9' }).lines).toEqual(told)
  })

  it('that is not whole, or has more than was asked for, is none yet', () => {
    const parts = { service: 'ensemble', ms: '104' }
    for (const given of [parts, { ...parts, trace: ' ' }])
      expect(check(given)).toEqual({ right: false, wrong: false, lines: ['✗ trace is missing: the id'] })
    expect(check({ ...right, more: 'x' })).toEqual({
      right: false,
      wrong: false,
      lines: ['✗ more was not asked for'],
    })
  })

  it('may be wrong so often, and after that no answer is taken', () => {
    const wrong = { ...right, trace: 't9' }
    expect(check(wrong, MOST_WRONG - 2).lines.at(-1)).toBe('  1 more answer')
    expect(check(wrong, MOST_WRONG - 1).lines.at(-1)).toContain('That was the last answer; begin it again')
    expect(check(right, MOST_WRONG - 1).right).toBe(true)
    for (const given of [wrong, right])
      expect(() => check(given, MOST_WRONG)).toThrow('was answered wrongly 3 times; begin it again: npm run lab -- 99')
  })

  it('is asked for in all parts that are looked at, and none is right where nothing is stored', () => {
    for (const one of LABS) {
      const solution = one.solve([])
      expect(Object.keys(solution).sort(), one.title).toEqual(Object.keys(one.answer).sort())
      for (const nothing of ['', '0', 'NaN', 'undefined', 'null'])
        expect(
          Object.values(solution).every((isRight) => isRight(nothing)),
          one.title,
        ).toBe(false)
    }
  })
})
