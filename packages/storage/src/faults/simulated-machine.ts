import type { FileSystem } from '../local/files/file-system.ts'
import { StorageError } from '../contract.ts'
import { Heap } from './heap.ts'
import type { LocalStoreSettings } from '../local/options.ts'
import { Reader } from '../local/read/reader.ts'
import type { Clock, EnginePart, Host, Link, Port, RunningPart } from '../local/runtime.ts'
import { Sealer } from '../local/seal/sealer.ts'
import type {
  FromReader,
  FromWriter,
  SealerCommand,
  SealerReply,
  ToReader,
  ToWriter,
} from '../local/threads/protocol.ts'
import { Writer } from '../local/write/writer.ts'
import { SimulatedDisk, type Caller } from './faulty-file-system.ts'
import { Random } from './random.ts'

/** Where the store is on the simulated disk. */
export const DIRECTORY = '/data'
/** Calls of the disk between which a crash is worst. */
export const CRITICAL = /^(sync|dataSync|remove|rename|truncate|open new|open create)/

/** Those with which a sealed form takes the place of a log. */
export const SWAPPING = /^(rename .*seal|remove .*(log|idx|seal)|sync|open create .*seal)/

/** What ends a call of a part that is dead. Whoever catches it can do nothing any more. */
class Dead extends Error {}

interface Entry {
  readonly atMs: number
  readonly serial: number
  /** Undefined: of the world, which never dies and is never busy. */
  readonly part: SimulatedPart | undefined
  readonly run: () => void
}

/**
 * A machine whose time passes as fast as nothing happens. One seed draws how long everything takes: messages, timers, syncs, each call of the
 * disk; so it draws the order in which the parts come to their work. The parts run the program's own code; one entry is run at a time, with all that
 * its promises bring, but posting two messages takes two moments, and another part may act between them.
 */
export class SimulatedMachine {
  readonly random: Random
  readonly disk: SimulatedDisk
  nowMs = 0
  /** What was done, newest last; for who looks into a failure. */
  readonly log: string[] = []
  readonly locks = new Map<string, SimulatedProcess>()
  /** How long a message takes, usually, in milliseconds. */
  messageMs = 0.3
  #serial = 0
  readonly #queue = new Heap<Entry>((a, b) => a.atMs - b.atMs || a.serial - b.serial)
  events = 0

  constructor(seed: number) {
    this.random = new Random(seed)
    this.disk = new SimulatedDisk(new Random(seed ^ 0x5bd1e995))
  }

  note(what: string): void {
    this.log.push(`${this.nowMs.toFixed(2)} ${what}`)
    if (this.log.length > 4_000) this.log.splice(0, 2_000)
  }

  schedule(atMs: number, part: SimulatedPart | undefined, run: () => void): void {
    this.#queue.push({ atMs, serial: this.#serial++, part, run })
  }

  /** Resolves after `ms` of simulated time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(this.nowMs + ms, undefined, resolve))
  }

  /** Runs until `work` is done. Rejects when it rejects, and when nothing is left that could bring it on. */
  async run<T>(work: Promise<T>, maxEvents: number): Promise<T> {
    const over = new AbortController()
    const end = (): void => over.abort()
    work.then(end, end)
    await settled()
    while (!over.signal.aborted) {
      const entry = this.#queue.pop()
      if (!entry) throw new Error('nothing is left to be done, and what was asked for is not')
      if (this.events++ > maxEvents) throw new Error(`still not done after ${maxEvents} steps, at ${this.nowMs} ms`)
      this.nowMs = Math.max(this.nowMs, entry.atMs)
      const { part, run } = entry
      if (!part) run()
      else if (!part.isAlive) continue
      else if (part.busyUntilMs > this.nowMs) {
        if (part.busyUntilMs < Infinity) this.#queue.push({ ...entry, atMs: part.busyUntilMs })
        continue
      } else part.enter(run)
      await settled()
      part?.leave()
    }
    return work
  }
}

/** Resolves when all promises that can go on have. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A process: main and what it started. */
export class SimulatedProcess {
  readonly machine: SimulatedMachine
  readonly parts = new Set<SimulatedPart>()
  readonly main: SimulatedPart
  isAlive = true
  /** Hears of each part before it does anything. */
  onStart: (part: SimulatedPart) => void = () => {}
  readonly #killed = Promise.withResolvers<void>()
  /** Resolves when it is dead. */
  readonly killed = this.#killed.promise

  constructor(machine: SimulatedMachine) {
    this.machine = machine
    this.main = new SimulatedPart(this, 'main')
  }

