import { afterEach, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { CollectorError } from './component/index.ts'
import { readGoldenCases, runHere, type GoldenCase, type Outcome } from './testkit/golden/index.ts'

/** Those whose answer is an outcome: where a configuration is refused, each key that is gone is another refusal. */
const cases = readGoldenCases(import.meta.dirname).filter(({ here }) => here === undefined)

const COMPONENTS = [
  'attributes',
  'resource',
  'filter',
  'transform',
  'redaction',
  'span',
  'tail_sampling',
  'probabilistic_sampler',
  'groupbytrace',
  'span_metrics',
  'service_graph',
  'routing',
  'count',
  'exceptions',
]

const CACHE = 'of a cache of matches, which changes the speed alone'
const NAME = 'a name that only logs and metrics have'
const SIZE = 'of memory and concurrency, which change no outcome'
const REFUSES = 'what it changes is that a request is refused, which no pair has; the component has a test of it'
const NO_EFFECT = 'has no effect, as its page says'
const REFUSED = 'is not supported: what enables it is refused, which other pairs show'
const LATE = 'of a quarter of an hour without a span, which no pair lasts'
const WAITS = 'what it changes is that a sender waits, which no pair has; the component has a test of it'
const NOTHING = 'a metric that counts nothing, as no item has a key twice'

/** Keys without which every pair has the same outcome, and why. */
const UNNOTICED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  attributes: {
    'exclude.regexp': CACHE,
    'exclude.regexp.cacheenabled': CACHE,
    'exclude.regexp.cachemaxnumentries': CACHE,
    'include.regexp': CACHE,
    'include.regexp.cacheenabled': CACHE,
    'include.regexp.cachemaxnumentries': CACHE,
  },
  filter: {
    error_mode: REFUSES,
    'metrics.regexp': CACHE,
    'metrics.regexp.cacheenabled': CACHE,
    'metrics.regexp.cachemaxnumentries': CACHE,
    'metrics.exclude.regexp': CACHE,
    'metrics.exclude.regexp.cacheenabled': CACHE,
    'metrics.exclude.regexp.cachemaxnumentries': CACHE,
    'metrics.include.regexp': CACHE,
    'metrics.include.regexp.cacheenabled': CACHE,
    'metrics.include.regexp.cachemaxnumentries': CACHE,
    'spans.exclude.regexp': CACHE,
    'spans.exclude.regexp.cacheenabled': CACHE,
    'spans.exclude.regexp.cachemaxnumentries': CACHE,
    'spans.include.regexp': CACHE,
    'spans.include.regexp.cacheenabled': CACHE,
    'spans.include.regexp.cachemaxnumentries': CACHE,
  },
  transform: {
    error_mode: REFUSES,
    'trace_statements[].error_mode': REFUSES,
  },
  redaction: {
    db_sanitizer: REFUSED,
    'db_sanitizer.sql': REFUSED,
    'db_sanitizer.sql.attributes': REFUSED,
    'db_sanitizer.sql.enabled': REFUSED,
    url_sanitizer: REFUSED,
    'url_sanitizer.attributes': REFUSED,
    'url_sanitizer.enabled': REFUSED,
  },
  span: {
    'exclude.regexp': CACHE,
    'exclude.regexp.cacheenabled': CACHE,
    'exclude.regexp.cachemaxnumentries': CACHE,
    'include.regexp': CACHE,
    'include.regexp.cacheenabled': CACHE,
    'include.regexp.cachemaxnumentries': CACHE,
  },
  tail_sampling: {
    'policies[].and.and_sub_policy[].name': NAME,
    'policies[].and.and_sub_policy[].not.not_sub_policy.name': NAME,
    'policies[].composite.composite_sub_policy[].and.and_sub_policy[].name': NAME,
    'policies[].drop.drop_sub_policy[].name': NAME,
    'policies[].drop.drop_sub_policy[].not.not_sub_policy.name': NAME,
    'policies[].not.not_sub_policy.name': NAME,
    'policies[].string_attribute.cache_max_size': CACHE,
    num_shards: SIZE,
    expected_new_traces_per_sec: SIZE,
    block_on_overflow: WAITS,
    'policies[].composite.policy_order': NO_EFFECT,
  },
  groupbytrace: {
    num_workers: SIZE,
  },
  span_metrics: {
    add_resource_attributes: NO_EFFECT,
    dimensions_cache_size: NO_EFFECT,
  },
  service_graph: {
    cache_loop: LATE,
    metrics_exporter: NO_EFFECT,
  },
  routing: {
    error_mode: REFUSES,
  },
  count: {
    profiles: NO_EFFECT,
    'profiles.p': NO_EFFECT,
    'profiles.p.description': NO_EFFECT,
    'spans.twice': NOTHING,
  },
}

type Place = readonly (string | number)[]

/** Where the keys of a configuration stand. */
function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item, index) => placesIn(item, [...at, index]))
  return Object.entries(value).flatMap(([key, inner]) => [[...at, key], ...placesIn(inner, [...at, key])])
}

/** A place as pages have it: `actions[].key`. */
const nameOf = (place: Place): string =>
  place.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[]` : name === '' ? part : `${name}.${part}`),
    '',
  )

function without(golden: GoldenCase, place: Place): GoldenCase {
  const config: unknown = parse(golden.config)
  let holder = config as Record<string | number, unknown>
  for (const part of place.slice(0, -1)) holder = holder[part] as typeof holder
  delete holder[place.at(-1)!]
  return { ...golden, config: stringify(config).replaceAll(/^(?=.)/gm, '  ') }
}

/** What comes out, or what the first request was refused with. */
async function outcomeOf(golden: GoldenCase): Promise<Outcome> {
  try {
    return await ran(golden)
  } catch (error) {
    if (!(error instanceof CollectorError)) throw error
    return { error: error.message }
  }
}

async function ran(golden: GoldenCase): Promise<Outcome> {
  if (golden.pauseMs === 0) return runHere(golden, async () => {})
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
  const found = await runHere(golden, (ms) => vi.advanceTimersByTimeAsync(ms))
  vi.useRealTimers()
  return found
}

afterEach(() => void vi.useRealTimers())

/** Whether any pair has another outcome without the key. */
async function isNoticed(places: readonly { golden: GoldenCase; place: Place; before: string }[]): Promise<boolean> {
  for (const { golden, place, before } of places)
    if (JSON.stringify(await outcomeOf(without(golden, place))) !== before) return true
  return false
}

test.each(COMPONENTS)('each key of %s changes what comes out of some pair', { timeout: 120_000 }, async (type) => {
  const byKey = new Map<string, { golden: GoldenCase; place: Place; before: string }[]>()
  for (const golden of cases.filter((each) => each.type === type)) {
    const before = JSON.stringify(await outcomeOf(golden))
    for (const place of placesIn(parse(golden.config))) {
      const key = nameOf(place)
      byKey.set(key, [...(byKey.get(key) ?? []), { golden, place, before }])
    }
  }
  const unnoticed: string[] = []
  for (const [key, places] of byKey) if (!(await isNoticed(places))) unnoticed.push(key)
  expect(unnoticed.toSorted()).toEqual(Object.keys(UNNOTICED[type] ?? {}).toSorted())
})
