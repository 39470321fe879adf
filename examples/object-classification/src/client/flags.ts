/** What the client can be told, checked. */
import { uploadUrl } from './target.ts'

/** The flags as the command line gives them. */
export interface Flags {
  readonly url: string
  readonly rate: number
  readonly ramp: number
  readonly concurrency: number
  readonly ds_path: string
  readonly count?: number
  readonly seed?: number
  readonly device_id?: string | number
  readonly page: string
  readonly lookup: boolean
  readonly quiet: boolean
  readonly json: boolean
}

/** How photographs are sent. */
export interface LoadSettings {
  readonly url: string
  readonly rate: number
  readonly rampSeconds: number
  readonly concurrency: number
  /** Infinity: no end. */
  readonly count: number
  readonly seed?: number
}

/**
 * Checks the flags.
 *
 * @param photographs How many there are: each is sent once where no number is given.
 * @throws For a value that makes no sense, naming the flag.
 */
export function readFlags(flags: Flags, photographs: number): LoadSettings {
  const { rate, ramp, concurrency, count = photographs, seed } = flags
  if (!(rate > 0 && rate <= 1000)) throw new Error(`--rate ${rate}: requests a second, above 0 and up to 1000`)
  if (!(ramp >= 0 && ramp <= 86_400)) throw new Error(`--ramp ${ramp}: seconds, 0 to 86400`)
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 10_000)
    throw new Error(`--concurrency ${concurrency}: photographs at once, 1 to 10000`)
  if (!Number.isInteger(count) || count < 0)
    throw new Error(`--count ${count}: a number of photographs, or 0 for no end`)
  if (seed !== undefined && !Number.isSafeInteger(seed)) throw new Error(`--seed ${seed}: a whole number`)
  return {
    url: uploadUrl(flags.url),
    rate,
    rampSeconds: ramp,
    concurrency,
    count: count === 0 ? Infinity : count,
    ...(seed !== undefined && { seed }),
  }
}
