import type { Signal, TelemetryBatch } from '@spoor/otlp'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../config/index.ts'
import {
  CollectorError,
  createBudget,
  createCounters,
  section,
  type Component,
  type ConnectorFactory,
  type Consumer,
  type ExporterFactory,
  type ExtensionFactory,
  type Factory,
  type Host,
  type ProcessorFactory,
  type ReceiverFactory,
  EMPTY_CONTEXT,
  type DeliveryContext,
} from '../component/index.ts'
import { batchOf } from '../exporters/fixture.ts'
import { builtinFactories } from '../factories.ts'
import { SIGNALS } from '../otlp-protocol/services.ts'
import { createTestLogger, tracesRequest } from '../testkit/index.ts'
import { buildGraph, type Graph } from './graph.ts'
import { Slot } from './slot.ts'

const read = (text: string) => ({ texts: [{ text, file: 'otel.yaml' }], env: {}, readFile: () => '' })

/** Components that write down what happens to them, and hand on what they get. */
function createWorld(): {
  readonly events: string[]
  readonly factories: readonly Factory[]
  /** What each receiver feeds. */
  readonly receivers: Map<string, ReadonlyMap<Signal, Consumer>>
  /** What happens in a component's start or consume. */
  readonly behaviour: Map<string, () => void | Promise<void>>
  readonly hosts: Host[]
  /** What came with the last batch of each component. */
  readonly contexts: ReadonlyMap<string, DeliveryContext>
} {
  const events: string[] = []
  const receivers = new Map<string, ReadonlyMap<Signal, Consumer>>()
  const behaviour = new Map<string, () => void | Promise<void>>()
  const hosts: Host[] = []
  const component = (id: string): Component => ({
    async start(host) {
      hosts.push(host)
      await behaviour.get(`start ${id}`)?.()
      events.push(`start ${id}`)
    },
    async shutdown() {
      await behaviour.get(`shutdown ${id}`)?.()
      events.push(`shutdown ${id}`)
    },
  })
  const contexts = new Map<string, DeliveryContext>()
  const stage = (id: string, next: Consumer['consume']): Component & Consumer => ({
    ...component(id),
    async consume(batch, context) {
      events.push(`consume ${id} ${batch.signal}`)
      contexts.set(id, context)
      await behaviour.get(`consume ${id}`)?.()
      await next(batch, context)
    },
  })
  const config = section({})
  const receiver: ReceiverFactory<object> = {
    kind: 'receiver',
    type: 'in',
    config,
    signals: SIGNALS,
    create(context, _, next) {
      receivers.set(context.id, next)
      return component(context.id)
    },
  }
  const processor: ProcessorFactory<object> = {
    kind: 'processor',
    type: 'pass',
    config,
    signals: SIGNALS,
    create: (context, _, next, signal) =>
      stage(`${context.id}(${signal})`, async (batch, about) => next.consume(batch, about)),
  }
  const exporter: ExporterFactory<object> = {
    kind: 'exporter',
    type: 'out',
    config,
    signals: SIGNALS,
    create: (context) => stage(context.id, async () => {}),
  }
  const connector: ConnectorFactory<object> = {
    kind: 'connector',
    type: 'link',
    config,
    signals: new Map([['traces', ['traces', 'metrics']]]),
    create: (context, _, next) =>
      stage(
        context.id,
        async (batch, about) =>
          void (await Promise.all([...next.values()].map(async (one) => one.consume(batch, about)))),
      ),
  }
  const extension: ExtensionFactory<object> = {
    kind: 'extension',
    type: 'ext',
    config,
    create: (context) => component(context.id),
  }
  return {
    events,
    factories: [receiver, processor, exporter, connector, extension],
    receivers,
    behaviour,
    hosts,
    contexts,
  }
}

function build(
  yaml: string,
  world = createWorld(),
): { graph: Graph; logger: ReturnType<typeof createTestLogger>; counters: ReturnType<typeof createCounters> } {
  const logger = createTestLogger()
  const counters = createCounters()
  const config = loadConfig({ ...read(yaml), factories: world.factories })
  return { graph: buildGraph(config, { logger, counters, budget: createBudget() }), logger, counters }
}

