import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { DigestTable } from './digest-table.ts'
import { HourSums, hourOf, isSame } from './span-digests.ts'

const HOUR_NS = 3_600_000_000_000n
const words = (value: bigint): [number, number] => [Number(value & 0xffff_ffffn), Number(value >> 32n)]

it('tells the hour of any time to the nanosecond', () => {
  const near = fc
    .tuple(fc.integer({ min: 0, max: 5_124_094 }), fc.integer({ min: -5_000, max: 5_000 }))
    .map(([hour, off]) => {
      const at = BigInt(hour) * HOUR_NS + BigInt(off)
      return at < 0n ? 0n : at
    })
  fc.assert(
    fc.property(fc.oneof(near, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), (at) => {
      expect(hourOf(...words(at))).toBe(Number(at / HOUR_NS))
    }),
  )
})

it('adds up in 64 bits, in any order', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 50 }), (values) => {
      const [sums, others] = [new HourSums(), new HourSums()]
      for (const value of values) sums.add(1, ...words(value))
      for (const value of values.toReversed()) others.add(1, ...words(value))
      const [lo, hi] = words(
        BigInt.asUintN(
          64,
          values.reduce((sum, value) => sum + value, 0n),
        ),
      )
      expect(sums.of.get(1) ?? { count: 0, lo: 0, hi: 0 }).toEqual({ count: values.length, lo, hi })
      expect(isSame(sums.of.get(1), others.of.get(1))).toBe(true)
    }),
  )
})

it('gives back each digest as often as it was added', () => {
  const digest = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 1, 2 ** 32 - 1))
  fc.assert(
    fc.property(fc.array(digest, { maxLength: 300 }), fc.array(digest, { maxLength: 300 }), (added, asked) => {
      const table = new DigestTable(1)
      const left = new Map<string, number>()
      for (const [lo, hi] of added) {
        table.add(lo, hi)
        left.set(`${lo} ${hi}`, (left.get(`${lo} ${hi}`) ?? 0) + 1)
      }
      const names = new Set(asked.map(([lo, hi]) => `${lo} ${hi}`))
      for (const [lo, hi] of asked) {
        const count = left.get(`${lo} ${hi}`) ?? 0
        expect(table.take(lo, hi)).toBe(count > 0)
        if (count > 0) left.set(`${lo} ${hi}`, count - 1)
      }
      let [ofAsked, others] = [0, 0]
      for (const [name, count] of left) {
        if (names.has(name)) ofAsked += count
        else others += count
      }
      expect(table.rest()).toEqual({ ofAsked, others })
    }),
  )
})
