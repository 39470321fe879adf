import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { builtinFactories } from '../factories.ts'
import { componentSchema, configSchema, type JsonSchema } from './json-schema.ts'
import { componentPage, pageName } from './reference.ts'

const docs = new URL('../../../../docs/components/', import.meta.url)
const factory = (kind: string, type: string) => builtinFactories.find((one) => one.kind === kind && one.type === type)!

test('docs/components has a page for each component, as `npm run docs:components` writes it', () => {
  const pages = new Map(builtinFactories.map((one) => [pageName(one), componentPage(one)]))
  expect(readdirSync(docs).sort()).toEqual([...pages.keys()].sort())
  for (const [name, page] of pages) expect(readFileSync(new URL(name, docs), 'utf8')).toBe(page)
})

describe('the schema of a component', () => {
  const { properties, required } = componentSchema(factory('exporter', 'otlp_grpc'))!

  test('has durations as text, defaults as they are written, and what is required', () => {
    expect(required).toEqual(['endpoint'])
    expect(properties!['timeout']).toMatchObject({ type: ['string', 'integer'], default: '5s' })
    const pattern = new RegExp(properties!['timeout']!.pattern!)
    for (const text of ['5s', '1m30s', '0.5h', '0', '200ms', '${env:TIMEOUT}']) expect(text).toMatch(pattern)
    for (const text of ['5', 'soon', '5 s', '-1s']) expect(text).not.toMatch(pattern)
    expect(properties!['sending_queue']!.properties!['queue_size']).toMatchObject({
      type: 'integer',
      minimum: 1,
      default: 1000,
    })
    expect(properties!['sending_queue']!.properties!['queue_size']).not.toHaveProperty('maximum')
    expect(properties!['tls']!.required).toBeUndefined()
  })
})

describe('the schema of a configuration', () => {
  const schema = configSchema(builtinFactories)
  const sections = (name: string) => schema.properties![name]!.patternProperties!
  const find = (name: string, id: string): JsonSchema | undefined =>
    Object.entries(sections(name)).find(([pattern]) => new RegExp(pattern).test(id))?.[1]

  test('knows components by their types, older names and names', () => {
    for (const id of ['otlp_grpc', 'otlp', 'otlp/jaeger', 'debug']) expect(find('exporters', id)).toBeDefined()
    for (const id of ['otlp_gprc', 'otlp/', 'batch']) expect(find('exporters', id)).toBeUndefined()
  })

  test('lets a section be empty, and a value come from elsewhere', () => {
    const batch = find('processors', 'batch')!
    expect(batch.type).toEqual(['object', 'null'])
    expect(batch.properties!['send_batch_size']).toMatchObject({
      default: 8192,
      anyOf: [{ type: 'integer', minimum: 0 }, { type: 'null' }, { type: 'string', pattern: String.raw`\$\{` }],
    })
  })
})
