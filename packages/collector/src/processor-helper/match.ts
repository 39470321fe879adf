/**
 * Which spans, log records or metrics a processor is for: `include` and `exclude`, as the OpenTelemetry Collector's `filterconfig` has them. An item
 * is selected where `include` matches or is absent, and `exclude` does not.
 */
import type { Attributes, ItemViews, ResourceView, ScopeView, Signal } from '@spoor/otlp'
import { z } from 'zod'
import { anyValue, section, stringList, withoutEffect, type SchemaIssue } from '../component/index.ts'
import { compileRegex, regexProblem } from './regex.ts'
import { isSameValue, scalarText, valueOf, valueText } from './value.ts'

const CACHE = 'expressions are matched in time that grows with the text, and nothing is remembered'
const attribute = section({ key: z.string().default(''), value: anyValue })
const attributeList = z.array(attribute).default([])
const texts = stringList.default([])

/** What properties of items are made of. */
export const matchParts = {
  match_type: z
    .enum(['strict', 'regexp'])
    .optional()
    .describe(
      'Whether the texts here are compared as they are, or are regular expressions (RE2) of which a part must match. **Required**.',
    ),
  regexp: withoutEffect(
    section({ cacheenabled: z.boolean().optional(), cachemaxnumentries: z.int().optional() }).optional(),
    CACHE,
  ),
  texts,
  attributes: attributeList,
}

const matchProperties = section({
  match_type: matchParts.match_type,
  regexp: matchParts.regexp,
  services: texts.describe("Of spans: the resource's `service.name`."),
  span_names: texts,
  span_kinds: texts.describe('As `SPAN_KIND_SERVER`.'),
  log_bodies: texts,
  log_severity_texts: texts,
  log_severity_number: section({
    min: z.int().default(0).describe('The lowest that matches.'),
    match_undefined: z.boolean().default(false).describe('Whether a record without a severity matches.'),
  }).optional(),
  metric_names: texts,
  attributes: attributeList.describe('All must be there: `key`, and `value` where that counts. Not for metrics.'),
  resources: attributeList.describe("The same of the resource's. For metrics it has no effect, as in the Collector."),
  libraries: z
    .array(section({ name: z.string().default(''), version: z.string().optional() }))
    .default([])
    .describe('Scopes, all of which must match: `name`, and `version` where that counts. Not for metrics.'),
})

export type MatchProperties = z.infer<typeof matchProperties>

/** Those that are named; nothing is asked of what is not. */
export function matchPropertiesOf(some: Partial<MatchProperties>): MatchProperties {
  return { ...matchProperties.parse({}), ...some }
}

type Key = keyof MatchProperties

/** The keys `include` and `exclude` of a processor. */
export const matchKeys = {
  include: matchProperties.optional().describe('Only what matches all of this is changed.'),
  exclude: matchProperties.optional().describe('What matches all of this is not.'),
}

export interface MatchConfig {
  readonly include?: MatchProperties | undefined
  readonly exclude?: MatchProperties | undefined
}

/** What may be asked of the items of a signal. */
const KEYS: Readonly<Record<Signal, readonly Key[]>> = {
  traces: ['services', 'span_names', 'span_kinds', 'attributes', 'resources', 'libraries'],
  logs: ['log_bodies', 'log_severity_texts', 'log_severity_number', 'attributes', 'resources', 'libraries'],
  metrics: ['metric_names', 'resources'],
}
const ALL_KEYS = [...new Set(Object.values(KEYS).flat())]

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((name) => `SPAN_KIND_${name}`)
const NO_SERVICE = '<nil-service-name>'

/** What is wrong with `include` and `exclude` for items of a signal. */
export function matchProblems(config: MatchConfig, signal: Signal): SchemaIssue[] {
  return (['include', 'exclude'] as const).flatMap((side) =>
    problemsOf(config[side], signal).map(({ path, message }) => ({ path: [side, ...path], message, code: 'custom' })),
  )
}

