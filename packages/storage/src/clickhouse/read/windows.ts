/** Starts of spans, nanoseconds since 1970, both inclusive. */
export interface Window {
  readonly from: bigint
  readonly to: bigint
}

const MAX_U64 = 2n ** 64n - 1n
export const ALL_TIME: Window = { from: 0n, to: MAX_U64 }
/** The first stretch, and how many times as long as all before it the next one is. Nanoseconds. */
const FIRST_NS = 60_000_000_000n
const LONGER = 4n

/**
 * Cuts the time before `top` into stretches, the latest first, so that a search for what is newest looks at as little as it can: the last minute, then what is before it back to four
 * minutes, sixteen ... `first` and `last`: where spans are, about; the last stretch has all that is before.
 */
export function* windowsBefore(top: bigint, first: bigint, last: bigint): Generator<Window> {
  const end = top < last ? top : last
  let to = top
  for (let length = FIRST_NS; ; length *= LONGER) {
    const from = end - length
    if (from <= first) {
      yield { from: 0n, to }
      return
    }
    yield { from, to }
    to = from - 1n
  }
}
