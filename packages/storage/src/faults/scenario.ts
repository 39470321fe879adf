import { batchOf, sent, traceId, type SentSpan } from '../conformance/spans.ts'
import { collectSearch, StorageError, type SearchPage, type TraceStore } from '../contract.ts'
import type { StoreEvent } from '../events.ts'
import type { LocalStoreOptions } from '../local/options.ts'
import type { EnginePart } from '../local/runtime.ts'
import { openStoreOn } from '../local/threads/local-store.ts'
import { BitRot } from './bit-rot.ts'
import { FAULTS, type Fault } from './fault.ts'
import { healthyDisk } from './faulty-file-system.ts'
import { Oracle, type Expectation } from './oracle.ts'
import type { Random } from './random.ts'
import {
  CRITICAL,
  DIRECTORY,
  SimulatedProcess,
  SWAPPING,
  type SimulatedMachine,
  type SimulatedPart,
} from './simulated-machine.ts'
import { StoreFiles } from './store-files.ts'

const QUERY_MS = 2_000
/** What any call may take longer than its deadline in the simulation, where a message may be late by a thousand times. */
const SLACK_MS = 500
/** An append waits 10 s for room at most, the writer has it for 30 s at most, and somebody has to notice. */
const APPEND_MS = 44_000
/** After all faults have ended an append must be acknowledged within this. Milliseconds of simulated time. */
const RECOVERED_WITHIN_MS = 70_000

interface Opened {
  readonly process: SimulatedProcess
  readonly store: TraceStore
  readonly events: StoreEvent[]
  /** Faults of parts that were made in this process. */
  partFaults: number
  hasGivenUp: boolean
  /** Something may not have been ended in order: there may be something to recover. */
  mayBeTorn: boolean
  readonly failedTruncates: number
}

/** A store under random work and faults, beside an oracle. */
export class Scenario {
  readonly oracle = new Oracle()
  readonly steps: number
  readonly #machine: SimulatedMachine
  readonly #random: Random
  readonly #faults: ReadonlySet<Fault>
  #options: LocalStoreOptions
  readonly #files: StoreFiles
  readonly #rot: BitRot
  /** The store is large enough for its segments to be small parts of it. */
  readonly #isStrict: boolean
  readonly #failure = Promise.withResolvers<never>()
  readonly failed = this.#failure.promise
  #opened: Opened | undefined
  #nextAppend = 0
  /** The directory was moved away. */
  #isAway = false
  /** Times that the directory was taken away. */
  #absences = 0
  #damageTold = false
  #leftOut = false
  #closedInOrder = false
  #nextTrace = 0
  /** Nothing has disturbed the store since it was last seen to be well. */
  #quiet = true

