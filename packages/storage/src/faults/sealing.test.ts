import { expect, it } from 'vitest'
import { find, spansOf } from '../conformance/harness.ts'
import { batchOf, sent, traceId } from '../conformance/spans.ts'
import type { TraceStore } from '../contract.ts'
import type { StoreEvent } from '../events.ts'
import { openStoreOn } from '../local/threads/local-store.ts'
import { SimulatedMachine, SimulatedProcess } from './simulated-machine.ts'

const TRACES = [1, 2, 3, 4, 5, 6]

interface Opened {
  readonly process: SimulatedProcess
  readonly store: TraceStore
}

/** A machine with a store on it, whose segments have a record or two. */
class World {
  readonly machine: SimulatedMachine
  readonly events: StoreEvent[] = []
  /** The newest. */
  process: SimulatedProcess | undefined

  constructor(seed: number) {
    this.machine = new SimulatedMachine(seed)
  }

  async open(): Promise<Opened> {
    const process = (this.process = new SimulatedProcess(this.machine))
    const onEvent = (event: StoreEvent): void => void this.events.push(event)
    const options = { directory: '/data', segmentBytes: 600, onEvent }
    const store = await new Promise<TraceStore>((resolve, reject) =>
      process.do(() => void openStoreOn(process.host, options).then(resolve, reject)),
    )
    return { process, store }
  }

  /** In main, as an event of its own. */
  ask<T>({ process }: Opened, ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => process.do(() => void ask().then(resolve, reject)))
  }

  async fill(opened: Opened): Promise<void> {
    for (const trace of TRACES)
      await this.ask(opened, () => opened.store.append(batchOf(sent({ trace, id: 1 }), sent({ trace, id: 2 }))))
  }

  get names(): string[] {
    return [...this.machine.disk.contents('/data').keys()].sort()
  }

  async expectAll(opened: Opened): Promise<void> {
    await this.ask(opened, async () => {
      expect((await find(opened.store, {})).sort()).toEqual(TRACES.map(traceId))
      for (const trace of TRACES) expect(await spansOf(opened.store, traceId(trace))).toHaveLength(2)
    })
  }
}

/** Runs it with 30 seeds, each of which has another order of things. */
async function withSeeds(run: (world: World) => Promise<void>): Promise<void> {
  for (let seed = 0; seed < 30; seed++) {
    const world = new World(seed)
    await world.machine.run(run(world), 100_000)
  }
}

it('seals what is closed, and all of it is found', async () => {
  await withSeeds(async (world) => {
    const opened = await world.open()
    await world.fill(opened)
    await world.machine.sleep(10_000)
    expect(world.names.filter((name) => name.endsWith('.log'))).toHaveLength(1)
    expect(world.names.filter((name) => name.endsWith('.seal')).length).toBeGreaterThan(1)
    await world.expectAll(opened)
    opened.process.kill()
    world.machine.disk.cut()
    await world.expectAll(await world.open())
    expect(world.events.filter(({ code }) => code === 'damaged' || code === 'failing')).toEqual([])
  })
})

it('removes a log at opening only when the name of its sealed form is durable', async () => {
  await withSeeds(async (world) => {
    const first = await world.open()
    // It has its name, and that is not durable.
    first.process.onStart = (part) => {
      if (part.name === 'sealer') part.fate = { steps: 0, at: /^syncDirectory/, strike: () => first.process.kill() }
    }
    await world.fill(first)
    await first.process.killed
    const { disk } = world.machine
    disk.onRemove = (path) => {
      const { process } = world
      // The power is cut right after it.
      const strike = (): void => (process!.kill(), disk.cut())
      if (path.endsWith('.log')) process!.part('writer')!.fate = { steps: 0, at: /./, strike }
    }
    void world.open()
    await world.process!.killed
    disk.onRemove = () => {}
    await world.expectAll(await world.open())
    expect(world.events.filter(({ code }) => code === 'damaged')).toEqual([])
  })
})

it('goes back to the log where the sealed form is damaged before the log has gone', async () => {
  let checked = 0
  await withSeeds(async (world) => {
    const first = await world.open()
    first.process.part('writer')!.fate = { steps: 0, at: /^remove .*idx/, strike: () => first.process.kill() }
    await world.fill(first)
    await first.process.killed
    const [name] = world.names.filter((name) => name.endsWith('.seal'))
    const sealed = world.machine.disk.contents('/data').get(name!)!
    const at = 100 + Math.floor((checked++ / 30) * (sealed.size - 200))
    sealed.rot(at, at + 1, (byte) => byte ^ 0x10)
    const second = await world.open()
    await world.expectAll(second)
    expect(world.events).toContainEqual(
      expect.objectContaining({ code: 'damaged', file: name, maxSpans: 0 }) as StoreEvent,
    )
    // It is sealed anew.
    await world.machine.sleep(10_000)
    expect(world.names).toContain(name)
    expect(world.names).not.toContain(name!.replace('seal', 'log'))
    await world.expectAll(second)
  })
})

it('keeps the log as long as a reader has not switched, and queries under way find all of it', async () => {
  await withSeeds(async (world) => {
    const opened = await world.open()
    await world.fill(opened)
    const [stream] = await world.ask(opened, async () => {
      const chunks = opened.store.trace(traceId(1), { timeoutMs: 1e6 })[Symbol.asyncIterator]()
      return [chunks]
    })
    const first = await world.ask(opened, () => stream.next())
    await world.ask(opened, () => find(opened.store, {}))
    opened.process.part('search_reader')!.block(5_000)
    await world.machine.sleep(3_000)
    expect(world.names).toContain('00000001.log')
    await world.machine.sleep(10_000)
    expect(world.names).not.toContain('00000001.log')
    await world.ask(opened, async () => {
      expect(first.done).toBe(false)
      expect((await stream.next()).done).toBe(true)
    })
    await world.expectAll(opened)
    expect(world.events.filter(({ code }) => code === 'damaged')).toEqual([])
  })
})
