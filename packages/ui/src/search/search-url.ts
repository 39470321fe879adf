import type { Parameters } from '../api/client.ts'
import { timeSpan } from '../url/only.ts'
import { unshown } from '../format/outside.ts'

export const orders = [
  'newest',
  'oldest',
  'longest',
  'shortest',
  'longest_tail',
  'longest_match',
  'most_spans',
  'most_errors',
] as const
export type Order = (typeof orders)[number]

/** What the groups are sorted by, the greatest first. */
export const groupSorts = ['count', 'errors', 'total', 'p95'] as const
export type GroupSort = (typeof groupSorts)[number]

/** What stands above the list: all that matches, by operation, its errors, where its time went (by service, or by call path), or nothing. */
export const panels = ['operations', 'errors', 'bottleneck', 'flame', 'none'] as const
export type Panel = (typeof panels)[number]

/** What the widths of a flame graph are. */
export type FlameMeasure = 'total' | 'self' | 'critical'
const flameShows = ['self', 'critical', 'table'] as const

/**
 * The state of the search page, as the URL holds it. Everything is text, so that what a person types in the address bar is what it is.
 * Absent means the default.
 */
export interface SearchUrl {
  /** The query text. */
  readonly q?: string
  /** A time span back from now (`1h`, `2d`), or `all`. Default `1h`. Not used when `from` is set. */
  readonly range?: string
  /** Nanoseconds since 1970, decimal. */
  readonly from?: string
  readonly to?: string
  /** Bounds on a trace's duration, Go form: `200ms`. */
  readonly min?: string
  readonly max?: string
  readonly order?: Order
  /** `1`: traces are shown as they come. Only where the newest are first, as nothing else can be at its place when it comes. */
  readonly live?: string
  /** Default `operations`. */
  readonly panel?: Panel
  /** Default `count`. */
  readonly groups?: GroupSort
  /** The flame graph by another measure, or as a table. Default: by total time. */
  readonly flame?: (typeof flameShows)[number]
}

export const defaultRange = '1h'

/** Reads the page's own parameters and, where a link was made for Jaeger's search page, Jaeger's. */
export function readSearchUrl(raw: Readonly<Record<string, unknown>>): SearchUrl {
  const text = (key: string) => {
    const value = raw[key]
    const first: unknown = Array.isArray(value) ? value[0] : value
    return typeof first === 'string' && first !== '' ? first : undefined
  }
  const order = orders.find((order) => order === text('order'))
  const jaeger = isJaeger(raw) ? readJaeger(text) : {}
  const from = wholeNumber(text('from'))
  const to = wholeNumber(text('to'))
  return compact({
    q: text('q'),
    range: text('range') ?? timeSpan(text('from')),
    from,
    to,
    min: text('min'),
    max: text('max'),
    order,
    live: text('live') === '1' && (order ?? 'newest') === 'newest' ? '1' : undefined,
    panel: panels.find((panel) => panel === text('panel')),
    groups: groupSorts.find((sort) => sort === text('groups')),
    flame: flameShows.find((show) => show === text('flame')),
    ...jaeger,
  })
}

const jaegerKeys = ['service', 'operation', 'lookback', 'tags', 'tag', 'minDuration', 'maxDuration', 'start', 'end']

export function isJaeger(raw: Readonly<Record<string, unknown>>): boolean {
  return jaegerKeys.some((key) => raw[key] !== undefined)
}

function readJaeger(text: (key: string) => string | undefined): Partial<SearchUrl> {
  const terms: string[] = []
  const service = text('service')
  if (service && service !== '__all_services__') terms.push(`service:${quote(service)}`)
  const operation = text('operation')
  if (operation && operation !== '__all_operations__' && operation !== 'all') terms.push(`name:${quote(operation)}`)
  for (const [key, value] of tagsOf(text)) terms.push(`${key}:${quote(value)}`)
  const lookback = text('lookback')
  const start = wholeNumber(text('start'))
  const end = wholeNumber(text('end'))
  const fixed = start !== undefined && (lookback === undefined || lookback === 'custom')
  const times = fixed
    ? { from: `${start}000`, ...(end && { to: `${end}000` }) }
    : { range: lookback && hoursOf(lookback) }
  return compact({ q: terms.join(' ') || undefined, ...times, min: text('minDuration'), max: text('maxDuration') })
}

function tagsOf(text: (key: string) => string | undefined): [string, string][] {
  const tag = text('tag')
  const single: [string, string][] = []
  if (tag?.includes(':')) single.push([tag.slice(0, tag.indexOf(':')), tag.slice(tag.indexOf(':') + 1)])
  try {
    const parsed: unknown = JSON.parse(text('tags') ?? '{}')
    if (typeof parsed !== 'object' || parsed === null) return single
    return [...single, ...Object.entries(parsed).map(([key, value]): [string, string] => [key, String(value)])]
  } catch {
    return single
  }
}

/** Jaeger's lookbacks have days and weeks, Go's durations end at hours. */
function hoursOf(lookback: string): string {
  const match = /^(\d+)([dw])$/.exec(lookback)
  if (!match) return lookback
  return `${Number(match[1]) * (match[2] === 'w' ? 168 : 24)}h`
}

function wholeNumber(text: string | undefined): string | undefined {
  return text && /^\d+$/.test(text) ? text : undefined
}

/** A value, as it is or as it is shown, as a query term needs it: in quotes when a space or a sign of the language is in it. */
export function quote(text: string): string {
  const value = unshown(text)
  return /^[^\s"(),:=<>!~*\\{}|&]+$/.test(value) ? value : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** What the API is asked for this URL. */
export function searchParameters(url: SearchUrl): Parameters {
  const range = url.range ?? defaultRange
  const times = url.from ? { from: url.from, to: url.to } : { from: range === 'all' ? undefined : range }
  return { q: url.q, ...times, minTraceDuration: url.min, maxTraceDuration: url.max, order: url.order }
}

/** Leaves out what is undefined, so that it is not in the address bar. */
function compact<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
