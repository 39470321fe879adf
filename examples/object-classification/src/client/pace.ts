/** When requests are due, and what each of them sends. */

/**
 * When a request is due, in milliseconds after the first.
 *
 * @param index 0 for the first request.
 * @param rate Requests a second, above 0.
 * @param rampSeconds For so long the rate grows from nothing to `rate`, evenly. 0: it is `rate` at once.
 */
export function dueMs(index: number, rate: number, rampSeconds: number): number {
  const inRamp = (rate * rampSeconds) / 2
  const seconds = index < inRamp ? Math.sqrt((2 * index * rampSeconds) / rate) : rampSeconds + (index - inRamp) / rate
  return seconds * 1000
}

/**
 * The files one after the other, for ever: in their order, or with a seed at random, the same ones for the same seed.
 *
 * @param files At least one.
 */
export function* cycle(files: readonly string[], seed?: number): Generator<string, never> {
  const random = seed === undefined ? undefined : seeded(seed)
  for (let index = 0; ; index++) {
    const file = files[random ? Math.floor(random() * files.length) : index % files.length]
    if (file === undefined) throw new Error('there is no file to send')
    yield file
  }
}

/** Numbers of 0 up to 1, the same ones for the same seed. Source: the generator "mulberry32" (public domain, T. Ettinger). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
