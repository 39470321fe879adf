/** Components whose code is loaded when a configuration names them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openCollector, type Collector } from './collector.ts'
import { section, type DeferredFactory, type ExporterFactory, type ReceiverFactory } from './component/index.ts'
import { builtinComponents } from './components.ts'
import { builtinFactories } from './factories.ts'
import { createTestLogger } from './testkit/index.ts'

const idle = { start: () => Promise.resolve(), shutdown: () => Promise.resolve() }
const receiver: ReceiverFactory<object> = {
  kind: 'receiver',
  type: 'source',
  config: section({}),
  signals: ['traces'],
  create: () => idle,
}
const exporter = (type: string, aliases: readonly string[] = []): ExporterFactory<object> => ({
  kind: 'exporter',
  type,
  aliases,
  config: section({}),
  signals: ['traces'],
  create: () => ({ ...idle, consume: () => Promise.resolve() }),
})

/** Component types that tell which of them were loaded. */
function createShelf() {
  const loaded: string[] = []
  const defer = (factory: ReceiverFactory<object> | ExporterFactory<object>): DeferredFactory => ({
    kind: factory.kind,
    type: factory.type,
    ...(factory.aliases && { aliases: factory.aliases }),
    load: async () => {
      loaded.push(factory.type)
      return factory
    },
  })
  return { loaded, factories: [receiver, exporter('one'), exporter('two', ['zwei']), exporter('three')].map(defer) }
}

const pipeline = (exporters: string, ids: string): string =>
  `receivers: {source: }\nexporters: ${exporters}\nservice: {pipelines: {traces: {receivers: [source], exporters: [${ids}]}}}`

async function open(text: string, shelf: ReturnType<typeof createShelf>, env = {}): Promise<Collector> {
  const config = [{ text, file: 'otel.yaml' }]
  return openCollector({ config, factories: shelf.factories, logger: createTestLogger(), env })
}

describe('the components that come with the collector', () => {
  test.each(builtinComponents.map((one) => [one.kind, one.type, one] as const))(
    '%s %s has the names under which it is known, and is one factory',
    async (kind, type, one) => {
      const factory = await one.load()
      expect(factory).toMatchObject({ kind, type })
      expect(one.aliases).toEqual(factory.aliases ?? [])
      expect(await one.load()).toBe(factory)
      expect(builtinFactories).toContain(factory)
    },
  )
})

describe('a configuration has loaded', () => {
  test.each([
    ['{one: }', 'one', ['one']],
    ['{one/a: , one/b: }', 'one/a, one/b', ['one']],
    ['{zwei: }', 'zwei', ['two']],
    ['{" three ": }', 'three', ['three']],
    // What is defined and not used is checked, too.
    ['{one: , two/spare: }', 'one', ['one', 'two']],
  ])('what it names: %s', async (exporters, ids, expected) => {
    const shelf = createShelf()
    await open(pipeline(exporters, ids), shelf)
    expect(shelf.loaded.sort()).toEqual([...expected, 'source'].sort())
  })

  test('what a file or a variable names for it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spoor-components-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'exporters.yaml')
    writeFileSync(file, 'two:\n')
    const shelf = createShelf()
    await open(pipeline(`\${file:${file}}`, 'two'), shelf)
    expect(shelf.loaded.sort()).toEqual(['source', 'two'])
    const other = createShelf()
    await open(pipeline('${env:EXPORTERS}', 'three'), other, { EXPORTERS: '{three: }' })
    expect(other.loaded.sort()).toEqual(['source', 'three'])
  })

  test('nothing that it does not name, and is told all names that there are where it names none of them', async () => {
    const shelf = createShelf()
    await expect(open(pipeline('{thre: }', 'thre'), shelf)).rejects.toThrow(
      'otel.yaml:2:13 exporters.thre: unknown exporter type "thre"; did you mean "three"?; known: one, two, three',
    )
    expect(shelf.loaded).toEqual(['source'])
  })

  test.each(['[', 'exporters: 7\nreceivers: [a]', 'exporters: {7: }', '', 'x'])(
    'nothing where it is %j',
    async (text) => {
      const shelf = createShelf()
      await expect(open(text, shelf)).rejects.toMatchObject({ code: 'config' })
      expect(shelf.loaded).toEqual([])
    },
  )

  test('after a reload what the new one names', async () => {
    const shelf = createShelf()
    const collector = await open(pipeline('{one: }', 'one'), shelf)
    await collector.start()
    onTestFinished(async () => collector.shutdown({ deadlineMs: 200 }))
    await collector.reload([{ text: pipeline('{two: }', 'two'), file: 'otel.yaml' }])
    expect(collector.exporters).toEqual(new Set(['two']))
    await expect(collector.reload([{ text: pipeline('{for: }', 'for'), file: 'otel.yaml' }])).rejects.toThrow(
      'known: one',
    )
    expect(collector.exporters).toEqual(new Set(['two']))
    expect(shelf.loaded).toContain('two')
    expect(shelf.loaded).not.toContain('three')
  })
})

test('what cannot be loaded is told', async () => {
  const broken: DeferredFactory = {
    kind: 'exporter',
    type: 'one',
    load: () => Promise.reject(new Error('its module is gone')),
  }
  const shelf = createShelf()
  const factories = [...shelf.factories.filter(({ type }) => type !== 'one'), broken]
  await expect(open(pipeline('{one: }', 'one'), { ...shelf, factories })).rejects.toThrow('its module is gone')
})
