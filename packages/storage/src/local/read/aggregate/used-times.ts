import type { BlockRows } from '../../block/rows.ts'

const WORD = 2 ** 32

/** Nanoseconds, each a multiple of all before it: most steps that clocks have, and `TimeBins` takes, are whole multiples of several of them. */
const STEPS: readonly number[] = [
  1e6,
  1e7,
  1e8,
  ...[1, 5, 30].map((seconds) => seconds * 1e9),
  ...[1, 5, 30].map((minutes) => minutes * 60e9),
  ...[1, 3, 6, 12, 24].map((hours) => hours * 3_600e9),
]

/** The parts of the time that some spans start in, by the shortest of {@link STEPS} with which there are few: what is far from all others takes one, and not all that are between. */
export class UsedTimes {
  /** Nanoseconds. */
  readonly stepNs: number
  /** How many steps after 1970 each begins, ascending. */
  readonly numbers: readonly number[]
  readonly #baseHi: number
  readonly #baseLo: number
  /** By steps after the base. */
  readonly #index = new Map<number, number>()
  /** The one that was asked about last, and its index: what follows one another is alike. */
  #last = -1
  #lastIndex = 0

  private constructor(stepNs: number, base: bigint, used: readonly number[]) {
    const first = Number(base / BigInt(stepNs))
    this.stepNs = stepNs
    this.numbers = used.map((steps) => first + steps)
    this.#baseHi = Number(base >> 32n)
    this.#baseLo = Number(base & 0xffff_ffffn)
    for (const [i, steps] of used.entries()) this.#index.set(steps, i)
  }

  /** Undefined where no step is long enough. `minStart`: no row starts before it; `maxCount`: of parts. */
  static of(rows: BlockRows, wanted: Uint8Array, minStart: bigint, maxCount: number): UsedTimes | undefined {
    for (const stepNs of STEPS) {
      const base = minStart - (minStart % BigInt(stepNs))
      const used = usedOf(rows, wanted, stepNs, base, maxCount)
      if (used) return new UsedTimes(stepNs, base, used)
    }
    return undefined
  }

  get count(): number {
    return this.numbers.length
  }

  /** The index of the part of a start in two halves. */
  of(hi: number, lo: number): number {
    const steps = stepsOf((hi - this.#baseHi) * WORD + (lo - this.#baseLo), this.stepNs)
    if (steps !== this.#last) {
      this.#last = steps
      this.#lastIndex = this.#index.get(steps)!
    }
    return this.#lastIndex
  }
}

/** Exactly, for whole numbers below 2^53. */
function stepsOf(offset: number, stepNs: number): number {
  return (offset - (offset % stepNs)) / stepNs
}

/** Ascending; undefined where there are more, or one is too far away to be told exactly. */
function usedOf(
  { count, startHi, startLo }: BlockRows,
  wanted: Uint8Array,
  stepNs: number,
  base: bigint,
  maxCount: number,
): readonly number[] | undefined {
  const baseHi = Number(base >> 32n)
  const baseLo = Number(base & 0xffff_ffffn)
  const used = new Set<number>()
  let last = -1
  for (let row = 0; row < count; row++) {
    if (!wanted[row]) continue
    const offset = (startHi[row]! - baseHi) * WORD + (startLo[row]! - baseLo)
    if (offset > Number.MAX_SAFE_INTEGER) return undefined
    const steps = stepsOf(offset, stepNs)
    if (steps === last) continue
    last = steps
    used.add(steps)
    if (used.size > maxCount) return undefined
  }
  return [...used].sort((a, b) => a - b)
}
