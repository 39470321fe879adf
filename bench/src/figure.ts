/** One line of the result: what Spoor does, what others do in the same run, and what was aimed at. */
export interface Figure {
  readonly name: string
  readonly unit: Unit
  /** Spoor's median. */
  readonly value: number
  /** What each run of Spoor gave, where there were several. */
  readonly runs?: readonly number[]
  /** The program that users run in Spoor's place; undefined where there is none, or where it is not built. */
  readonly peer?: Runs
  /** The median of a rival of our own making; undefined where there is none. */
  readonly rival?: number
  readonly goal?: Goal
  /** What a reader must know to read the figure right. */
  readonly note?: string
}

/** The median of several runs, and what each of them gave. */
export interface Runs {
  readonly value: number
  readonly runs: readonly number[]
}

export const runsOf = (runs: readonly number[]): Runs => ({ value: median(runs), runs })

/**
 * `more`: more is better. The rest: less is better.
 */
export type Unit = keyof typeof UNITS

const UNITS = {
  'ns/span': 'less',
  'spans/CPU s': 'more',
  'µs/span': 'less',
  'µs/request': 'less',
  '% of a core': 'less',
  'bytes/span': 'less',
  MB: 'less',
  kB: 'less',
  ms: 'less',
} as const

export type Goal =
  /** At least that many times better than the peer, or than the rival where `of` says so. */
  | { readonly ratio: number; readonly of?: 'rival' }
  /** At most, or with a unit of which more is better at least, that value. */
  | { readonly value: number }

/** How many times better than the peer; undefined without one. */
export const peerRatioOf = ({ unit, value, peer }: Figure): number | undefined => times(unit, value, peer?.value)

/** How many times better than the rival; undefined without one. */
export const rivalRatioOf = ({ unit, value, rival }: Figure): number | undefined => times(unit, value, rival)

function times(unit: Unit, value: number, other: number | undefined): number | undefined {
  if (other === undefined) return undefined
  return UNITS[unit] === 'more' ? value / other : other / value
}

/** By what share `now` is worse than `before`: 0.5 for half as much again, less than 0 for better. */
export const worseBy = (unit: Unit, before: number, now: number): number =>
  (UNITS[unit] === 'more' ? before / now : now / before) - 1

/** Half of what lies between the best and the worst run, as a share of the median; undefined of a single run. */
export function spreadOf({
  value,
  runs = [],
}: {
  readonly value: number
  readonly runs?: readonly number[]
}): number | undefined {
  return runs.length < 2 ? undefined : (Math.max(...runs) - Math.min(...runs)) / 2 / value
}

/** Differences below this share are noise, however alike the runs were. */
const LEAST_NOISE = 0.03
/** The noise of what is of a single run. */
const SINGLE_NOISE = 0.15
/** What is the same each time it is measured. */
const EXACT: readonly Unit[] = ['kB', 'bytes/span']

/**
 * What a median of some runs may be off by, as a share of it: what lies between the best and the worst, all of it for three runs and less for more. Of two medians of runs that
 * are alike, at most one pair in a hundred differs by the noise of both together, whether they are of three runs or of seven.
 */
export function noiseOf({ value, runs = [] }: { readonly value: number; readonly runs?: readonly number[] }): number {
  const spread = spreadOf({ value, runs })
  return spread === undefined ? SINGLE_NOISE : Math.max(LEAST_NOISE, (4 * spread) / (runs.length - 1))
}

/** `about`: the goal lies within the noise of what was measured, and another run may say the one or the other. */
export type Verdict = 'ok' | 'about' | 'falls short'

/** Whether the goal is met; undefined where there is none, or nobody to compare with. */
export function verdictOf(figure: Figure): Verdict | undefined {
  const { goal, unit, value, peer } = figure
  if (!goal) return undefined
  if ('value' in goal) return judge(-worseBy(unit, goal.value, value), EXACT.includes(unit) ? 0 : noiseOf(figure))
  const isOfRival = goal.of === 'rival'
  const ratio = isOfRival ? rivalRatioOf(figure) : peerRatioOf(figure)
  // Of the rival there is the median alone.
  const noise = noiseOf(figure) + (isOfRival || !peer ? LEAST_NOISE : noiseOf(peer))
  return ratio === undefined ? undefined : judge(ratio / goal.ratio - 1, noise)
}

/** `margin`: by what share it is better than the goal. */
function judge(margin: number, noise: number): Verdict {
  if (margin !== 0 && Math.abs(margin) < noise) return 'about'
  return margin >= 0 ? 'ok' : 'falls short'
}

export function goalText({ goal, unit }: Figure): string {
  if (!goal) return ''
  if ('ratio' in goal) return `≥ ${numberText(goal.ratio)} ×`
  return `${UNITS[unit] === 'more' ? '≥' : '≤'} ${numberText(goal.value)} ${unit}`
}

/** `625,000`, and behind it the spread of its runs where there were several: `625,000 ±3 %`. */
export function runsText(figure: { readonly value: number; readonly runs?: readonly number[] }, unit = ''): string {
  const spread = spreadOf(figure)
  const text = `${numberText(figure.value)}${unit && ` ${unit}`}`
  return spread === undefined ? text : `${text} ±${Math.round(spread * 100)} %`
}

/** Three significant digits, and groups of thousands. */
export function numberText(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return Number(value.toPrecision(value >= 1000 ? 4 : 3)).toLocaleString('en-US', { maximumFractionDigits: digits })
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** Linear between the nearest ranks. `percent` 0-100. */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) throw new RangeError('no values')
  const sorted = values.toSorted((a, b) => a - b)
  const rank = ((sorted.length - 1) * percent) / 100
  const low = sorted[Math.floor(rank)] ?? 0
  const high = sorted[Math.ceil(rank)] ?? low
  return low + (high - low) * (rank - Math.floor(rank))
}