function problemsOf(properties: MatchProperties | undefined, signal: Signal): Pick<SchemaIssue, 'path' | 'message'>[] {
  if (!properties) return []
  const known = KEYS[signal]
  const asked = ALL_KEYS.filter((key) => isAsked(properties, key))
  const problems = asked
    .filter((key) => !known.includes(key))
    .map((key) => ({
      path: [key] as PropertyKey[],
      message: `not for ${signal}; of these it can be ${known.join(', ')}`,
    }))
  if (problems.length > 0) return problems
  if (asked.length === 0) return [{ path: [], message: `asks for nothing; name at least one of ${known.join(', ')}` }]
  const { match_type: type, span_kinds: kinds } = properties
  const compared = textsOf(properties, signal)
  if (type === undefined) {
    return compared.length === 0 ? [] : [{ path: [], message: 'needs a match_type: strict or regexp' }]
  }
  if (type === 'regexp') {
    for (const { path, text } of compared) {
      const message =
        typeof text === 'string'
          ? regexProblem(text)
          : 'regexp compares texts; write it in quotes, or take match_type: strict'
      if (message !== undefined) problems.push({ path, message })
    }
  } else {
    kinds.forEach((kind, i) => {
      if (!KINDS.slice(1).includes(kind))
        problems.push({
          path: ['span_kinds', i],
          message: `${JSON.stringify(kind)}: no kind of span; known: ${KINDS.slice(1).join(', ')}`,
        })
    })
  }
  for (const name of ['attributes', 'resources'] as const) {
    properties[name].forEach(({ key }, i) => {
      if (key === '') problems.push({ path: [name, i], message: 'needs a "key"' })
    })
  }
  return problems
}

function isAsked(properties: MatchProperties, key: Key): boolean {
  const value = properties[key]
  return Array.isArray(value) ? value.length > 0 : value !== undefined
}

/** All that is compared as `match_type` says, and where it is. What is ignored of metrics is not. */
function textsOf(properties: MatchProperties, signal: Signal): { path: PropertyKey[]; text: unknown }[] {
  const lists = ['services', 'span_names', 'span_kinds', 'log_bodies', 'log_severity_texts', 'metric_names'] as const
  const found = lists.flatMap((key) =>
    properties[key].map((text, i) => ({ path: [key, i] as PropertyKey[], text: text as unknown })),
  )
  if (signal === 'metrics') return found
  for (const key of ['attributes', 'resources'] as const) {
    properties[key].forEach(({ value }, i) => {
      if (value !== undefined && value !== null) found.push({ path: [key, i, 'value'], text: value })
    })
  }
  properties.libraries.forEach(({ name, version }, i) => {
    found.push({ path: ['libraries', i, 'name'], text: name })
    if (version !== undefined) found.push({ path: ['libraries', i, 'version'], text: version })
  })
  return found
}

/** Asked in the order of the bytes, as the visitor of an edit is called. */
export interface Selection<S extends Signal> {
  /** To be told of each resource and scope before its items. */
  readonly resource: (resource: ResourceView) => void
  readonly scope: (scope: ScopeView) => void
  readonly selects: (item: ItemViews[S]) => boolean
}

/** Undefined where everything is selected. The configuration must be without {@link matchProblems}. */
export function compileSelection<S extends Signal>(
  { include, exclude }: MatchConfig,
  signal: S,
): Selection<S> | undefined {
  const included = include && compileSide(include, signal)
  const excluded = exclude && compileSide(exclude, signal)
  if (!included && !excluded) return undefined
  return {
    resource(resource) {
      included?.resource(resource)
      excluded?.resource(resource)
    },
    scope(scope) {
      included?.scope(scope)
      excluded?.scope(scope)
    },
    selects: (item) => (!included || included.selects(item)) && (!excluded || !excluded.selects(item)),
  }
}

type Test<T> = (it: T) => boolean

/** Whether a resource has all of the `resources`. */
export function compileResourceTest({ resources, match_type: type }: MatchProperties): Test<ResourceView> {
  const tests = attributeTests(resources, type)
  return ({ attributes }) => tests.every((test) => test(attributes))
}

