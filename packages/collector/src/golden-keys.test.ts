import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { componentPage } from './config/reference.ts'
import { builtinFactories } from './factories.ts'
import { readGoldenCases } from './testkit/golden/index.ts'

const cases = readGoldenCases(import.meta.dirname)

const OF_MACHINE = [
  'host.id',
  ...['vendor.id', 'family', 'model.id', 'model.name', 'stepping', 'cache.l2.size'].map((of) => `host.cpu.${of}`),
]

/**
 * Of each component that is held to a real collector, the keys that none can be asked about: extensions, attributes that not every machine has, and
 * what no version has that can be had.
 */
const NOT_ASKED: Readonly<Record<string, readonly string[]>> = {
  attributes: [],
  resource: [],
  filter: [],
  transform: [],
  redaction: [],
  span: [],
  resource_detection: [
    'env',
    'env.allowlist',
    ...OF_MACHINE.flatMap((name) => [
      `system.resource_attributes.${name}`,
      `system.resource_attributes.${name}.enabled`,
    ]),
  ],
  probabilistic_sampler: [],
  tail_sampling: ['storage', 'max_memory_bytes', 'max_held_bytes', 'decide_early', 'record_policy'],
  groupbytrace: ['storage', 'max_memory_bytes', 'max_held_bytes'],
  span_metrics: [],
  service_graph: ['metrics_timestamp_offset'],
  routing: [],
  count: [],
  exceptions: [],
  forward: [],
}

function keysOf(type: string): string[] {
  const factory = builtinFactories.find((each) => each.type === type && each.kind !== 'receiver')!
  return [...componentPage(factory).matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!)
}

/** The keys of a configuration, as pages have them: `actions[].key`. */
function keysIn(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysIn(item, `${prefix.slice(0, -1)}[].`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [prefix + key, ...keysIn(inner, `${prefix}${key}.`)])
}

test.each(Object.entries(NOT_ASKED))('a real collector was asked about each key of %s', (type, notAsked) => {
  const asked = new Set(cases.filter((each) => each.type === type).flatMap(({ config }) => keysIn(parse(config))))
  expect(keysOf(type).filter((key) => !asked.has(key))).toEqual(notAsked)
})