  constructor(machine: SimulatedMachine, random: Random, faults: readonly Fault[], steps: number | undefined) {
    this.#machine = machine
    this.#random = random
    const share = random.pick([0.2, 0.5, 1])
    // Drawn whatever is asked for, so that a run with fewer steps is the beginning of the same run.
    this.#faults = new Set(FAULTS.filter((fault) => random.chance(share) && faults.includes(fault)))
    const drawn = random.int(5, 50)
    const mayBeStrict = random.chance(0.2) && this.#faults.has('retention')
    this.#isStrict = mayBeStrict && this.#faults.has('strict_retention')
    this.steps = steps ?? drawn
    this.#options = {
      directory: DIRECTORY,
      segmentBytes: random.pick([600, 2_000, 10_000, 100_000]),
      seal: random.chance(0.5),
      blockSpans: random.pick([4, 16, 64]),
      blockBytes: random.pick([1_000, 100_000]),
      frameBytes: random.pick([200, 1_000, 10_000]),
      maxPendingBytes: random.pick([2_000, 100_000]),
      cacheBytes: random.pick([2_000, 1_000_000]),
      ...(this.#faults.has('retention') && { maxBytes: random.pick([3_000, 20_000]) }),
      ...(this.#isStrict && STRICT_STORE),
    }
    machine.messageMs = random.pick([0.1, 0.5, 5])
    // Without a draw of its own, so that the other runs are what they were.
    const { maxBytes, seal } = this.#options
    if (maxBytes !== undefined && seal && machine.messageMs === 0.5)
      this.#options = { ...this.#options, keep: { errors: true, share: 0.5 } }
    this.#files = new StoreFiles(machine, this.#options, this.#isStrict, (error) => this.#fail(error))
    this.#rot = new BitRot(machine, random, this.oracle)
  }

  async run(): Promise<void> {
    for (let step = 0; step < this.steps; step++) {
      if (!this.#opened?.process.isAlive) await this.#open()
      await this.#step()
      if (this.#random.chance(0.7)) await this.#machine.sleep(this.#random.delay(this.#random.pick([0.2, 2, 20])))
    }
    await this.#recover()
    await this.#checkAll('after the faults')
    if (!this.oracle.hasRot) this.#files.checkSealed(this.#opened!.events)
    await this.#close()
    await this.#open()
    await this.#checkAll('after it was opened again')
    await this.#close()
  }

  async #step(): Promise<void> {
    const { process, store } = this.#opened!
    if (this.#opened!.hasGivenUp) {
      await this.#close()
      return
    }
    switch (this.#random.int(0, 11)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        for (let i = this.#random.int(1, 4) * (this.#isStrict ? 8 : 1); i > 0; i--) this.#append(process, store)
        break
      case 5:
        void this.#readTrace(process, store)
        break
      case 6:
        void this.#search(process, store)
        break
      case 7:
        void this.#call(process, QUERY_MS, 'query', () =>
          this.#random.pick([
            () => store.services({ timeoutMs: QUERY_MS }),
            () => store.stats({ timeoutMs: QUERY_MS }),
            () => store.attributeKeys(10, { timeoutMs: QUERY_MS }),
            () => store.dependencies(0n, 2n ** 63n, { timeoutMs: QUERY_MS }),
          ])(),
        )
        break
      case 8:
        await this.#machine.sleep(this.#random.pick([10, 100, 1_000]))
        break
      case 9:
        if (this.#random.chance(0.2)) await this.#close()
        break
      default:
        await this.#fault()
    }
  }

  async #fault(): Promise<void> {
    const kinds = [...this.#faults].filter((fault) => !fault.endsWith('retention'))
    if (kinds.length === 0) return
    const kind = this.#random.pick(kinds)
    const { disk } = this.#machine
    const opened = this.#opened!
    this.#machine.note(`fault: ${kind}`)
    this.#quiet = false
    if (!DISK_FAULTS.has(kind)) opened.mayBeTorn = true
    switch (kind) {
      case 'kill':
      case 'power_cut':
        this.#strike(this.#random.pick(PARTS), () => {
          opened.process.kill()
          if (kind === 'power_cut') disk.cut()
        })
        break
      case 'part_ends':
        opened.partFaults++
        this.#strike(this.#random.pick(['writer', ...PARTS] as const), (part) => part.crash('the simulation ended it'))
        break
      case 'part_hangs': {
        opened.partFaults++
        const part = opened.process.part(this.#random.pick(PARTS))
        if (!part) break
        if (this.#random.chance(0.5)) part.busyUntilMs = Infinity
        else part.block(this.#random.pick([500, 20_000, 100_000]))
        break
      }
      case 'read_errors':
        await this.#during({ readErrorShare: this.#random.pick([0.02, 0.3, 1]) })
        break
      case 'write_errors':
        await this.#during({ writeErrorShare: this.#random.pick([0.02, 0.3, 1]) })
        break
      case 'sync_errors':
        await this.#during({ syncErrorShare: this.#random.pick([0.1, 0.5, 1]) })
        break
      case 'disk_full':
        this.#files.wasFull = true
        await this.#during({ quotaBytes: disk.bytes + this.#random.int(0, 2_000) })
        break
      case 'sync_hangs':
        opened.partFaults++
        await this.#during({ syncHangs: true })
        break
      case 'directory_lost': {
        const directory = disk.take(DIRECTORY)
        if (!directory) break
        this.#isAway = true
        this.#absences++
        await this.#work(this.#random.int(1, 8))
        this.#isAway = false
        disk.put(DIRECTORY, directory)
        break
      }
      case 'bit_rot':
        this.#rot.strike()
        // What the readers have in memory does not rot.
        opened.process.kill()
    }
  }

  /** Something happens to a part in the middle of one of its next calls. */
  #strike(name: EnginePart, happen: (part: SimulatedPart) => void): void {
    const part = this.#opened!.process.part(name)
    const at = this.#random.pick([/./, /./, CRITICAL, SWAPPING])
    const steps = this.#random.int(0, at === CRITICAL ? 5 : at === SWAPPING ? 2 : 40)
    if (part) part.fate = { steps, at, strike: () => happen(part) }
  }