const FAIL = { fail: () => {} }
const SHARED = `
receivers: {in: }
processors: {pass/a: , pass/b: }
exporters: {out/x: , out/y: }
extensions: {ext: }
service:
  extensions: [ext]
  pipelines:
    traces: {receivers: [in], processors: [pass/a, pass/b], exporters: [out/x, out/y]}
    logs: {receivers: [in], processors: [pass/a], exporters: [out/x]}
`
const CONNECTED = `
receivers: {in: }
processors: {pass: }
exporters: {out/x: , out/y: }
connectors: {link: }
service:
  pipelines:
    metrics: {receivers: [link], exporters: [out/y]}
    traces/second: {receivers: [link], processors: [pass], exporters: [out/x]}
    traces/first: {receivers: [in], exporters: [link]}
`
const batch = (): TelemetryBatch => batchOf(tracesRequest(), 1)

describe('order', () => {
  test('starts downstream first, shuts down upstream first; shared components once', async () => {
    const world = createWorld()
    const { graph } = build(SHARED, world)
    await graph.start(FAIL)
    expect(world.events).toEqual([
      'start ext',
      'start out/x',
      'start out/y',
      'start pass/b(traces)',
      'start pass/a(traces)',
      'start pass/a(logs)',
      'start in',
    ])
    world.events.length = 0
    await graph.shutdown(1000)
    expect(world.events).toEqual([
      'shutdown in',
      'shutdown pass/a(logs)',
      'shutdown pass/a(traces)',
      'shutdown pass/b(traces)',
      'shutdown out/y',
      'shutdown out/x',
      'shutdown ext',
    ])
    world.events.length = 0
    await graph.shutdown(1000)
    expect(world.events).toEqual([])
  })

  test('what comes with a batch goes with it from the receiver to each exporter', async () => {
    const world = createWorld()
    const { graph } = build(CONNECTED, world)
    await graph.start(FAIL)
    const context: DeliveryContext = { ...EMPTY_CONTEXT, peer: '10.0.0.7:4711' }
    await world.receivers.get('in')?.get('traces')?.consume(batch(), context)
    expect(new Set(world.contexts.keys())).toEqual(new Set(['pass(traces)', 'link', 'out/x', 'out/y']))
    for (const one of world.contexts.values()) expect(one).toBe(context)
  })

  test('connectors are between the pipelines that they connect', async () => {
    const world = createWorld()
    const { graph } = build(CONNECTED, world)
    await graph.start(FAIL)
    expect(world.events).toEqual(['start out/y', 'start out/x', 'start pass(traces)', 'start link', 'start in'])
    world.events.length = 0
    await world.receivers.get('in')?.get('traces')?.consume(batch(), EMPTY_CONTEXT)
    expect(world.events.toSorted()).toEqual([
      'consume link traces',
      'consume out/x traces',
      'consume out/y traces',
      'consume pass(traces) traces',
    ])
    await graph.shutdown(100)
  })

  test('a failed start shuts down what was started, and names who failed', async () => {
    const world = createWorld()
    world.behaviour.set('start pass/a(traces)', () => {
      throw new CollectorError('listen', 'port taken')
    })
    const { graph } = build(SHARED, world)
    await expect(graph.start(FAIL)).rejects.toMatchObject({ code: 'listen', message: 'processor pass/a: port taken' })
    expect(world.events.slice(-4)).toEqual([
      'shutdown pass/b(traces)',
      'shutdown out/y',
      'shutdown out/x',
      'shutdown ext',
    ])
  })

  test('one that does not end is left behind at its deadline', async () => {
    const world = createWorld()
    world.behaviour.set('shutdown pass/a(traces)', () => new Promise<void>(() => {}))
    world.behaviour.set('shutdown in', () => {
      throw new Error('socket is gone')
    })
    const { graph, logger } = build(SHARED, world)
    await graph.start(FAIL)
    await graph.shutdown(20)
    expect(world.events.at(-1)).toBe('shutdown ext')
    expect(logger.lines.map(({ fields }) => fields)).toEqual([
      { component: 'in', error: 'socket is gone' },
      { component: 'pass/a', error: 'it was not done at its deadline' },
    ])
  })

  test('extensions are found by their id', async () => {
    const world = createWorld()
    const { graph } = build(SHARED, world)
    await graph.start(FAIL)
    expect(world.hosts[0]?.extension('ext')).toBeDefined()
    expect(world.hosts[0]?.extension('other')).toBeUndefined()
  })
})

