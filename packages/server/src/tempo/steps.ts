import { first, type Query, tryDuration } from '../api/params.ts'
import { bad, timesRange } from './params.ts'

/** The points of a series: each tells of the spans that started in the step before it, its own moment included. Nanoseconds. */
export interface Steps {
  /** The first point. */
  readonly first: bigint
  readonly stepNs: bigint
  readonly points: number
}

/** Both inclusive, nanoseconds since 1970. */
export interface TimeRange {
  readonly from: bigint
  readonly to: bigint
}

const MAX_POINTS = 11_000
const SECOND_NS = 1_000_000_000n
/** Steps that are chosen where none is asked for: multiples of the first that gives more than so many points. */
const GRAINS_S = [3600n, 300n, 60n, 15n, 5n, 1n]
const POINTS = 240n
const SHORT_NS = 60n * SECOND_NS
const SHORT_GRAIN_NS = 50_000_000n

/** `start`, `end`, `since` and `step`. Points lie on whole steps since 1970, so that asking again moves none of them. */
export function stepsOf(query: Query): Steps {
  const { start, end } = timesRange(query)
  const stepNs = stepParam(query) ?? defaultStep(end - start)
  const from = start - (start % stepNs)
  const to = end % stepNs === 0n ? end : end + stepNs - (end % stepNs)
  const points = Number((to - from) / stepNs) + 1
  if (points > MAX_POINTS)
    throw bad(
      `invalid step: ${points} points are asked for, at most ${MAX_POINTS} are told; take a longer step or a shorter time`,
    )
  return { first: from, stepNs, points }
}

/** A number of seconds, or a duration. */
function stepParam(query: Query): bigint | undefined {
  const text = first(query, 'step')
  if (text === undefined || text === '0') return undefined
  const ns = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1e9 : tryDuration(text)
  if (ns === undefined || ns < 1e6) throw bad(`invalid step: "${text}" is not a duration from 1ms, as 15s`)
  return BigInt(Math.round(ns / 1e6)) * 1_000_000n
}

/** As Tempo chooses it. */
function defaultStep(lengthNs: bigint): bigint {
  const fine = lengthNs / POINTS
  if (lengthNs < SHORT_NS) return fine > SHORT_GRAIN_NS ? (fine / SHORT_GRAIN_NS) * SHORT_GRAIN_NS : SHORT_GRAIN_NS
  const grain = GRAINS_S.map((seconds) => seconds * SECOND_NS).find((ns) => fine > ns)
  return grain === undefined ? SECOND_NS : (fine / grain) * grain
}

/** Parts of the time that a store tells of at once. */
export const MAX_BUCKETS = 1_000

/** Milliseconds since 1970. */
export function pointMs({ first: from, stepNs }: Steps, point: number): string {
  return ((from + BigInt(point) * stepNs) / 1_000_000n).toString()
}

/** What these points tell of. */
export function rangeOf({ first: from, stepNs }: Steps, point: number, count: number): TimeRange {
  const start = from + BigInt(point - 1) * stepNs + 1n
  const begin = start < 0n ? 0n : start
  return { from: begin, to: start + BigInt(count) * stepNs - 1n }
}