/** Undefined where it matches everything because nothing of it counts for this signal. */
function compileSide<S extends Signal>(properties: MatchProperties, signal: S): Selection<S> | undefined {
  const items = itemTests(properties, signal)
  if (signal === 'metrics' && items.length === 0) return undefined
  const isText = textTest(properties.match_type)
  const resources = signal === 'metrics' ? [] : attributeTests(properties.resources, properties.match_type)
  if (properties.services.length > 0) {
    const isService = isText(properties.services)
    resources.push((attributes) => {
      const service = attributes.get('service.name')
      return isService(service ? valueText(service) : NO_SERVICE)
    })
  }
  const scopes = properties.libraries.map(({ name, version }): Test<ScopeView> => {
    const isName = isText([name])
    const isVersion = version === undefined ? undefined : isText([version])
    return (scope) => isName(scope.name) && (!isVersion || isVersion(scope.version))
  })
  let isInResource = true
  let isInScope = true
  return {
    resource: ({ attributes }) => void (isInResource = resources.every((test) => test(attributes))),
    scope: (scope) => void (isInScope = isInResource && scopes.every((test) => test(scope))),
    selects: (item) => isInScope && items.every((test) => test(item)),
  }
}

function itemTests<S extends Signal>(properties: MatchProperties, signal: S): Test<ItemViews[S]>[] {
  const isText = textTest(properties.match_type)
  if (signal === 'metrics') {
    const { metric_names: names } = properties
    if (names.length === 0) return []
    const isName = isText(names)
    return [((metric: ItemViews['metrics']) => isName(metric.name)) as Test<ItemViews[S]>]
  }
  const attributes = attributeTests(properties.attributes, properties.match_type)
  const ofAttributes = attributes.map((test) => (item: { readonly attributes: Attributes }) => test(item.attributes))
  const others = signal === 'traces' ? spanTests(properties) : logTests(properties)
  return [...others, ...ofAttributes] as Test<ItemViews[S]>[]
}

function spanTests({
  match_type: type,
  span_names: names,
  span_kinds: kinds,
}: MatchProperties): Test<ItemViews['traces']>[] {
  const isText = textTest(type)
  const tests: Test<ItemViews['traces']>[] = []
  if (names.length > 0) {
    const isName = isText(names)
    tests.push((span) => isName(span.name))
  }
  if (kinds.length > 0) {
    const isKind = isText(kinds)
    const selected = KINDS.map((kind) => isKind(kind))
    const unknown = isKind('')
    tests.push((span) => selected[span.kind] ?? unknown)
  }
  return tests
}

function logTests(properties: MatchProperties): Test<ItemViews['logs']>[] {
  const isText = textTest(properties.match_type)
  const tests: Test<ItemViews['logs']>[] = []
  if (properties.log_bodies.length > 0) {
    const isBody = isText(properties.log_bodies)
    tests.push((record) => isBody(valueText(record.body)))
  }
  if (properties.log_severity_texts.length > 0) {
    const isSeverity = isText(properties.log_severity_texts)
    tests.push((record) => isSeverity(record.severityText))
  }
  const number = properties.log_severity_number
  if (number) {
    tests.push(({ severityNumber }) => (severityNumber === 0 ? number.match_undefined : severityNumber >= number.min))
  }
  return tests
}

/** Makes the test whether a text is one of those. */
function textTest(type: MatchProperties['match_type']): (texts: readonly string[]) => Test<string> {
  if (type === 'strict') {
    return (texts) => {
      const [only] = texts
      if (texts.length === 1) return (text) => text === only
      const set = new Set(texts)
      return (text) => set.has(text)
    }
  }
  return (texts) => {
    const regexes = [...new Set(texts)].map(compileRegex)
    return (text) => regexes.some((regex) => regex.test(text))
  }
}

function attributeTests(
  wanted: MatchProperties['attributes'],
  type: MatchProperties['match_type'],
): Test<Attributes>[] {
  return wanted.map(({ key, value }): Test<Attributes> => {
    if (value === undefined || value === null) return (attributes) => attributes.has(key)
    if (type === 'strict') {
      const expected = valueOf(value)
      return (attributes) => {
        const found = attributes.get(key)
        return found !== undefined && isSameValue(found, expected)
      }
    }
    const regex = compileRegex(value as string)
    return (attributes) => {
      const found = attributes.get(key)
      const text = found && scalarText(found)
      return text !== undefined && regex.test(text)
    }
  })
}
