import { GROUP_FIELDS, type GroupKey, type Level } from '@spoor/storage'
import type { StoreQueries } from '../api/store-queries.ts'
import type { QueryCall } from '../http/query-call.ts'
import { type KeyValueJson, textJson } from './any-value.ts'
import type { Effort, Plan } from './metric-plan.ts'
import type { Series } from './second-stage.ts'
import type { TimeRange } from './steps.ts'

/** Attributes that are looked at: the most frequent of each level. */
const KEYS: readonly (readonly [Level, number])[] = [
  ['span', 60],
  ['resource', 36],
]
const MAX_DIFFERENCES = 1_000

/**
 * `compare()`: how many spans of the selection, and of all others, have which values; those that differ by more than chance, of the attributes that differ most. One number for all of the time, at the
 * last point; totals are of all spans, with the attribute or without.
 */
export async function comparison(
  store: StoreQueries,
  { metric, scope, selected }: Plan,
  range: TimeRange,
  points: number,
  call: QueryCall,
  effort: Effort,
): Promise<Series[]> {
  const { top, from, to } = metric.comparison!
  const keys: GroupKey[] = GROUP_FIELDS.map((field) => ({ field }))
  for (const [level, limit] of KEYS)
    for (const attribute of await store.attributeKeys(limit, call, level))
      if (attribute !== 'service.name') keys.push({ attribute, level })
  const part = { from: atLeast(from, range.from), to: atMost(to, range.to) }
  const asked = { a: { ...scope, ...range }, b: { ...selected, ...part }, rest: true, keys, limit: MAX_DIFFERENCES }
  const { a, b, differences, ...end } = await store.compare(asked, call)
  effort.bytes += end.bytesRead
  effort.spans += end.spansScanned
  if (!end.complete) effort.complete = false
  const series: Series[] = []
  const add = (type: string, label: KeyValueJson, count: number): void => {
    const values = new Float64Array(points).fill(Number.NaN)
    values[points - 1] = count
    series.push({ labels: [{ key: '__meta_type', value: { stringValue: type } }, label], values })
  }
  const told = new Map<string, number>()
  for (const { key, value, a: others, b: own } of differences) {
    if (value === undefined) continue
    const name = nameOf(key)
    const count = told.get(name) ?? 0
    told.set(name, count + 1)
    if (count >= top) continue
    add('baseline', { key: name, value: textJson(value) }, others)
    add('selection', { key: name, value: textJson(value) }, own)
  }
  for (const name of told.keys()) {
    add('baseline_total', { key: name, value: textJson(undefined) }, a)
    add('selection_total', { key: name, value: textJson(undefined) }, b)
  }
  return series
}

function nameOf(key: GroupKey): string {
  if (!('field' in key)) return `${key.level}.${key.attribute}`
  return key.field === 'service' ? 'resource.service.name' : key.field
}

function atLeast(value: bigint | undefined, least: bigint): bigint {
  return value === undefined || value < least ? least : value
}

function atMost(value: bigint | undefined, most: bigint): bigint {
  return value === undefined || value > most ? most : value
}
