import {
  GROUP_FIELDS,
  StorageError,
  type CompareQuery,
  type CompareScope,
  type Difference,
  type Differences,
  type GroupKey,
  type OnPartial,
} from '../../../contract.ts'
import { sampleAttributes } from '../attribute-sample.ts'
import { whole } from '../plan.ts'
import { widened } from '../trace-ids.ts'
import type { TakeRows } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { GroupValues, NO_VALUE, UNKNOWN_VALUE } from './group-values.ts'
import { valuesOfAll } from './many-values.ts'
import { Growth } from './growth.ts'
import { wholeOf, type Blocks } from './parts.ts'
import { checkKey, scopeOf, type ScopePlan } from './plan.ts'
import { eachCounted, partsOf } from './spans.ts'

const MAX_KEYS = 100
const DEFAULT_ATTRIBUTES = 50
/** Of one key. */
export const MAX_VALUES = 10_000
/** Two sides of a normal distribution with 95 % between them. */
const Z = 1.959964

/** Counts the values of all keys in both sets, by columns where there are some. Out of time or memory, what was counted is compared. */
export async function compare(
  blocks: Blocks,
  query: CompareQuery,
  turn: Turn,
  tell?: OnPartial<Differences>,
): Promise<Differences> {
  const limit = whole(query.limit ?? 50, 'limit', 1, 1_000)
  const [a, b] = [sideOf('a', query.a, blocks, turn), sideOf('b', query.b, blocks, turn)]
  const keys = query.keys ?? (await defaultKeys(blocks, turn))
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw new StorageError('bad_query', `keys: a list of at most ${MAX_KEYS} keys is needed`)
  for (const [i, key] of keys.entries()) checkKey(key as GroupKey, `keys[${i}]`)
  const shares = keys.map((key: GroupKey) => new Shares(key, turn))
  const values = shares.map((own) => own.values)
  const totals = { a: 0, b: 0 }
  const isRest = query.rest === true
  const answer = (): Differences => differencesOf(shares, totals, { isRest, limit }, turn)
  const growth = new Growth(turn, partsOf(blocks, a) + partsOf(blocks, b), answer, tell)
  for (const side of ['a', 'b'] as const) {
    const count: TakeRows = async (block, rows, wanted) => {
      for (const member of wanted) totals[side] += member
      const all = await valuesOfAll(values, block, rows, wanted, turn)
      for (const [i, numbers] of (all ?? []).entries())
        for (let row = 0; row < wanted.length; row++) if (wanted[row]) shares[i]!.count(side, numbers[row]!)
    }
    await eachCounted(blocks, side === 'a' ? a : b, turn, count, growth, { side })
  }
  return answer()
}

/** What the counts of all keys come to. */
export function differencesOf(
  shares: readonly Shares[],
  totals: Counts,
  { isRest, limit }: { readonly isRest: boolean; readonly limit: number },
  turn: Turn,
): Differences {
  const sizes = withoutRest(totals, isRest)
  return {
    ...sizes,
    // Sorting keeps the order of keys and values where there is no other.
    differences: shares
      .flatMap((own) => own.differences(sizes, isRest))
      .sort((one, other) => other.surprise - one.surprise || apart(other, sizes) - apart(one, sizes))
      .slice(0, limit),
    complete: turn.complete,
    spansScanned: turn.spans,
    bytesRead: turn.bytesRead,
    elapsedMs: turn.elapsedMs,
  }
}

/** Where `a` is compared without what is in `b`, what is left of it. */
function withoutRest({ a, b }: Counts, isRest: boolean): Counts {
  return { a: isRest ? Math.max(0, a - b) : a, b }
}

/** Throws StorageError `bad_query`, naming the side. */
function sideOf(name: string, scope: CompareScope, blocks: Blocks, turn: Turn): ScopePlan {
  if (!scope || typeof scope !== 'object') throw new StorageError('bad_query', `${name}: a set to compare is needed`)
  try {
    return scopeOf(scope, wholeOf(blocks), turn)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    throw new StorageError(error.code, `${name}: ${error.message}`, { cause: error })
  }
}

async function defaultKeys(blocks: Blocks, turn: Turn): Promise<GroupKey[]> {
  const attributes = await sampleAttributes(wholeOf(blocks), {}, DEFAULT_ATTRIBUTES + 1, turn)
  const isOther = (key: string): boolean => key !== 'service.name'
  return [
    ...GROUP_FIELDS.map((field) => ({ field })),
    ...attributes
      .filter(isOther)
      .map((attribute) => ({ attribute }))
      .slice(0, DEFAULT_ATTRIBUTES),
  ]
}

interface Counts {
  readonly a: number
  readonly b: number
}

/** How many of each side have which value of one key. */
export class Shares {
  readonly values: GroupValues
  readonly #key: GroupKey
  readonly #counts = { a: new Uint32Array(16), b: new Uint32Array(16) }

  constructor(key: GroupKey, turn: Turn) {
    this.#key = key
    this.values = new GroupValues(key, turn, MAX_VALUES)
  }

  /** Counts so many that have a value, undefined for none. */
  countText(side: 'a' | 'b', text: string | undefined, count: number): void {
    this.count(side, text === undefined ? NO_VALUE : this.values.numberOf(text), count)
  }

  count(side: 'a' | 'b', number: number, count = 1): void {
    if (number === UNKNOWN_VALUE) return
    while (number >= this.#counts[side].length)
      this.#counts[side] = widened(this.#counts[side], 2 * this.#counts[side].length)
    this.#counts[side][number]! += count
  }

  /** By value. */
  differences(totals: Counts, isRest: boolean): Difference[] {
    const found: Difference[] = []
    for (let number = 0; number < this.values.size; number++) {
      const { a, b } = withoutRest({ a: this.#counts.a[number] ?? 0, b: this.#counts.b[number] ?? 0 }, isRest)
      const surprise = surpriseOf({ a, b }, totals)
      if (surprise > 0) found.push({ key: this.#key, value: this.values.text(number), a, b, surprise })
    }
    const text = ({ value }: Difference): string => value ?? ''
    return found.sort((one, other) => (text(one) < text(other) ? -1 : 1))
  }
}

/** See {@link Difference.surprise}. */
function surpriseOf({ a, b }: Counts, totals: Counts): number {
  if (totals.a === 0 || totals.b === 0) return 0
  const [shareA, shareB] = [a / totals.a, b / totals.b]
  // Of the two, the one whose share is greater may be less than it seems, the other one more.
  const [more, less] = shareB > shareA ? [shareB, shareA] : [shareA, shareB]
  const [moreOf, lessOf] = shareB > shareA ? [totals.b, totals.a] : [totals.a, totals.b]
  const doubt = Math.hypot(more - wilson(more, moreOf, -1), wilson(less, lessOf, 1) - less)
  return Math.max(0, more - less - doubt)
}

/** One end of Wilson's interval for a share of `total`. */
function wilson(share: number, total: number, side: -1 | 1): number {
  const z2 = (Z * Z) / total
  return (share + z2 / 2 + side * Z * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total))) / (1 + z2)
}

function apart({ a, b }: Counts, totals: Counts): number {
  return Math.abs(a / totals.a - b / totals.b)
}