describe('fan-out', () => {
  const consume = async (world: ReturnType<typeof createWorld>): Promise<unknown> => {
    build(SHARED, world)
    return world.receivers
      .get('in')
      ?.get('traces')
      ?.consume(batch(), EMPTY_CONTEXT)
      .catch((error: unknown) => error)
  }

  test('all are waited for, and items are counted', async () => {
    const world = createWorld()
    const { counters } = build(SHARED, world)
    await world.receivers.get('in')?.get('traces')?.consume(batch(), EMPTY_CONTEXT)
    expect(world.events).toEqual([
      'consume pass/a(traces) traces',
      'consume pass/b(traces) traces',
      'consume out/x traces',
      'consume out/y traces',
    ])
    expect(
      counters
        .snapshot()
        .filter(({ labels, value }) => labels['processor'] === 'pass/a' && value === 1)
        .map(({ name }) => name),
    ).toEqual(['otelcol_processor_outgoing_items', 'otelcol_processor_incoming_items'])
  })

  test('what one has taken is answered; only what none has taken is refused', async () => {
    const world = createWorld()
    const down = (): never => {
      throw new CollectorError('unavailable', 'x is down')
    }
    world.behaviour.set('consume out/x', down)
    expect(await consume(world)).toBeUndefined()
    expect(world.events).toContain('consume out/y traces')
    world.behaviour.set('consume out/y', () => {
      throw new CollectorError('invalid_data', 'y does not like it')
    })
    expect(await consume(world)).toMatchObject({ message: 'x is down; y does not like it', retryable: true })
  })
})

describe('durable', () => {
  /** Whether what the receiver is given is durable, with exporters of which one is. */
  const isDurable = (pipelines: string): boolean | undefined => {
    const world = createWorld()
    const store: ExporterFactory<object> = {
      kind: 'exporter',
      type: 'store',
      config: section({}),
      signals: SIGNALS,
      create: () => ({
        durable: true,
        start: async () => {},
        shutdown: async () => {},
        consume: async () => {},
      }),
    }
    const text = `receivers: {in: }
processors: {batch: , batch/exported: {acknowledge: exported}, pass: }
exporters: {store: , out: }
connectors: {link: }
service: {pipelines: {${pipelines}}}`
    const factories = [...builtinFactories, ...world.factories, store]
    const config = loadConfig({ ...read(text), factories })
    buildGraph(config, { logger: createTestLogger(), counters: createCounters(), budget: createBudget() })
    return world.receivers.get('in')?.get('traces')?.durable
  }

  test.each([
    [true, 'traces: {receivers: [in], exporters: [store]}'],
    [false, 'traces: {receivers: [in], exporters: [out]}'],
    [true, 'traces: {receivers: [in], exporters: [out, store]}'],
    [true, 'traces: {receivers: [in], processors: [pass], exporters: [out, store]}'],
    [false, 'traces: {receivers: [in], processors: [batch], exporters: [store]}'],
    [false, 'traces: {receivers: [in], processors: [pass, batch], exporters: [store]}'],
    [true, 'traces: {receivers: [in], processors: [batch/exported], exporters: [store, out]}'],
    [false, 'traces: {receivers: [in], processors: [batch/exported], exporters: [out]}'],
    [false, 'traces: {receivers: [in], processors: [batch/exported, batch], exporters: [store]}'],
    [
      true,
      'traces/1: {receivers: [in], processors: [batch], exporters: [store]}, traces/2: {receivers: [in], exporters: [store]}',
    ],
    [
      false,
      'traces/1: {receivers: [in], processors: [batch], exporters: [store]}, traces/2: {receivers: [in], exporters: [out]}',
    ],
    [true, 'traces/1: {receivers: [in], exporters: [link]}, traces/2: {receivers: [link], exporters: [store]}'],
    [
      false,
      'traces/1: {receivers: [in], exporters: [link]}, traces/2: {receivers: [link], processors: [batch], exporters: [store]}',
    ],
  ])('%s for %s', (durable, pipelines) => {
    expect(isDurable(pipelines)).toBe(durable)
  })
})

