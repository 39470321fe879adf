import { expect, it } from 'vitest'
import { MAX_WAITING_BYTES, MAX_WAITING_MS, sealingShare } from './pace.ts'

const MIB = 1 << 20
const LARGE = 100 * MAX_WAITING_BYTES

it('has all of its time while little comes in, whatever waits', () => {
  expect(sealingShare(0, { bytes: 1, oldestMs: 1 }, LARGE)).toBe(1)
  expect(sealingShare(100 * 1024, { bytes: 10 * MAX_WAITING_BYTES, oldestMs: 10 * MAX_WAITING_MS }, LARGE)).toBe(1)
})

it('waits while much comes in, until 2 GB or what is 30 minutes old wait', () => {
  expect(sealingShare(MIB, { bytes: MAX_WAITING_BYTES - 1, oldestMs: MAX_WAITING_MS - 1 }, LARGE)).toBe(0)
  expect(sealingShare(MIB, { bytes: MAX_WAITING_BYTES, oldestMs: 0 }, LARGE)).toBe(0.25)
  expect(sealingShare(MIB, { bytes: 0, oldestMs: MAX_WAITING_MS }, LARGE)).toBe(0.25)
  expect(MAX_WAITING_BYTES).toBe(2 ** 31)
  expect(MAX_WAITING_MS).toBe(1_800_000)
})

it('takes more the more waits, and then all', () => {
  expect(sealingShare(MIB, { bytes: 1.25 * MAX_WAITING_BYTES, oldestMs: 0 }, LARGE)).toBeCloseTo(0.625)
  expect(sealingShare(MIB, { bytes: 0, oldestMs: 1.5 * MAX_WAITING_MS }, LARGE)).toBe(1)
  expect(sealingShare(MIB, { bytes: 9 * MAX_WAITING_BYTES, oldestMs: 9 * MAX_WAITING_MS }, LARGE)).toBe(1)
})

it('lets a quarter of what the store may have wait, where that is less', () => {
  expect(sealingShare(MIB, { bytes: 25 * MIB - 1, oldestMs: 0 }, 100 * MIB)).toBe(0)
  expect(sealingShare(MIB, { bytes: 25 * MIB, oldestMs: 0 }, 100 * MIB)).toBe(0.25)
})
