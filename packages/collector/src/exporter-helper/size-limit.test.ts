import { expect, test } from 'vitest'
import { SizeLimit } from './size-limit.ts'

const KIB = 1024
const SECOND = 1000

function create(): { limit: SizeLimit; pass: (ms: number) => void } {
  let now = 1_000_000
  const limit = new SizeLimit(() => now)
  return { limit, pass: (ms) => (now += ms) }
}

test('a refusal teaches the limit for what is as large or larger', () => {
  const { limit } = create()
  expect(limit.isAbove(1e9)).toBe(false)
  limit.refused(100 * KIB)
  expect([99, 100, 200].map((kib) => limit.isAbove(kib * KIB))).toEqual([false, true, true])
  limit.refused(90 * KIB)
  expect(limit.isAbove(95 * KIB)).toBe(true)
  limit.taken(80 * KIB)
  expect(limit.isAbove(95 * KIB)).toBe(true)
})

test('a small message says nothing of the limit', () => {
  const { limit } = create()
  limit.refused(63 * KIB)
  expect(limit.isAbove(1e9)).toBe(false)
})

test('after a minute one message is the probe; taken, it lifts the limit', () => {
  const { limit, pass } = create()
  limit.refused(100 * KIB)
  pass(59 * SECOND)
  expect(limit.isAbove(200 * KIB)).toBe(true)
  pass(SECOND)
  expect(limit.isAbove(200 * KIB)).toBe(false)
  expect(limit.isAbove(200 * KIB)).toBe(true)
  limit.taken(200 * KIB)
  expect(limit.isAbove(1e9)).toBe(false)
})

test('a probe that is refused doubles the wait up to ten minutes, a lifted limit starts anew', () => {
  const { limit, pass } = create()
  limit.refused(100 * KIB)
  for (const wait of [60, 120, 240, 480, 600, 600]) {
    pass(wait * SECOND - 1)
    expect(limit.isAbove(200 * KIB)).toBe(true)
    pass(1)
    expect(limit.isAbove(200 * KIB)).toBe(false)
    limit.refused(200 * KIB)
    expect(limit.isAbove(100 * KIB)).toBe(true)
  }
  pass(600 * SECOND)
  expect(limit.isAbove(200 * KIB)).toBe(false)
  limit.taken(200 * KIB)
  limit.refused(300 * KIB)
  pass(60 * SECOND)
  expect(limit.isAbove(300 * KIB)).toBe(false)
})

test('messages that were on their way when the limit was learned do not lengthen the wait', () => {
  const { limit, pass } = create()
  for (let index = 0; index < 10; index++) limit.refused(200 * KIB)
  pass(60 * SECOND)
  expect(limit.isAbove(200 * KIB)).toBe(false)
})
