/**
 * Gathers the spans of each trace until it is decided whether it is kept. Spans are copied out of their requests and held as bytes, by trace, in memory
 * or in a log on the disk; what is known of a trace besides is a row of numbers. Each tick of a second decides the traces whose time has come.
 */
import { editRequest, freeMemory, resourceParts, type Chunk, type TelemetryBatch } from '@spoor/otlp'
import {
  aborted,
  CollectorError,
  createLogLimiter,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type DeliveryContext,
  type Host,
} from '../../component/index.ts'
import {
  NONE,
  text,
  TraceHolder,
  type Detached,
  type Found,
  type Mark,
  type TraceTable,
} from '../../processor-helper/index.ts'
import { compilePolicy, isFinal } from './compile.ts'
import { isComplete } from './complete.ts'
import type { TailSamplingConfig } from './config.ts'
import { Decider, PENDING, type Verdict } from './decider.ts'
import { DecisionCache } from './decision-cache.ts'
import { createFigures, type DropReason, type EarlyReason, type TailSamplingFigures } from './figures.ts'
import type { Trace } from './policy.ts'
import { HeldTrace } from './held-trace.ts'
import { Wheel } from './wheel.ts'

const TICK_MS = 1000
const LOG_INTERVAL_MS = 10_000
/** Deciding lets others have their turn after so long. Milliseconds. */
const SLICE_MS = 10

/** What a row of the table says of its trace. */
const WAITING = 0
const SAMPLED = 1
const NOT_SAMPLED = 2

export class TailSamplingProcessor implements Component, Consumer {
  /** A sender is answered before the next stage has anything. */
  readonly durable = false
  readonly claims: readonly string[]
  readonly #context: Context
  readonly #config: TailSamplingConfig
  readonly #holder: TraceHolder
  readonly #table: TraceTable
  readonly #decider: Decider
  readonly #policies: readonly string[]
  readonly #wheel: Wheel
  readonly #figures: TailSamplingFigures
  readonly #sampled: DecisionCache
  readonly #notSampled: DecisionCache
  /** Traces that are not decided. */
  #waiting = 0
  /** Rows whose tick has come, from `#dueAt` on. */
  #due: number[] = []
  #dueAt = 0
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  /** Resolves at the next decision; where somebody waits for room. */
  #room: PromiseWithResolvers<void> | undefined