  /** Works on a disk with these faults, and then mends it. */
  async #during(faults: Partial<ReturnType<typeof healthyDisk>>): Promise<void> {
    Object.assign(this.#machine.disk.faults, faults)
    await this.#work(this.#random.int(1, 12))
    Object.assign(this.#machine.disk.faults, healthyDisk())
    this.#machine.note('the disk is well')
  }

  async #work(appends: number): Promise<void> {
    for (let i = 0; i < appends; i++) {
      const opened = this.#opened
      if (!opened?.process.isAlive) return
      this.#append(opened.process, opened.store)
      if (this.#random.chance(0.2)) void this.#search(opened.process, opened.store)
      await this.#machine.sleep(this.#random.delay(this.#random.pick([1, 50])))
    }
  }

  async #open(): Promise<void> {
    if (this.#opened?.process.isAlive) this.#opened.process.kill()
    this.#opened = undefined
    if (this.#faults.has('bit_rot') && this.#random.chance(0.3)) {
      const files = this.#machine.disk.contents(DIRECTORY)
      this.#rot.strike((name) => name.endsWith('.seal') && files.has(name.replace(/seal$/, 'log')))
    }
    for (let attempt = 0; ; attempt++) {
      this.#leftOut = false
      if (attempt === 5) this.#mend()
      const process = new SimulatedProcess(this.#machine)
      const events: StoreEvent[] = []
      const opening = Promise.withResolvers<TraceStore | StorageError>()
      process.do(() => {
        openStoreOn(process.host, {
          ...this.#options,
          onEvent: (event) => {
            events.push(event)
            if (event.code === 'damaged') {
              if (event.kept !== undefined) this.#files.keep(event.kept)
              // Only the last record may be told as damaged by `perhaps`, and it was never acknowledged.
              if (this.#faults.has('bit_rot')) this.#damageTold = true
              else if (!event.perhaps)
                this.#fail(new Error(`damage is told, and nothing is damaged: ${event.file} at ${event.offset}`))
            }
            if ('part' in event && event.part === 'segments') this.#leftOut = event.code === 'failing'
            if (event.code === 'dropped') this.#files.checkDrop(event)
            if (
              event.code === 'failing' &&
              event.reason.includes('has not written a batch') &&
              !this.#faults.has('sync_hangs') &&
              !this.#faults.has('part_hangs')
            )
              this.#fail(new Error('a batch was not answered, though nothing hung'))
            this.#machine.note(`event: ${JSON.stringify(event)}`)
          },
        }).then(opening.resolve, opening.resolve)
      })
      const opened = await Promise.race([opening.promise, this.#machine.sleep(200_000)])
      if (opened === undefined) throw new Error('opening did not end within 200 s')
      if (opened instanceof Error) {
        this.#machine.note(`opening failed: ${opened.message}`)
        const isExpected = opened instanceof StorageError && (opened.code === 'io' || opened.code === 'disk_full')
        if (!isExpected || attempt > 7) throw opened
        process.kill()
        await this.#machine.sleep(100)
        continue
      }
      this.#machine.note('opened')
      const mine: Opened = {
        process,
        store: opened,
        events,
        partFaults: 0,
        hasGivenUp: false,
        mayBeTorn: false,
        failedTruncates: this.#machine.disk.failedTruncates,
      }
      this.#opened = mine
      if (this.#closedInOrder) void this.#call(process, QUERY_MS * 20, 'stats', () => this.#checkNothingTorn(opened))
      this.#closedInOrder = false
      void opened.failed.then((error) => {
        mine.hasGivenUp = true
        if (mine.partFaults < 3)
          this.#fail(new Error(`the store gave up after ${mine.partFaults} faults of parts: ${error.message}`))
      })
      return
    }
  }

  async #close(): Promise<void> {
    const { process, store, hasGivenUp } = this.#opened!
    const outcome = Promise.withResolvers<unknown>()
    process.do(() => void store.close().then(outcome.resolve, outcome.resolve))
    const error = await Promise.race([
      outcome.promise,
      process.killed,
      this.#machine.sleep(10_000 + SLACK_MS).then(() => new Error('close did not keep its deadline')),
    ])
    this.#machine.note(`closed: ${String(error)}`)
    if (process.isAlive && error !== undefined && this.#quiet && !hasGivenUp) throw error as Error
    if (error instanceof Error && !(error instanceof StorageError)) throw error
    if (process.isAlive && error === undefined) {
      for (const part of process.parts) {
        const open = this.#machine.disk.openFiles(part)
        if (open > 0) throw new Error(`${part.name} left ${open} files open`)
      }
    }
    const { mayBeTorn, failedTruncates } = this.#opened!
    this.#closedInOrder =
      process.isAlive && error === undefined && !mayBeTorn && failedTruncates === this.#machine.disk.failedTruncates
    process.kill()
  }

  /** After an orderly end there is no record that was not acknowledged. */
  async #checkNothingTorn(store: TraceStore): Promise<void> {
    const { tornBytes } = (await store.stats({ timeoutMs: QUERY_MS * 20 })).recovered
    if (tornBytes > 0) throw new Error(`${tornBytes} bytes were torn, though the store was closed in order`)
  }

  #append(process: SimulatedProcess, store: TraceStore): void {
    const append = this.#nextAppend++
    const trace =
      this.#random.chance(0.2) && this.#nextTrace > 0 ? this.#random.int(0, this.#nextTrace - 1) : this.#nextTrace++
    const spans: SentSpan[] = Array.from({ length: this.#random.int(1, 6) }, (_, i) =>
      sent({
        trace,
        id: 1 + append * 8 + i,
        ...(i > 0 && { parent: 1 + append * 8 }),
        service: `s${append % 5}`,
        name: `operation ${this.#random.int(0, 9)}`,
        at: append,
        status: append % 7 === 3 && i === 0 ? 2 : 0,
        scope: { name: this.#text() },
      }),
    )
    this.oracle.sent(append, trace, spans)
    void this.#call(process, APPEND_MS, `append ${append}`, async () => {
      const wasAway = this.#isAway
      const absences = this.#absences
      await store.append(batchOf(...spans))
      const isStillAway = wasAway && this.#isAway && absences === this.#absences
      if (isStillAway) throw new Error(`append ${append} is acknowledged, and its directory is not there`)
      this.oracle.acknowledged(append, spans)
      // Whoever was told must find it at once.
      if (this.#random.chance(0.3)) void this.#readTrace(process, store, false, traceId(trace))
    })
  }

  #text(): string {
    const length = this.#random.pick(this.#isStrict ? [1, 30, 100] : [1, 100, 600])
    if (!this.#isStrict) return 'x'.repeat(length)
    // Letters that cannot be compressed to much less.
    return Array.from({ length }, () => this.#random.int(0, 2 ** 32 - 1).toString(36)).join('')
  }

  async #readTrace(
    process: SimulatedProcess,
    store: TraceStore,
    mustAnswer = false,
    id = this.#anyTrace(),
  ): Promise<void> {
    await this.#call(
      process,
      60 * QUERY_MS,
      `trace ${id.slice(-4)}`,
      async () => {
        const promised = this.oracle.promised(id)
        const { hasLeftOut } = this.#expected
        const chunks: Uint8Array[] = []
        const timeoutMs = mustAnswer ? 20 * QUERY_MS : QUERY_MS
        try {
          for await (const chunk of store.trace(id, { timeoutMs })) chunks.push(chunk)
        } catch (error) {
          // What is whole is given before it rejects. It tells of the first thing that is not: another may be what the disk refuses now.
          if (
            this.#machine.disk.faults.readErrorShare > 0 ||
            !this.oracle.hasRot ||
            !(error instanceof StorageError) ||
            error.code !== 'corrupt'
          )
            throw error
        }
        const expected = { ...this.#expected, hasLeftOut: hasLeftOut || this.#leftOut }
        const found = this.oracle.checkTrace(id, promised, chunks, expected)
        // What is kept longer is older than what has gone.
        if (!this.#options.keep) this.oracle.checkOrder(found)
      },
      mustAnswer,
    )
  }

  async #search(process: SimulatedProcess, store: TraceStore, mustAnswer = false): Promise<void> {
    await this.#call(
      process,
      400 * QUERY_MS,
      'search',
      async () => {
        const promised = this.oracle.promisedSpans
        const beganMs = this.#machine.nowMs
        const pages: SearchPage[] = []
        const timeoutMs = mustAnswer ? 20 * QUERY_MS : QUERY_MS
        do {
          const cursor = pages.at(-1)?.next
          pages.push(
            await collectSearch(
              store.search({ limit: 100, timeoutMs, order: this.#order, ...(cursor !== undefined && { cursor }) }),
            ),
          )
        } while (pages.at(-1)!.next !== undefined)
        // Files go at once here, and the word that they were dropped, sent before, has the sender's clock, which may be ahead.
        const isRetaining = this.#files.removedMs > beganMs - 100
        this.oracle.checkSearch(promised, pages, this.#expected, this.#quiet && !isRetaining)
      },
      mustAnswer,
    )
  }

  get #order(): 'newest' | 'oldest' {
    // What begins while the pages are read must not move what is on them.
    return 'oldest'
  }

  get #expected(): Expectation {
    return { mayHaveDropped: this.#files.mayHaveDropped, damageTold: this.#damageTold, hasLeftOut: this.#leftOut }
  }

  #anyTrace(): string {
    return traceId(this.#random.int(0, this.#nextTrace))
  }

  /** Calls the store in main. Ends when it is answered, or the process is dead; it must be answered within `withinMs`. */
  async #call(
    process: SimulatedProcess,
    withinMs: number,
    what: string,
    call: () => Promise<unknown>,
    mustAnswer = false,
  ): Promise<void> {
    const answered = Promise.withResolvers<boolean>()
    let isAnswered = false
    process.do(() => {
      this.#machine.note(`${what} is asked`)
      call().then(
        () => {
          isAnswered = true
          answered.resolve(true)
        },
        (error: unknown) => {
          isAnswered = true
          this.#machine.note(`${what}: ${String(error)}`)
          answered.resolve(true)
          if (!(error instanceof StorageError)) this.#fail(error instanceof Error ? error : new Error(String(error)))
          else if (error.code === 'corrupt' && !this.#faults.has('bit_rot')) this.#fail(error)
          else if (mustAnswer)
            this.#fail(new Error(`${what} is refused though nothing is wrong any more: ${error.message}`))
        },
      )
    })
    this.#machine.schedule(this.#machine.nowMs + withinMs * 1.1 + SLACK_MS, undefined, () => {
      if (!isAnswered && process.isAlive) this.#fail(new Error(`${what} was not answered within ${withinMs} ms`))
    })
    await Promise.race([answered.promise, process.killed])
  }

  /** Ends all faults, and waits until the store says that it is well and takes spans. */
  async #recover(): Promise<void> {
    this.#mend()
    // A system call that does not return is a fault too, and ends as it ends.
    const blockedUntilMs = Math.max(0, ...[...(this.#opened?.process.parts ?? [])].map((part) => part.blockedUntilMs))
    await this.#machine.sleep(Math.max(0, blockedUntilMs - this.#machine.nowMs))
    // So does a part that spins, when it is replaced: a writer in its recovery has ten minutes.
    for (let waitedMs = 0; this.#spins() && waitedMs < 700_000; waitedMs += 1_000) await this.#machine.sleep(1_000)
    const beganMs = this.#machine.nowMs
    for (;;) {
      if (this.#opened?.hasGivenUp) await this.#close()
      if (!this.#opened?.process.isAlive) await this.#open()
      const { process, store } = this.#opened!
      for (const part of process.parts) part.fate = undefined
      const before = this.oracle.acknowledgedSpans
      this.#append(process, store)
      await this.#machine.sleep(1_000)
      const { writable, readable, reasons } = store.health()
      if (process.isAlive && this.oracle.acknowledgedSpans > before && writable && readable && reasons.length === 0)
        break
      if (this.#machine.nowMs - beganMs > RECOVERED_WITHIN_MS)
        throw new Error(
          `${RECOVERED_WITHIN_MS} ms after the faults had ended the store is not well: ${reasons.join('; ') || 'no span is acknowledged'}`,
        )
    }
    // What readers are told when they join must be what those know that were there.
    const { process } = this.#opened!
    for (const part of this.#random.chance(0.5) ? (['lookup_reader', 'search_reader'] as const) : []) {
      this.#opened!.partFaults++
      process.part(part)?.crash('the simulation ended it')
    }
    // A part that spins unasked is found by its pings, and what ended readers is refused for a minute.
    await this.#machine.sleep(70_000)
    const { reasons } = this.#opened!.store.health()
    if (reasons.length > 0) throw new Error(`the store says without a cause that it is not well: ${reasons.join('; ')}`)
    this.#quiet = true
    this.#machine.note('quiet')
  }

  #spins(): boolean {
    return [...(this.#opened?.process.parts ?? [])].some(({ busyUntilMs }) => busyUntilMs === Infinity)
  }

  #mend(): void {
    Object.assign(this.#machine.disk.faults, healthyDisk())
  }

  async #checkAll(when: string): Promise<void> {
    this.#machine.note(`checking all, ${when}`)
    const { process, store } = this.#opened!
    for (const id of this.#some(this.oracle.sentTraces)) await this.#readTrace(process, store, true, id)
    await this.#search(process, store, true)
    await this.#checkFiles(process, store)
  }

  #some(ids: readonly string[]): string[] {
    return ids.filter(() => this.#random.chance(MAX_READ / ids.length))
  }

  async #checkFiles(process: SimulatedProcess, store: TraceStore): Promise<void> {
    await this.#machine.sleep(10)
    const { filled, segments } = this.#files.check(process)
    await this.#call(process, QUERY_MS, 'stats', async () => {
      const { segments: told } = await store.stats()
      if (this.oracle.hasRot) return
      if (told < filled || told > segments) throw new Error(`stats tells of ${told} segments, there are ${segments}`)
    })
  }

  #fail(error: Error): void {
    this.#failure.reject(error)
  }
}

const PARTS = ['writer', 'lookup_reader', 'search_reader', 'sealer'] as const
/** What the writer lives through without being replaced. */
const DISK_FAULTS: ReadonlySet<Fault> = new Set(['read_errors', 'write_errors', 'sync_errors', 'disk_full'])
/** A limit of which a segment with one record is less than a twentieth: an append is up to some 3 kB then. */
const STRICT_STORE = {
  maxBytes: 100_000,
  segmentBytes: 4_000,
  blockSpans: 16,
  blockBytes: 100_000,
  frameBytes: 10_000,
}
/** Traces that are read whole in a check, about. A search sees the others. */
const MAX_READ = 5
