import { expect, test } from 'vitest'
import { byRange, inTurn } from './assigners.ts'

const members = (topics: Readonly<Record<string, readonly string[]>>) =>
  new Map(Object.entries(topics).map(([memberId, own]) => [memberId, { version: 1, memberId, topics: [...own] }]))

const flat = (assignments: ReturnType<typeof byRange>) =>
  Object.fromEntries(
    assignments.map(({ memberId, assignments: own }) => [
      memberId,
      [...own.values()].flatMap(({ topic, partitions }) => partitions.map((p) => `${topic}${p}`)),
    ]),
  )

test('by range: as many in a row to each, the first have one more', () => {
  expect(flat(byRange(members({ b: ['t'], a: ['t'], c: ['t'] }), () => 8))).toEqual({
    a: ['t0', 't1', 't2'],
    b: ['t3', 't4', 't5'],
    c: ['t6', 't7'],
  })
})

test('in turn, over all topics', () => {
  expect(flat(inTurn(members({ a: ['t', 'u'], b: ['t', 'u'] }), () => 3))).toEqual({
    a: ['t0', 't2', 'u1'],
    b: ['t1', 'u0', 'u2'],
  })
})

test.each([byRange, inTurn])(
  'nobody gets a topic that it has not asked for, and each partition has one owner',
  (divide) => {
    const divided = flat(divide(members({ a: ['t'], b: ['u'], c: ['t', 'u'], d: [] }), () => 5))
    expect(divided['a']!.every((name) => name.startsWith('t'))).toBe(true)
    expect(divided['b']!.every((name) => name.startsWith('u'))).toBe(true)
    expect(divided['d']).toEqual([])
    expect(Object.values(divided).flat().toSorted()).toEqual([
      't0',
      't1',
      't2',
      't3',
      't4',
      'u0',
      'u1',
      'u2',
      'u3',
      'u4',
    ])
  },
)
