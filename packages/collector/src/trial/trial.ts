/**
 * A configuration, tried: its processors and connectors are the real ones, its receivers take what is given, its exporters take what comes out
 * and send nothing, and no port is opened. Time is virtual.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Signal, TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  createBudget,
  createCounters,
  type Consumer,
  type Component,
  type Context,
  type DeliveryContext,
  type Edge,
  type Extension,
  type Factory,
  type Logger,
  type Sample,
  type Storage,
} from '../component/index.ts'
import { loadConfig, readConfigFile, type ConfigText, type PipelineConfig } from '../config/index.ts'
import { buildGraph } from '../graph/graph.ts'
import { watchConditions } from '../ottl/index.ts'
import { VirtualTime } from './virtual-time.ts'

export interface TrialOptions {
  readonly config: readonly ConfigText[]
  /** What `${env:NAME}` reads. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly factories: readonly Factory[]
  readonly logger: Logger
  /** What the clock shows at the start, milliseconds since 1970. */
  readonly startMs: number
  /** Sees each batch in front of each processor, connector and exporter of each pipeline; must be done with its bytes when it returns. */
  readonly onBatch: (edge: Edge, batch: TelemetryBatch, nowMs: number) => void
  /** Hears of each OTTL condition that was true for an item, in the component behind that edge. Default: nobody does. */
  readonly onCondition?: (edge: Edge, text: string) => void
}

export interface Trial {
  readonly pipelines: readonly PipelineConfig[]
  /** The receivers, with the signals that pipelines take of them. */
  readonly receivers: ReadonlyMap<string, readonly Signal[]>
  readonly connectors: ReadonlySet<string>
  /** Processors, connectors and exporters by their ids, with their types. */
  readonly types: ReadonlyMap<string, string>
  readonly warnings: readonly string[]
  /** Milliseconds that have passed. */
  readonly nowMs: number
  /** As if a receiver had taken it. Rejects with what the pipelines say, as a sender would hear it. */
  give(receiver: string, batch: TelemetryBatch, context: DeliveryContext): Promise<void>
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  /** Stops the pipelines in good order, which hands on what waits; then the process has its own time again. */
  end(): Promise<void>
  /** All that was counted. */
  snapshot(): readonly Sample[]
}

const STOP_MS = 10_000
/** What starts may ask the world, as the machine for its name. */
const START_MS = 10_000

/** Takes the time of the process until `end`. Throws `config` with a line for each thing that is wrong. */
export async function startTrial(options: TrialOptions): Promise<Trial> {
  const { factories, logger, startMs, onBatch, onCondition, env = process.env } = options
  const doors: Doors = new Map()
  const folder = new TemporaryStorage()
  const config = loadConfig({
    texts: options.config,
    readFile: readConfigFile,
    env,
    factories: factories.map((factory) => tame(factory, doors, folder)),
    servesMetrics: true,
    makesLogger: true,
  })
  const time = new VirtualTime(startMs)
  const counters = createCounters()
  let unwatch = (): void => {}
  let at: Edge | undefined
  const release = (): void => {
    unwatch()
    time.end()
    folder.remove()
  }
  try {
    const graph = buildGraph(config, { logger, counters, budget: createBudget(undefined, { counters }) })
    for (const edge of graph.edges()) {
      graph.tap(edge.id, (batch) => {
        at = edge
        onBatch(edge, batch, time.nowMs)
      })
    }
    time.onTimers = () => (at = undefined)
    if (onCondition) unwatch = watchConditions((text) => at && onCondition(at, text))
    let failure: Error | undefined
    const fail = (id: string, cause: Error): void => void (failure = new Error(`${id}: ${cause.message}`, { cause }))
    await time.until(graph.start({ fail }), START_MS)
    return {
      pipelines: [...config.pipelines.values()],
      receivers: new Map([...doors].map(([id, next]) => [id, [...next.keys()]])),
      connectors: new Set(config.connectors.keys()),
      types: new Map([...typesOf(config.processors), ...typesOf(config.connectors), ...typesOf(config.exporters)]),
      warnings: config.warnings,
      get nowMs() {
        return time.nowMs
      },
      async give(receiver, batch, context) {
        const next = doors.get(receiver)?.get(batch.signal)
        if (!next) throw new CollectorError('config', `no pipeline takes ${batch.signal} of the receiver ${receiver}`)
        await time.until(next.consume(batch, context))
        if (failure) throw failure
      },
      pass: (ms) => time.pass(ms),
      async end() {
        try {
          await time.until(graph.shutdown(STOP_MS))
        } finally {
          release()
        }
      },
      snapshot: () => counters.snapshot(),
    }
  } catch (error) {
    release()
    throw error
  }
}

function typesOf(
  components: ReadonlyMap<string, { readonly factory: Pick<Factory, 'type'> }>,
): [id: string, type: string][] {
  return Array.from(components, ([id, { factory }]) => [id, factory.type])
}

const IDLE: Component = { start: () => Promise.resolve(), shutdown: () => Promise.resolve() }

type Doors = Map<string, ReadonlyMap<Signal, Consumer>>

/** The factory without what touches the world; its configuration is checked as ever. */
function tame(factory: Factory, doors: Doors, storage: TemporaryStorage): Factory {
  switch (factory.kind) {
    case 'receiver': {
      const create = ({ id }: Context, _config: unknown, next: ReadonlyMap<Signal, Consumer>): Component => {
        doors.set(id, next)
        return IDLE
      }
      return { ...factory, create }
    }
    case 'exporter':
      return { ...factory, create: () => ({ ...IDLE, consume: () => Promise.resolve() }) }
    case 'extension':
      return { ...factory, create: (): Extension => ({ ...IDLE, storage }) }
    case 'processor': {
      // It goes by the memory of the process, which is another one here.
      if (factory.type !== 'memory_limiter') return factory
      const create = (_context: Context, _config: unknown, next: Consumer): Component & Consumer => ({
        ...IDLE,
        consume: (batch, context) => next.consume(batch, context),
      })
      return { ...factory, create }
    }
    default:
      return factory
  }
}

/** In place of every storage: what is written goes with the trial. */
class TemporaryStorage implements Storage {
  readonly fsync = false
  #folder: string | undefined

  fileOf(owner: string): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'spoor-trial-'))
    return join(this.#folder, owner.replaceAll(/[^\w.-]/g, '_'))
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}