describe('releases', () => {
  /** What is handed to a receiver's way out gets to an exporter that keeps nothing, or to one that may. */
  const config = (pipelines: string) => `receivers: {in: }
processors: {batch: , pass: }
exporters: {nop: , out: }
service: {pipelines: {${pipelines}}}`
  const factories = (world: ReturnType<typeof createWorld>): Factory[] => [...builtinFactories, ...world.factories]
  const direct = 'traces: {receivers: [in], exporters: [nop]}'

  test.each([
    [true, direct],
    [false, 'traces: {receivers: [in], exporters: [out]}'],
    [false, 'traces: {receivers: [in], processors: [batch], exporters: [nop]}'],
    [false, 'traces: {receivers: [in], exporters: [nop, out]}'],
    [false, 'traces/1: {receivers: [in], exporters: [nop]}, traces/2: {receivers: [in], exporters: [nop]}'],
  ])('%s for %s', async (releases, pipelines) => {
    const world = createWorld()
    const { graph } = build(config(pipelines), { ...world, factories: factories(world) })
    await graph.start(FAIL)
    expect(world.receivers.get('in')!.get('traces')!.releases ?? false).toBe(releases)
    await graph.shutdown(1000)
  })

  test('nothing is said while batches wait for what comes next', async () => {
    const slot = new Slot(true)
    const out = slot.as(false)
    const target = (releases: boolean): Consumer => ({ releases, consume: async () => {} })
    expect(out.releases).toBe(false)
    await slot.fill(target(true))
    expect(out.releases).toBe(true)
    await slot.hold()
    expect(out.releases).toBe(false)
    await slot.fill(target(false))
    expect(out.releases).toBe(false)
  })

  test('a reload changes it for a receiver that stays', async () => {
    const world = createWorld()
    const all = factories(world)
    const { graph } = build(config(direct), { ...world, factories: all })
    await graph.start(FAIL)
    const out = world.receivers.get('in')!.get('traces')!
    const load = (pipelines: string) => loadConfig({ ...read(config(pipelines)), factories: all })
    for (const [releases, pipelines] of [
      [false, 'traces: {receivers: [in], processors: [batch], exporters: [nop]}'],
      [true, direct],
      [false, 'traces: {receivers: [in], exporters: [nop, out]}'],
    ] as const) {
      await graph.reload(load(pipelines))
      expect([world.receivers.get('in')!.get('traces') === out, out.releases]).toEqual([true, releases])
    }
    await graph.shutdown(1000)
  })
})

