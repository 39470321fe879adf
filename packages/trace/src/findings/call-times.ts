/** Which of the requests that begin traces were made by which calls, told by their times alone, and whether that may be chance. */

/** From a start to an end, milliseconds since 1970. */
export interface Time {
  readonly fromMs: number
  readonly toMs: number
}

/** Where in the range requests are put for the comparison: parts of it that no habit has. */
const SHIFTS = Array.from({ length: 9 }, (_, index) => ((index + 1) * 0.618_034) % 1)
/** What chance has at least, as nine shifts see no less. */
const LEAST_CHANCE = 0.02

/** How many answers lie within a call each, of those that no other answer has taken. `slackMs`: what they may lie outside of it, as clocks differ. */
export function countWithin<Call extends Time, Answer extends Time>(
  calls: readonly Call[],
  answers: readonly Answer[],
  slackMs: number,
  fits: (call: Call, answer: Answer) => boolean = () => true,
): number {
  const free = calls.toSorted((a, b) => a.fromMs - b.fromMs)
  let count = 0
  for (const answer of answers.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const index = free.findIndex(
      (call) =>
        call.fromMs <= answer.fromMs + slackMs &&
        answer.toMs <= call.toMs + slackMs &&
        answer.toMs - answer.fromMs <= call.toMs - call.fromMs + 1 &&
        fits(call, answer),
    )
    if (index === -1) continue
    free.splice(index, 1)
    count++
  }
  return count
}

/**
 * How little it can be chance that so many answers lie within calls, as bits: of answers at other times within the same range, a share of `p` would, so
 * all `count` of them by `p` to the power of `count`. Calls one after the other without a pause have something within them at any time, and give few bits.
 */
export function bitsOf<Call extends Time, Answer extends Time>(
  calls: readonly Call[],
  answers: readonly Answer[],
  count: number,
  slackMs: number,
  fits?: (call: Call, answer: Answer) => boolean,
): number {
  const fromMs = Math.min(...calls.map((call) => call.fromMs))
  const rangeMs = Math.max(1, Math.max(...calls.map((call) => call.toMs)) - fromMs)
  const shares = SHIFTS.map((part) => {
    const shifted = answers.map((answer) => {
      const afterMs = answer.fromMs - fromMs + part * rangeMs
      const beginsMs = fromMs + (((afterMs % rangeMs) + rangeMs) % rangeMs)
      return { ...answer, fromMs: beginsMs, toMs: beginsMs + answer.toMs - answer.fromMs }
    })
    return countWithin(calls, shifted, slackMs, fits) / answers.length
  }).toSorted((a, b) => a - b)
  const chance = Math.max(LEAST_CHANCE, shares[SHIFTS.length >> 1]!)
  return -count * Math.log2(chance)
}