  /** Runs something in main, as an event of its own. */
  do(run: () => void): void {
    this.machine.schedule(this.machine.nowMs, this.main, run)
  }

  /** kill -9. What the page cache has stays. */
  kill(): void {
    this.isAlive = false
    this.#killed.resolve()
    for (const part of this.parts) part.die()
    for (const [directory, owner] of this.machine.locks) if (owner === this) this.machine.locks.delete(directory)
  }

  part(name: EnginePart): SimulatedPart | undefined {
    for (const part of this.parts) if (part.name === name && part.isAlive) return part
    return undefined
  }

  get host(): Host {
    const { machine, main } = this
    return {
      clock: main.clock,
      files: main.files,
      lock: (directory) => {
        main.step('lock')
        if (machine.locks.has(directory)) throw new StorageError('locked', `${directory} is in use`)
        machine.locks.set(directory, this)
        return () => {
          if (machine.locks.get(directory) === this) machine.locks.delete(directory)
        }
      },
      channel: () => channel(machine, undefined, undefined),
      start: <In, Out>(name: EnginePart, settings: LocalStoreSettings) =>
        startPart(this, name, settings) as RunningPart<In, Out>,
    }
  }
}

/** A thread: main, or a part of the engine. */
export class SimulatedPart implements Caller {
  readonly name: string
  readonly process: SimulatedProcess
  isAlive = true
  /** When it can run its next entry. Infinity: it spins. */
  busyUntilMs = 0
  /** In a system call that does not return before. */
  blockedUntilMs = 0
  /** After so many steps it is struck, in the middle of whatever it does. Only steps that `at` matches count. */
  fate: { steps: number; readonly at: RegExp; readonly strike: () => void } | undefined
  readonly clock: Clock
  readonly files: FileSystem
  onEnd: (reason: string) => void = () => {}
  #localMs = 0