describe('whatever hangs', () => {
  const never = (): Promise<void> => new Promise<void>(() => {})

  test('a start that never ends gives way to the shutdown, and what it still brings about is undone', async () => {
    const world = createWorld()
    const { promise, resolve } = Promise.withResolvers<void>()
    world.behaviour.set('start pass/a(traces)', () => promise)
    const { graph } = build(SHARED, world)
    const started = graph.start(FAIL).catch((error: unknown) => error)
    await new Promise((done) => setImmediate(done))
    await graph.shutdown(1000)
    expect(await started).toMatchObject({
      code: 'unavailable',
      message: 'processor pass/a: was shut down before it had started',
    })
    const order = ['pass/a(traces)', 'pass/b(traces)', 'out/y', 'out/x', 'ext'].map((id) => `shutdown ${id}`)
    expect(world.events.slice(-5)).toEqual(order)
    resolve()
    await new Promise((done) => setImmediate(done))
    expect(world.events.slice(-2)).toEqual(['start pass/a(traces)', 'shutdown pass/a(traces)'])
    await expect(graph.start(FAIL)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('everything: the deadline is kept all the same, and each is told by name', async () => {
    const world = createWorld()
    const ids = ['in', 'pass/a(logs)', 'pass/a(traces)', 'pass/b(traces)', 'out/y', 'out/x', 'ext']
    for (const id of ids) {
      world.behaviour.set(`shutdown ${id}`, never)
      world.behaviour.set(`consume ${id}`, never)
    }
    const { graph, logger } = build(SHARED, world)
    await graph.start(FAIL)
    void world.receivers.get('in')?.get('traces')?.consume(batch(), EMPTY_CONTEXT)
    const begin = performance.now()
    await graph.shutdown(400)
    // 400 ms and the grace of 250; the rest is for a busy machine. Without a common deadline it would be 7 x 250 ms more.
    expect(performance.now() - begin).toBeLessThan(1500)
    const told = logger.lines.map(({ fields }) => String(fields['component']))
    // Exporters stop at the same time.
    expect(told.toSpliced(4, 2, ...told.slice(4, 6).toSorted())).toEqual([
      'in',
      'pass/a',
      'pass/a',
      'pass/b',
      'out/x',
      'out/y',
      'ext',
    ])
  })

  test('one in the middle leaves time for those behind it', async () => {
    const world = createWorld()
    let leftMs = 0
    const last: ProcessorFactory<object> = {
      kind: 'processor',
      type: 'last',
      config: section({}),
      signals: SIGNALS,
      create: (_, __, next) => ({
        start: async () => {},
        consume: (one) => next.consume(one, EMPTY_CONTEXT),
        async shutdown(signal) {
          const begin = performance.now()
          if (!signal.aborted) {
            await new Promise((done) => signal.addEventListener('abort', done, { once: true }))
          }
          leftMs = performance.now() - begin
        },
      }),
    }
    world.behaviour.set('shutdown pass(traces)', never)
    const config = loadConfig({
      ...read(
        'receivers: {in: }\nprocessors: {pass: , last: }\nexporters: {out: }\nservice: {pipelines: {traces: {receivers: [in], processors: [pass, last], exporters: [out]}}}',
      ),
      factories: [...world.factories, last],
    })
    const graph = buildGraph(config, { logger: createTestLogger(), counters: createCounters(), budget: createBudget() })
    await graph.start(FAIL)
    await graph.shutdown(4000)
    expect(leftMs).toBeGreaterThan(100)
  })
})

describe('connectors that are wired wrong', () => {
  test('a cycle', () => {
    const world = createWorld()
    expect(() =>
      build(
        `
receivers: {in: }
exporters: {out: }
connectors: {link/a: , link/b: }
service:
  pipelines:
    traces/1: {receivers: [in, link/b], exporters: [link/a]}
    traces/2: {receivers: [link/a], exporters: [link/b, out]}
`,
        world,
      ),
    ).toThrow(
      'otel.yaml:7:5 service.pipelines.traces/1: cycle detected: traces/1 -> link/a -> traces/2 -> link/b -> traces/1; a connector must not feed the pipeline that it takes from',
    )
  })

  test('one end only, and a signal that it does not give', () => {
    const world = createWorld()
    const yaml = (pipelines: string): string =>
      `receivers: {in: }\nexporters: {out: }\nconnectors: {link: }\nservice:\n  pipelines:\n${pipelines}`
    expect(() => build(yaml('    traces: {receivers: [in], exporters: [link]}\n'), world)).toThrow(
      'otel.yaml:6:43 service.pipelines.traces.exporters[0]: connector "link" used as exporter in [traces] pipeline but not used in any supported receiver pipeline',
    )
    expect(() => build(yaml('    traces: {receivers: [link], exporters: [out]}\n'), world)).toThrow(
      'otel.yaml:6:26 service.pipelines.traces.receivers[0]: connector "link" used as receiver in [traces] pipeline but not used in any supported exporter pipeline',
    )
    expect(() =>
      build(
        yaml('    traces: {receivers: [in], exporters: [link]}\n    logs: {receivers: [link], exporters: [out]}\n'),
        world,
      ),
    ).toThrow(
      'otel.yaml:7:24 service.pipelines.logs.receivers[0]: connector "link" used as receiver in [logs] pipeline but not used in any supported exporter pipeline',
    )
  })
})
