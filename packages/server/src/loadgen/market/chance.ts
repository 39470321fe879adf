import type { Random } from '../random.ts'

/** Share of what takes ten times as long as it should. */
const SLOW = 0.01

/** Nanoseconds, at least 1,000: near to log-normal around a median of `ms` milliseconds. */
export function duration(random: Random, ms: number): number {
  const sum = (random.uint32() + random.uint32() + random.uint32() + random.uint32()) / 0x1_0000_0000
  const slow = random.chance(SLOW) ? 10 : 1
  return Math.max(1_000, Math.round(ms * 1e6 * slow * Math.exp((sum - 2) * 1.1)))
}

/** 1 to `most`, mostly around `typical`: a Pareto distribution. */
export function howMany(random: Random, typical: number, most: number): number {
  const uniform = (random.uint32() + 1) / 0x1_0000_0001
  return Math.min(most, Math.max(1, Math.round((typical * 0.7) / uniform ** 0.8)))
}
