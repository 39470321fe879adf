import type { GroupKey, Level } from '../../contract.ts'
import type { Parameters } from './parameters.ts'
import { serviceSql } from './service.ts'

const FIELDS = {
  service: serviceSql(),
  name: 'SpanName',
  kind: 'lower(SpanKind)',
  status: 'lower(StatusCode)',
} as const

const MAPS = { span: 'SpanAttributes', resource: 'ResourceAttributes', scope: 'SpoorScopeAttributes' } as const
const LISTS = { event: '`Events.Attributes`', link: '`Links.Attributes`' } as const
const LEVELS: readonly Exclude<Level, 'any'>[] = ['span', 'resource', 'scope', 'event', 'link']

/** The text that a span has of a key, NULL where it has none; see {@link GroupKey}. */
export function groupValueSql(key: GroupKey, parameters: Parameters): string {
  if ('field' in key) return nullable(FIELDS[key.field])
  const { attribute, level = 'any' } = key
  const name = parameters.text(attribute)
  const levels = level === 'any' ? LEVELS : [level]
  return `multiIf(${levels.map((each) => inLevel(each, name)).join(', ')}, NULL)`
}

function nullable(text: string): string {
  return `CAST(${text}, 'Nullable(String)')`
}

/** Whether the level has it, and what. Of several the least. */
function inLevel(level: (typeof LEVELS)[number], key: string): string {
  if (level === 'event' || level === 'link') {
    const all = `arrayFlatten(arrayMap(m -> ${valuesIn('m', key)}, ${LISTS[level]}))`
    return `arrayExists(m -> mapContains(m, ${key}), ${LISTS[level]}), ${nullable(least(all))}`
  }
  const map = MAPS[level]
  const only = `${map}[${key}]`
  const one = `if(countEqual(mapKeys(${map}), ${key}) = 1, ${only}, ${least(valuesIn(map, key))})`
  return `mapContains(${map}, ${key}), ${nullable(one)}`
}

function valuesIn(map: string, key: string): string {
  return `arrayFilter((v, k) -> k = ${key}, mapValues(${map}), mapKeys(${map}))`
}

/**
 * By code units, and not by bytes: what is beyond the first 65,536 characters comes before the last 8,192 of these. Their first bytes are those that are put behind all others.
 */
function least(texts: string): string {
  return String.raw`arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), ${texts})[1]`
}