  constructor(context: Context, config: TailSamplingConfig, next: Consumer) {
    const { id, counters } = context
    this.#context = context
    this.#config = config
    this.#holder = new TraceHolder(context, config, next)
    this.#table = this.#holder.table
    this.claims = this.#holder.claims
    const log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    const clock = (): number => performance.now()
    this.#policies = config.policies.map(({ name }) => name)
    this.#decider = new Decider(
      config.policies.map((policy) => ({
        name: policy.name,
        policy: compilePolicy(policy, { context, clock }),
        isDrop: policy.type === 'drop',
        isFinal: isFinal(policy),
      })),
      { id, counters, log, isFirstMatch: config.sample_on_first_match },
    )
    this.#wheel = new Wheel(
      this.#table,
      Math.max(1, Math.floor(config.decision_wait / TICK_MS)),
      (row) => this.#table.state[row] === WAITING,
    )
    const forgotten = (mark: number): void => this.#holder.unmark(mark)
    this.#sampled = new DecisionCache(config.decision_cache.sampled_cache_size, forgotten)
    this.#notSampled = new DecisionCache(config.decision_cache.non_sampled_cache_size, forgotten)
    this.#figures = createFigures(id, counters, {
      sampling_traces_on_memory: () => this.#table.size,
      waiting_traces: () => this.#waiting,
      held_bytes: () => this.#holder.byteLength,
      memory_bytes: () => this.#holder.memoryBytes,
    })
  }

  async start(host: Host): Promise<void> {
    this.#holder.open(
      host,
      (mark) => this.#restore(mark),
      (fragment) =>
        this.#take(fragment, (row) => {
          this.#holder.append(row, fragment)
          this.#table.bytes[row]! += fragment.length
        }),
    )
    if (this.#waiting > 0)
      this.#context.logger.info(
        { component: this.#context.id, traces: this.#waiting },
        'Traces that waited when the collector ended wait again.',
      )
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  async consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    try {
      if (this.#config.block_on_overflow) await this.#waitForRoom(context)
      if (this.#isStopped) throw new CollectorError('unavailable', `${this.#context.id} is shutting down`)
      this.#holder.makeRoom(batch.byteLength, (isEnough) => this.#decideEarly('held_bytes', isEnough))
      // Where what comes is decided as it comes, the Collector looks at one resource after the other.
      const isByResource = this.#config.sampling_strategy === 'span-ingest'
      const fragments = this.#holder.split(batch, { isByResource }, (trace) => !this.#isDropped(trace))
      await this.#holder.keep(fragments, (fragment, bytes) =>
        this.#take(fragment, (row) => this.#takeWaiting(row, fragment, bytes)),
      )
      this.#holder.free(fragments, batch)
    } catch (error) {
      throw toCollectorError(error)
    }
    freeMemory(batch)
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    clearInterval(this.#timer)
    this.#isStopped = true
    this.#room?.resolve()
    const left = [...this.#due.slice(this.#dueAt), ...this.#wheel.all()]
    this.#due = []
    for (const row of left) {
      if (this.#config.drop_pending_traces_on_shutdown) this.#discard(row, 'shutdown')
      else if (!this.#holder.keepsAtStop) this.#decide(row)
    }
    await this.#holder.outbox.drain(signal)
    this.#holder.close()
  }

  finish(): void {
    this.#holder.outbox.finish()
  }

  /** Whether the trace is known to be dropped; its spans are counted then. */
  #isDropped(trace: Pick<Found, 'words' | 'at' | 'spans'>): boolean {
    const row = this.#table.find(trace.words, trace.at)
    const isDropped = row === NONE ? this.#isCachedAsDropped(trace) : this.#table.state[row] === NOT_SAMPLED
    if (isDropped) this.#dropLate(row, trace.spans)
    return isDropped
  }

  #isCachedAsDropped({ words, at, spans }: Pick<Found, 'words' | 'at' | 'spans'>): boolean {
    if (!this.#notSampled.isOn || this.#notSampled.get(words, at) === undefined) return false
    this.#figures.fromCache.notSampled.value += spans
    return true
  }

  /** Counts spans that come after their trace was dropped. `row`: of the trace, where it has one. */
  #dropLate(row: number, spans: number): void {
    this.#figures.spansNotSampled.value += spans
    if (row !== NONE) this.#lateAge(row)
  }

  #lateAge(row: number): void {
    this.#figures.lateAge.record(Math.trunc((performance.now() - this.#table.decided[row]!) / 1000))
  }

  /** What was decided before the collector ended. */
  #restore({ number, words, at, state, note }: Mark): void {
    const policy = note === null ? NONE : this.#policies.indexOf(note)
    const cache = this.#cacheOf(state)
    if (cache.isOn) return cache.put(words, at, policy, number)
    this.#makeWay()
    const row = this.#table.add(words, at, performance.now())
    this.#table.state[row] = state
    this.#table.note[row] = policy
    this.#table.due[row] = number
  }

  #cacheOf(state: number): DecisionCache {
    return state === SAMPLED ? this.#sampled : this.#notSampled
  }

  /** Takes in what is kept. `wait`: what becomes of it where its trace waits. */
  #take(fragment: Found, wait: (row: number) => void): void {
    const { words, at, spans } = fragment
    // It may have been dropped while it was written.
    if (this.#isDropped(fragment)) return this.#holder.remove(this.#holder.alone(fragment))
    let row = this.#table.find(words, at)
    const cached = row === NONE && this.#sampled.isOn ? this.#sampled.get(words, at) : undefined
    if (cached !== undefined) {
      this.#figures.fromCache.sampled.value += spans
      return this.#send(this.#holder.alone(fragment), cached, true)
    }
    if (row === NONE) row = this.#addTrace(fragment)
    this.#count(row, fragment)
    if (this.#table.state[row] === WAITING) return wait(row)
    this.#lateAge(row)
    this.#send(this.#holder.alone(fragment), this.#table.note[row]!, false)
  }

  #takeWaiting(row: number, fragment: Found, bytes: Uint8Array): void {
    this.#holder.append(row, fragment)
    const { maximum_trace_size_bytes: maxSize, sampling_strategy: strategy } = this.#config
    if (maxSize > 0) {
      this.#table.bytes[row]! += bytesOfResources(bytes)
      if (this.#table.bytes[row]! > maxSize) return this.#dropTooLarge(row)
    }
    if (strategy === 'trace-complete' && this.#config.decide_early) {
      const verdict = this.#decider.keepNow(this.#traceOf(row, [{ bytes, items: fragment.spans }]))
      if (verdict) {
        this.#figures.decidedEarly.kept.value++
        this.#settle(row, verdict)
      }
    }
    if (strategy === 'span-ingest') {
      const verdict = this.#decider.decideEarly(this.#traceOf(row, [{ bytes, items: fragment.spans }]))
      if (verdict !== PENDING) this.#settle(row, verdict)
    }
  }

  #addTrace({ words, at }: Pick<Found, 'words' | 'at'>): number {
    this.#makeWay()
    const row = this.#table.add(words, at, performance.now())
    this.#waiting++
    this.#figures.newTraces.value++
    this.#wheel.add(row)
    return row
  }

  /** The oldest trace goes where there are as many as there may be. */
  #makeWay(): void {
    const { size, oldest, state } = this.#table
    if (size < this.#config.num_traces || oldest === NONE) return
    if (state[oldest] !== WAITING) this.#forget(oldest)
    else if (!this.#config.block_on_overflow) {
      this.#figures.droppedTooEarly.value++
      this.#discard(oldest, 'num_traces')
      this.#forget(oldest)
    }
  }

  #count(row: number, { spans, hasRoot, facts, factsRow }: Omit<Found, 'ref' | 'length'>): void {
    this.#table.spans[row]! += spans
    if (facts) this.#table.facts.addAll(row, facts, factsRow!)
    else this.#table.facts.forget(row)
    const afterRootMs = this.#config.decision_wait_after_root_received
    if (!hasRoot || this.#table.state[row] !== WAITING) return
    if (afterRootMs > 0) this.#wheel.hasten(row, Math.floor(afterRootMs / TICK_MS))
    else if (this.#looksWhetherComplete) this.#wheel.hasten(row, 1)
  }

  get #looksWhetherComplete(): boolean {
    const {
      decide_early: isEarly,
      sampling_strategy: strategy,
      decision_wait_after_root_received: afterRootMs,
    } = this.#config
    return isEarly && strategy === 'trace-complete' && afterRootMs === 0
  }

  /** A trace that has its root is looked at before its time, whether all of it is there; and again when it has waited for twice as long. */
  #isTime(row: number): boolean {
    if (!this.#looksWhetherComplete || this.#table.state[row] !== WAITING) return true
    const ticks = Math.round((performance.now() - this.#table.arrived[row]!) / TICK_MS)
    if (ticks >= Math.floor(this.#config.decision_wait / TICK_MS)) return true
    if (this.#isComplete(row)) {
      this.#figures.decidedEarly.complete.value++
      return true
    }
    this.#wheel.delay(row, ticks, ticks)
    return false
  }

  #isComplete(row: number): boolean {
    try {
      return isComplete(this.#holder.chunksOf(row))
    } catch {
      // What is wrong is told when it is decided.
      return true
    }
  }

  #tick(): void {
    const isBusy = this.#dueAt < this.#due.length
    const rows = this.#wheel.tick()
    // Not `push(...rows)`: of a hundred thousand rows it ends the process.
    this.#due = isBusy ? this.#due.slice(this.#dueAt).concat(rows) : rows
    this.#dueAt = 0
    if (!isBusy) this.#decideDue()
  }

  #decideDue(): void {
    const begin = performance.now()
    while (this.#dueAt < this.#due.length) {
      if (performance.now() - begin > SLICE_MS) {
        setImmediate(() => this.#decideDue())
        break
      }
      const row = this.#due[this.#dueAt++]!
      if (this.#wheel.isDue(row) && this.#isTime(row)) this.#decide(row)
    }
    this.#figures.tickLatency.record(performance.now() - begin)
  }

  /** Nothing happens where it is decided already. */
  #decide(row: number): void {
    if (this.#table.state[row] !== WAITING) return
    if (this.#config.sampling_strategy === 'span-ingest') {
      this.#settle(row, { decision: 'not_sampled', policy: undefined })
      // Where no cache remembers it, it is forgotten, as in the Collector: what comes later is looked at anew.
      if (!this.#notSampled.isOn) this.#forget(row)
      return
    }
    let verdict: Verdict
    try {
      verdict = this.#decider.decide(new HeldTrace(row, this.#holder))
    } catch (error) {
      this.#discard(row, 'damaged', toCollectorError(error).message)
      return
    }
    this.#settle(row, verdict)
  }

  #traceOf(row: number, chunks: readonly Chunk[]): Trace {
    const { ids, spans } = this.#table
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
    return { id: new Uint8Array(ids.buffer, 16 * row, 16), spans: spans[row]!, bytes, chunks }
  }

  #settle(row: number, { decision, policy }: Verdict): void {
    this.#figures.decided[decision].value++
    const fragments = this.#holder.detach(row)
    const isSampled = decision === 'sampled'
    const number = policy === undefined ? NONE : this.#policies.indexOf(policy)
    this.#close(row, isSampled ? SAMPLED : NOT_SAMPLED, number)
    if (isSampled) this.#send(fragments, number, false)
    else {
      this.#figures.spansNotSampled.value += fragments.spans
      this.#holder.remove(fragments)
    }
  }

  /** The trace is decided: late spans follow. */
  #close(row: number, state: number, policy: number): void {
    const table = this.#table
    table.state[row] = state
    table.note[row] = policy
    table.decided[row] = performance.now()
    this.#leave()
    const mark = this.#holder.mark(table.ids, 4 * row, state, this.#policies[policy] ?? null)
    const cache = this.#cacheOf(state)
    if (cache.isOn) cache.put(table.ids, 4 * row, policy, mark)
    // The cache has the mark from now on.
    table.due[row] = cache.isOn ? 0 : mark
    if (cache.isOn) this.#forget(row)
  }

  /** One trace less waits. */
  #leave(): void {
    this.#waiting--
    this.#room?.resolve()
    this.#room = undefined
  }

  #forget(row: number): void {
    this.#figures.removalAge.record(Math.trunc((performance.now() - this.#table.arrived[row]!) / 1000))
    this.#holder.unmark(this.#table.due[row]!)
    this.#table.remove(row)
  }

  /** Drops a trace without a decision. Its row stays. */
  #discard(row: number, reason: DropReason, error = DROP_TEXT[reason]): void {
    if (this.#table.state[row] !== WAITING) return
    const fragments = this.#holder.detach(row)
    this.#holder.outbox.drop(fragments.spans, reason, error)
    this.#holder.remove(fragments)
    this.#table.state[row] = NOT_SAMPLED
    this.#table.decided[row] = performance.now()
    this.#table.due[row] = 0
    this.#leave()
  }

  #dropTooLarge(row: number): void {
    this.#figures.droppedTooLarge.value++
    const fragments = this.#holder.detach(row)
    this.#holder.outbox.drop(fragments.spans, 'too_large', DROP_TEXT.too_large)
    this.#holder.remove(fragments)
    this.#close(row, NOT_SAMPLED, NONE)
  }

  #send(fragments: Detached, policy: number, isCached: boolean): void {
    this.#holder.send(fragments, (chunks) => this.#marked(chunks, policy, isCached))
  }

  #marked(chunks: Chunk[], policy: number, isCached: boolean): Chunk[] {
    const name = this.#policies[policy]
    if (!this.#config.record_policy || name === undefined) return chunks
    return chunks.map(({ bytes, items }) => ({
      items,
      bytes: editRequest('traces', bytes, {
        scope({ attributes }) {
          attributes.set('tailsampling.policy', text(name))
          if (isCached) attributes.set('tailsampling.cached_decision', { type: 'bool', value: true })
        },
      }),
    }))
  }

  /** The oldest traces, until it is enough. */
  #decideEarly(reason: EarlyReason, isEnough: () => boolean): void {
    while (!isEnough() && this.#waiting > 0) {
      const rows = this.#wheel.earliest()
      if (rows.length === 0) return
      let at = 0
      while (at < rows.length && !isEnough()) {
        this.#figures.decidedEarly[reason].value++
        this.#decide(rows[at++]!)
      }
      this.#wheel.restore(rows.slice(at))
    }
  }

  /** While `num_traces` wait. Rejects when nobody waits for the answer any more. */
  async #waitForRoom({ signal }: DeliveryContext): Promise<void> {
    const most = Math.max(1, this.#config.num_traces)
    while (this.#waiting >= most && !this.#isStopped) {
      this.#room ??= Promise.withResolvers()
      await Promise.race([this.#room.promise, ...(signal ? [aborted(signal)] : [])])
      if (signal?.aborted) throw new CollectorError('unavailable', `${this.#context.id}: the sender has left`)
    }
  }
}

const DROP_TEXT: Readonly<Record<DropReason, string>> = {
  num_traces: 'more traces came than num_traces before this one was decided',
  too_large: 'the trace is larger than maximum_trace_size_bytes',
  shutdown: 'the collector ended before the decision (drop_pending_traces_on_shutdown)',
  damaged: 'what was held of the trace cannot be read',
}

/** As the Collector has the size of a trace: without what is around its resources. */
function bytesOfResources(bytes: Uint8Array): number {
  return resourceParts(bytes).reduce((sum, { bytes: part }) => sum + part.length - framingOf(part.length), 0)
}

/** Bytes of tag and length of a message that is `length` long with them. */
function framingOf(length: number): number {
  let size = 2
  while (length - size >= 128 ** (size - 1)) size++
  return size
}
