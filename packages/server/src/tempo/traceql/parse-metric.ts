import {
  METRICS,
  type Compare,
  type Comparison,
  type Metric,
  type SecondStage,
  type SeriesExpression,
  type Target,
} from './ast.ts'
import type { Cursor } from './cursor.ts'
import { parseFilter } from './expression.ts'

const COMPARES: readonly string[] = ['=', '!=', '<', '<=', '>', '>=']
const TARGET = 'an attribute (span.name, resource.name) or a field (duration, name, status)'
/** As many as a store groups by. */
const MAX_KEYS = 3

/** Whether the next word is a function of numbers over time, and is called. */
export function isMetric({ token }: Cursor): boolean {
  return token.type === 'word' && METRICS.some((name) => name === token.text)
}

/** Where {@link isMetric}. @throws TraceqlError */
export function parseMetric(cursor: Cursor): Metric {
  const { at } = cursor
  const word = cursor.take() as { readonly text: string }
  const name = METRICS.find((each) => each === word.text)!
  cursor.expect('(')
  const comparison = name === 'compare' ? parseComparison(cursor) : undefined
  const isOfSpans = name === 'rate' || name === 'count_over_time' || name === 'compare'
  const of = isOfSpans ? undefined : targetOf(cursor)
  const quantiles = name === 'quantile_over_time' ? parseQuantiles(cursor) : []
  cursor.close(')', at)
  const by = comparison ? [] : parseBy(cursor)
  return { name, of, quantiles, comparison, by, at }
}

/** What comes after numbers over time, when there is something. */
export function parseSecondStages(cursor: Cursor, of: SeriesExpression): SeriesExpression {
  const { at } = cursor
  const second: SecondStage[] = []
  for (let next = parseSecond(cursor); next; next = parseSecond(cursor)) second.push(next)
  if (second.length > 0 && of.op === 'series' && of.metric.comparison)
    throw cursor.fail('nothing comes after compare()', at)
  return second.length === 0 ? of : { op: 'then', of, second, at }
}

/** `{ selection }, top, from, to`: all but the first may be left out, the last two together. */
function parseComparison(cursor: Cursor): Comparison {
  const selection = parseFilter(cursor)
  if (!selection) throw cursor.unexpected('a filter in braces, as in compare({ status = error })')
  const numbers: bigint[] = []
  while (numbers.length < 3 && cursor.takeSign(',')) {
    const { token } = cursor
    if (token.type !== 'number' || token.unit || (typeof token.value === 'number' && !Number.isInteger(token.value)))
      throw cursor.unexpected('a whole number')
    cursor.take()
    numbers.push(BigInt(token.value))
  }
  if (numbers.length === 2) throw cursor.unexpected('the end of the selection, nanoseconds since 1970')
  const [top = 10n, from, to] = numbers
  return { selection, top: Number(top), from, to }
}

function parseQuantiles(cursor: Cursor): number[] {
  const quantiles: number[] = []
  do {
    if (!cursor.takeSign(',')) throw cursor.unexpected('", 0.9" (one quantile or several)')
    const { token } = cursor
    if (token.type !== 'number' || token.unit) throw cursor.unexpected('a number from 0 to 1')
    const share = Number(token.value)
    if (!(share >= 0 && share <= 1)) throw cursor.fail(`${share} is no quantile: from 0 to 1`)
    cursor.take()
    quantiles.push(share)
  } while (cursor.sign() === ',')
  return quantiles
}

function parseBy(cursor: Cursor): readonly Target[] {
  if (!cursor.isWord('by')) return []
  cursor.take()
  const targets = parseTargets(cursor)
  if (targets.length > MAX_KEYS)
    throw cursor.fail(
      `${targets.length} keys; numbers over time are grouped by at most ${MAX_KEYS}`,
      targets[MAX_KEYS]!.at,
    )
  return targets
}

/** `(a, b)`. */
export function parseTargets(cursor: Cursor): readonly Target[] {
  const open = cursor.at
  cursor.expect('(')
  const targets: Target[] = []
  do targets.push(targetOf(cursor))
  while (cursor.takeSign(','))
  cursor.close(')', open)
  return targets
}

function targetOf(cursor: Cursor): Target {
  const target = cursor.target()
  if (!target) throw cursor.unexpected(TARGET)
  return target
}

function parseSecond(cursor: Cursor): SecondStage | undefined {
  if (cursor.takeSign('|')) {
    const { token } = cursor
    const op = token.type === 'word' && (token.text === 'topk' || token.text === 'bottomk') ? token.text : undefined
    if (!op) throw cursor.unexpected('topk(10) or bottomk(10)')
    cursor.take()
    cursor.expect('(')
    const count = numberOf(cursor)
    if (!Number.isInteger(count) || count < 1) throw cursor.fail(`${op}() is of a whole number from 1`, token.at)
    cursor.close(')', token.at)
    return { op, count }
  }
  const sign = cursor.sign()
  if (sign === undefined || !COMPARES.includes(sign)) return undefined
  cursor.take()
  return { op: 'compare', compare: sign as Compare, value: numberOf(cursor) }
}

/** Durations as seconds. */
function numberOf(cursor: Cursor): number {
  const factor = cursor.takeSign('-') ? -1 : 1
  const { token } = cursor
  if (token.type !== 'number') throw cursor.unexpected('a number')
  cursor.take()
  return (factor * Number(token.value)) / (token.unit ? 1e9 : 1)
}

/** `with (key=value, …)`: how Tempo should go about it. It is read, and has no effect. */
export function parseHints(cursor: Cursor): void {
  while (cursor.isWord('with')) {
    const { at } = cursor.take()
    cursor.expect('(')
    do {
      if (cursor.token.type !== 'word') throw cursor.unexpected('the name of a hint')
      cursor.take()
      cursor.expect('=')
      const { token } = cursor
      if (token.type !== 'word' && token.type !== 'number' && token.type !== 'string')
        throw cursor.unexpected('the value of a hint')
      cursor.take()
    } while (cursor.takeSign(','))
    cursor.close(')', at)
  }
}
