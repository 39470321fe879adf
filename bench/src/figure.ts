/** One line of the result: what Spoor does, what its rival does in the same run, and what was aimed at. */
export interface Figure {
  readonly name: string
  readonly unit: Unit
  /** Spoor's median. */
  readonly value: number
  /** The rival's median; undefined where there is no rival. */
  readonly rival?: number
  readonly goal?: Goal
  /** What a reader must know to read the figure right. */
  readonly note?: string
}

/**
 * `more`: more is better. The rest: less is better.
 */
export type Unit = keyof typeof UNITS

const UNITS = {
  'ns/span': 'less',
  'spans/CPU s': 'more',
  'bytes/span': 'less',
  MB: 'less',
  kB: 'less',
  ms: 'less',
} as const

export type Goal =
  /** At least that many times better than the rival. */
  | { readonly ratio: number }
  /** At most, or with a unit of which more is better at least, that value. */
  | { readonly value: number }

/** How many times better than the rival; undefined without one. */
export function ratioOf(figure: Figure): number | undefined {
  if (figure.rival === undefined) return undefined
  return UNITS[figure.unit] === 'more' ? figure.value / figure.rival : figure.rival / figure.value
}

export type Verdict = 'ok' | 'falls short'

/** Whether the goal is met; undefined where there is none. */
export function verdictOf(figure: Figure): Verdict | undefined {
  const { goal, unit, value } = figure
  if (!goal) return undefined
  const met =
    'ratio' in goal
      ? (ratioOf(figure) ?? 0) >= goal.ratio
      : UNITS[unit] === 'more'
        ? value >= goal.value
        : value <= goal.value
  return met ? 'ok' : 'falls short'
}

export function goalText({ goal, unit }: Figure): string {
  if (!goal) return ''
  if ('ratio' in goal) return `≥ ${goal.ratio} ×`
  return `${UNITS[unit] === 'more' ? '≥' : '≤'} ${numberText(goal.value)} ${unit}`
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