  constructor(process: SimulatedProcess, name: string) {
    this.process = process
    this.name = name
    process.parts.add(this)
    const { machine } = process
    this.files = machine.disk.of(this)
    this.clock = {
      wallMs: () => 1_735_689_600_000 + this.#localNow(),
      monotonicMs: () => this.#localNow(),
      after: (ms, run) => {
        let isOff = false
        const atMs = this.#localNow() + ms + machine.random.delay(0.2)
        machine.schedule(atMs, this, () => {
          if (!isOff) run()
        })
        return () => (isOff = true)
      },
      turn: () =>
        new Promise((resolve) => machine.schedule(this.#localNow() + machine.random.delay(0.02), this, resolve)),
    }
  }

  enter(run: () => void): void {
    this.#localMs = this.process.machine.nowMs
    try {
      run()
    } catch (error) {
      if (!this.isAlive) return
      this.process.machine.note(`${this.name} throws ${String(error)}`)
      this.crash(error instanceof Error ? error.message : String(error))
    }
  }

  leave(): void {
    if (this.busyUntilMs < Infinity) this.busyUntilMs = Math.max(this.busyUntilMs, this.#localMs)
  }

  /** A moment passes. */
  step(what: string): void {
    if (!this.isAlive) throw new Dead(what)
    const { machine } = this.process
    this.#localMs = this.#localNow() + machine.random.delay(0.01)
    if (!this.fate || !this.fate.at.test(what) || this.fate.steps-- > 0) return
    const { strike } = this.fate
    this.fate = undefined
    machine.note(`${this.name} is struck at ${what}`)
    strike()
    if (!this.isAlive) throw new Dead(what)
  }

  after(ms: number, run: () => void): void {
    this.process.machine.schedule(this.#localNow() + ms, this, run)
  }

  /** An uncaught error. */
  crash(reason: string): void {
    if (!this.isAlive) return
    if (this.name === 'main') throw new Error(`main has an uncaught error: ${reason}`)
    this.die()
    this.onEnd(reason)
  }

  /** It is in a system call that does not return for so long. */
  block(ms: number): void {
    this.blockedUntilMs = Math.max(this.blockedUntilMs, this.process.machine.nowMs + ms)
    this.busyUntilMs = Math.max(this.busyUntilMs, this.blockedUntilMs)
  }

  die(): void {
    this.isAlive = false
    this.process.parts.delete(this)
    this.process.machine.disk.closeAll(this)
  }

  now(): number {
    return this.#localNow()
  }

  #localNow(): number {
    return Math.max(this.#localMs, this.process.machine.nowMs)
  }
}

/** One end of a channel. Its owner is known when a part connects it. */
class SimulatedEnd implements Port<unknown, unknown>, Link {
  owner: SimulatedPart | undefined
  other!: SimulatedEnd
  readonly #machine: SimulatedMachine
  #handle: ((message: unknown) => void) | undefined
  #closed = false
  readonly #arriving: { readonly message: unknown; readonly postedMs: number; readonly atMs: number }[] = []

  constructor(machine: SimulatedMachine, owner: SimulatedPart | undefined) {
    this.#machine = machine
    this.owner = owner
  }

  post(message: unknown, transfer: readonly (ArrayBuffer | Link)[] = []): void {
    const { owner, other } = this
    if (!owner?.isAlive) return
    try {
      owner.step(`post ${String((message as { type?: unknown }).type)} to ${other.owner?.name ?? 'somebody'}`)
    } catch (error) {
      if (error instanceof Dead) return
      throw error
    }
    if (this.#closed || other.#closed || other.owner?.isAlive === false) return
    const buffers = transfer.filter((one) => one instanceof ArrayBuffer)
    const copy: unknown = buffers.length > 0 ? structuredClone(message, { transfer: buffers }) : message
    const postedMs = owner.now()
    const atMs = Math.max(
      postedMs + this.#machine.random.delay(this.#machine.messageMs),
      other.#arriving.at(-1)?.atMs ?? 0,
    )
    other.#arriving.push({ message: copy, postedMs, atMs })
    if (other.#handle) other.#schedule(atMs)
  }

  onMessage(handle: (message: never) => void): void {
    this.#handle = handle as (message: unknown) => void
    for (const { atMs } of this.#arriving) this.#schedule(atMs)
  }

  receive(): unknown {
    if (this.#closed || !this.owner?.isAlive) return undefined
    const [first] = this.#arriving
    return first && first.postedMs <= this.owner.now() ? this.#arriving.shift()!.message : undefined
  }

  close(): void {
    this.#closed = true
  }

  #schedule(atMs: number): void {
    this.#machine.schedule(Math.max(atMs, this.#machine.nowMs), this.owner, () => {
      const [first] = this.#arriving
      if (this.#closed || !first || first.atMs > this.#machine.nowMs) return
      this.#arriving.shift()
      this.#handle!(first.message)
    })
  }
}

function channel(
  machine: SimulatedMachine,
  one: SimulatedPart | undefined,
  other: SimulatedPart | undefined,
): [SimulatedEnd, SimulatedEnd] {
  const ends: [SimulatedEnd, SimulatedEnd] = [new SimulatedEnd(machine, one), new SimulatedEnd(machine, other)]
  ends[0].other = ends[1]
  ends[1].other = ends[0]
  return ends
}

/** Starts a part of the engine: the program's own code, on simulated time, messages and files. */
function startPart(
  process: SimulatedProcess,
  name: EnginePart,
  settings: LocalStoreSettings,
): RunningPart<unknown, unknown> {
  const { machine, main } = process
  const part = new SimulatedPart(process, name)
  process.onStart(part)
  const [mainEnd, partEnd] = channel(machine, main, part)
  const connect = <In, Out>(link: Link): Port<In, Out> => {
    const end = link as unknown as SimulatedEnd
    end.owner = part
    return end as unknown as Port<In, Out>
  }
  machine.schedule(main.now() + machine.random.delay(5), part, () => {
    if (name === 'writer') {
      new Writer(settings, part.files, part.clock, connect, partEnd as unknown as Port<ToWriter, FromWriter>).start()
    } else if (name === 'sealer') {
      const port = partEnd as unknown as Port<SealerCommand, SealerReply>
      new Sealer(settings, part.files, part.clock, connect, port).start()
    } else {
      new Reader(
        name,
        settings,
        part.files,
        part.clock,
        connect,
        partEnd as unknown as Port<ToReader, FromReader>,
      ).start()
    }
  })
  const ended = new Promise<string>((resolve) => {
    part.onEnd = (reason) => {
      // It is main that hears of it, when it comes to it.
      machine.schedule(machine.nowMs + machine.random.delay(1), main, () => resolve(reason))
    }
  })
  return {
    port: mainEnd,
    ended,
    terminate() {
      const endMs = Math.max(part.blockedUntilMs, machine.nowMs + machine.random.delay(1))
      machine.schedule(endMs, undefined, () => {
        if (!part.isAlive) return
        part.die()
        part.onEnd('it was told to end')
      })
    },
  }
}
