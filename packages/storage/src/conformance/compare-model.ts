import type { CompareQuery, Difference, Differences, GroupKey } from '../contract.ts'
import { countedOf, groupValue } from './aggregate-model.ts'
import type { SentSpan } from './spans.ts'

/** All differences, by decoded spans, in no order; with `keys`. */
export function expectedDifferences(
  sent: readonly SentSpan[],
  { a, b, keys = [] }: CompareQuery,
): Pick<Differences, 'a' | 'b' | 'differences'> {
  const [first, second] = [countedOf(sent, a), countedOf(sent, b)]
  const differences = keys.flatMap((key) => {
    const values = new Set([...first, ...second].map((span) => groupValue(key, span)))
    return [...values].map((value) => differenceOf(key, value, first, second))
  })
  return { a: first.length, b: second.length, differences: differences.filter(({ surprise }) => surprise > 0) }
}

function differenceOf(
  key: GroupKey,
  value: string | undefined,
  first: readonly SentSpan[],
  second: readonly SentSpan[],
): Difference {
  const have = (spans: readonly SentSpan[]): number => spans.filter((span) => groupValue(key, span) === value).length
  const [a, b] = [have(first), have(second)]
  return { key, value, a, b, surprise: newcombe(a, first.length, b, second.length) }
}

/** How far Newcombe's interval (method 10) for the difference of two shares is from 0. */
function newcombe(a: number, ofA: number, b: number, ofB: number): number {
  if (ofA === 0 || ofB === 0) return 0
  const [one, other] = [wilson(b, ofB), wilson(a, ofA)]
  const difference = b / ofB - a / ofA
  const lower = difference - Math.sqrt((b / ofB - one.low) ** 2 + (other.high - a / ofA) ** 2)
  const upper = difference + Math.sqrt((one.high - b / ofB) ** 2 + (a / ofA - other.low) ** 2)
  return lower > 0 ? lower : upper < 0 ? -upper : 0
}

/** The roots of |p - x/n| = z sqrt(p (1 - p) / n). */
function wilson(x: number, n: number): { readonly low: number; readonly high: number } {
  const z = 1.959964
  const middle = (2 * x + z * z) / (2 * (n + z * z))
  const half = (z * Math.sqrt(z * z + (4 * x * (n - x)) / n)) / (2 * (n + z * z))
  return { low: middle - half, high: middle + half }
}
