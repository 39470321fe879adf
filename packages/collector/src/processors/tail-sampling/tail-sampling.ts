/**
 * Gathers the spans of each trace until it is decided whether it is kept. Spans are copied out of their requests and held as bytes, by trace, in memory
 * or in a log on the disk; what is known of a trace besides is a row of numbers. Each tick of a second decides the traces whose time has come.
 */
import { createBatch, editRequest, resourceParts, type Chunk, type TelemetryBatch } from '@spoor/otlp'
import {
  aborted,
  CollectorError,
  createLogLimiter,
  extensionOf,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type DeliveryContext,
  type Host,
  type Storage,
} from '../../component/index.ts'
import {
  Arena,
  eachTrace,
  FragmentLists,
  NONE,
  Outbox,
  text,
  TraceLog,
  TraceTable,
  type Detached,
  type Fragment,
  type SpanStore,
} from '../../processor-helper/index.ts'
import { compilePolicy } from './compile.ts'
import type { TailSamplingConfig } from './config.ts'
import { Decider, PENDING, type Verdict } from './decider.ts'
import { DecisionCache } from './decision-cache.ts'
import { createFigures, type DropReason, type EarlyReason, type TailSamplingFigures } from './figures.ts'
import type { Trace } from './policy.ts'
import { Wheel } from './wheel.ts'

const TICK_MS = 1000
const LOG_INTERVAL_MS = 10_000
/** Deciding lets others have their turn after so long. Milliseconds. */
const SLICE_MS = 10
const MEMORY_BYTES = 128 * 1024 * 1024
const DISK_BYTES = 4 * 1024 * 1024 * 1024
/** Of the bytes that are held, what may wait for a decision; the rest is on its way to the next stage. */
const WAITING_SHARE = 3 / 4
const RETRY_AFTER_MS = 1000

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
  readonly #maxBytes: number
  readonly #decider: Decider
  readonly #policies: readonly string[]
  readonly #table = new TraceTable()
  readonly #wheel: Wheel
  readonly #outbox: Outbox
  readonly #figures: TailSamplingFigures
  readonly #sampled: DecisionCache
  readonly #notSampled: DecisionCache
  #store: SpanStore
  #fragments: FragmentLists
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
    const { id, counters, budget } = context
    this.#context = context
    this.#config = config
    const isPersistent = config.storage !== undefined
    this.#maxBytes = config.max_held_bytes ?? (isPersistent ? DISK_BYTES : MEMORY_BYTES)
    this.claims = isPersistent ? [`traces ${config.storage} ${ownerOf(context)}`] : []
    const log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    const clock = (): number => performance.now()
    this.#policies = config.policies.map(({ name }) => name)
    this.#decider = new Decider(
      config.policies.map((policy) => ({
        name: policy.name,
        policy: compilePolicy(policy, { context, clock }),
        isDrop: policy.type === 'drop',
      })),
      { id, counters, log, isFirstMatch: config.sample_on_first_match },
    )
    this.#wheel = new Wheel(
      this.#table,
      Math.max(1, Math.floor(config.decision_wait / TICK_MS)),
      (row) => this.#table.state[row] === WAITING,
    )
    this.#outbox = new Outbox(context, next, isPersistent)
    this.#store = new Arena((bytes) => budget.exempt(bytes))
    this.#fragments = new FragmentLists(this.#table, this.#store)
    this.#sampled = new DecisionCache(config.decision_cache.sampled_cache_size)
    this.#notSampled = new DecisionCache(config.decision_cache.non_sampled_cache_size)
    this.#figures = createFigures(id, counters, {
      sampling_traces_on_memory: () => this.#table.size,
      waiting_traces: () => this.#waiting,
      held_bytes: () => this.#fragments.byteLength,
    })
  }

  async start(host: Host): Promise<void> {
    const { storage } = this.#config
    if (storage !== undefined) this.#recover(extensionOf(host, storage, 'storage'))
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  /** What waited when the process ended waits again. */
  #recover(storage: Storage): void {
    const { logger, id } = this.#context
    const log = TraceLog.open(storage.fileOf(ownerOf(this.#context)), { fsync: storage.fsync, logger })
    this.#store = log
    this.#fragments = new FragmentLists(this.#table, log)
    for (const { ref, length, ...fragment } of log.found()) {
      const known = this.#table.find(fragment.words, fragment.at)
      const row = known === NONE ? this.#addTrace(fragment) : known
      this.#count(row, fragment)
      this.#table.bytes[row]! += length
      this.#fragments.append(row, ref, length, fragment.spans)
    }
    if (this.#waiting > 0)
      logger.info(
        { component: id, traces: this.#waiting },
        'Traces that waited when the collector ended are decided now.',
      )
  }

  async consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    try {
      if (this.#config.block_on_overflow) await this.#waitForRoom(context)
      if (this.#isStopped) throw new CollectorError('unavailable', `${this.#context.id} is shutting down`)
      this.#makeRoom(batch.byteLength)
      const fragments = this.#split(batch)
      if (fragments.length === 0) return
      const put = this.#store.put(fragments)
      const refs = Array.isArray(put) ? (put as readonly number[]) : await put
      for (const [index, fragment] of fragments.entries()) this.#take(fragment, refs[index]!)
    } catch (error) {
      throw toCollectorError(error)
    }
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    clearInterval(this.#timer)
    this.#isStopped = true
    this.#room?.resolve()
    const left = [...this.#due.slice(this.#dueAt), ...this.#wheel.all()]
    this.#due = []
    for (const row of left) {
      if (this.#config.drop_pending_traces_on_shutdown) this.#discard(row, 'shutdown')
      else if (!this.#store.isPersistent) this.#decide(row)
    }
    await this.#outbox.drain(signal)
    this.#store.close()
  }

  finish(): void {
    this.#outbox.finish()
  }

  /** The fragments of those traces that are not known to be dropped. */
  #split(batch: TelemetryBatch): Fragment[] {
    const fragments: Fragment[] = []
    for (const chunk of batch.chunks) {
      eachTrace(chunk, (trace) => {
        const { words, at, spans, hasRoot } = trace
        const row = this.#table.find(words, at)
        if (row === NONE ? this.#isCachedAsDropped(trace) : this.#table.state[row] === NOT_SAMPLED)
          this.#dropLate(row, spans)
        else fragments.push({ words, at, spans, hasRoot, bytes: trace.extract() })
      })
    }
    return fragments
  }

  #isCachedAsDropped({ words, at, spans }: Pick<Fragment, 'words' | 'at' | 'spans'>): boolean {
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

  /** Takes in what the store has. */
  #take(fragment: Fragment, ref: number): void {
    const { words, at, spans } = fragment
    const { length } = fragment.bytes
    let row = this.#table.find(words, at)
    if (row === NONE && this.#sampled.isOn) {
      const policy = this.#sampled.get(words, at)
      if (policy !== undefined) {
        this.#figures.fromCache.sampled.value += spans
        return this.#send(this.#fragments.alone(ref, length, spans), policy, true)
      }
    }
    if (row === NONE && this.#isCachedAsDropped(fragment)) {
      this.#fragments.remove(this.#fragments.alone(ref, length, spans))
      return this.#dropLate(NONE, spans)
    }
    if (row === NONE) row = this.#addTrace(fragment)
    this.#count(row, fragment)
    if (this.#table.state[row] === WAITING) this.#takeWaiting(row, fragment, ref)
    else this.#takeLate(row, this.#fragments.alone(ref, length, spans))
  }

  #takeLate(row: number, fragment: Detached): void {
    if (this.#table.state[row] === SAMPLED) {
      this.#lateAge(row)
      this.#send(fragment, this.#table.note[row]!, false)
    } else {
      this.#fragments.remove(fragment)
      this.#dropLate(row, fragment.spans)
    }
  }

  #takeWaiting(row: number, { bytes, spans }: Fragment, ref: number): void {
    this.#fragments.append(row, ref, bytes.length, spans)
    const { maximum_trace_size_bytes: maxSize, sampling_strategy: strategy } = this.#config
    if (maxSize > 0) {
      this.#table.bytes[row]! += bytesOfResources(bytes)
      if (this.#table.bytes[row]! > maxSize) return this.#dropTooLarge(row)
    }
    if (strategy === 'span-ingest') {
      const verdict = this.#decider.decideEarly(this.#traceOf(row, [{ bytes, items: spans }]))
      if (verdict !== PENDING) this.#settle(row, verdict)
    }
  }

  /** A row for a trace that has none; the oldest gives way where there are too many. */
  #addTrace({ words, at }: Pick<Fragment, 'words' | 'at'>): number {
    const table = this.#table
    if (table.size >= this.#config.num_traces && table.oldest !== NONE) {
      const { oldest } = table
      if (table.state[oldest] !== WAITING) this.#forget(oldest)
      else if (!this.#config.block_on_overflow) {
        this.#figures.droppedTooEarly.value++
        this.#discard(oldest, 'num_traces')
        this.#forget(oldest)
      }
    }
    const row = table.add(words, at, performance.now())
    this.#waiting++
    this.#figures.newTraces.value++
    this.#wheel.add(row)
    return row
  }

  #count(row: number, { spans, hasRoot }: Pick<Fragment, 'spans' | 'hasRoot'>): void {
    this.#table.spans[row]! += spans
    const afterRootMs = this.#config.decision_wait_after_root_received
    if (hasRoot && afterRootMs > 0 && this.#table.state[row] === WAITING)
      this.#wheel.hasten(row, Math.floor(afterRootMs / TICK_MS))
  }

  #tick(): void {
    const isBusy = this.#dueAt < this.#due.length
    const rows = this.#wheel.tick()
    if (isBusy) this.#due.push(...rows)
    else {
      this.#due = rows
      this.#dueAt = 0
      this.#decideDue()
    }
  }

  #decideDue(): void {
    const begin = performance.now()
    while (this.#dueAt < this.#due.length) {
      if (performance.now() - begin > SLICE_MS) {
        setImmediate(() => this.#decideDue())
        break
      }
      this.#decide(this.#due[this.#dueAt++]!)
    }
    this.#figures.tickLatency.record(performance.now() - begin)
  }

  /** Its time has come. Nothing happens where it is decided already: a row may be told twice, when another trace has got it meanwhile. */
  #decide(row: number): void {
    if (this.#table.state[row] !== WAITING) return
    if (this.#config.sampling_strategy === 'span-ingest') {
      this.#settle(row, { decision: 'not_sampled', policy: undefined })
      return
    }
    let verdict: Verdict
    try {
      verdict = this.#decider.decide(this.#traceOf(row, this.#fragments.chunksOf(row)))
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
    const fragments = this.#fragments.detach(row)
    const isSampled = decision === 'sampled'
    const number = policy === undefined ? NONE : this.#policies.indexOf(policy)
    this.#close(row, isSampled ? SAMPLED : NOT_SAMPLED, number)
    if (isSampled) this.#send(fragments, number, false)
    else {
      this.#figures.spansNotSampled.value += fragments.spans
      this.#fragments.remove(fragments)
    }
  }

  /** The trace is decided: late spans follow. */
  #close(row: number, state: number, policy: number): void {
    const table = this.#table
    table.state[row] = state
    table.note[row] = policy
    table.decided[row] = performance.now()
    this.#leave()
    const cache = state === SAMPLED ? this.#sampled : this.#notSampled
    if (!cache.isOn) return
    cache.put(table.ids, 4 * row, policy)
    this.#forget(row)
  }

  /** One trace less waits. */
  #leave(): void {
    this.#waiting--
    this.#room?.resolve()
    this.#room = undefined
  }

  #forget(row: number): void {
    this.#figures.removalAge.record(Math.trunc((performance.now() - this.#table.arrived[row]!) / 1000))
    this.#table.remove(row)
  }

  /** Drops a trace without a decision. Its row stays. */
  #discard(row: number, reason: DropReason, error = DROP_TEXT[reason]): void {
    if (this.#table.state[row] !== WAITING) return
    const fragments = this.#fragments.detach(row)
    this.#outbox.drop(fragments.spans, reason, error)
    this.#fragments.remove(fragments)
    this.#table.state[row] = NOT_SAMPLED
    this.#table.decided[row] = performance.now()
    this.#leave()
  }

  #dropTooLarge(row: number): void {
    this.#figures.droppedTooLarge.value++
    const fragments = this.#fragments.detach(row)
    this.#outbox.drop(fragments.spans, 'too_large', DROP_TEXT.too_large)
    this.#fragments.remove(fragments)
    this.#close(row, NOT_SAMPLED, NONE)
  }

  #send(fragments: Detached, policy: number, isCached: boolean): void {
    const { spans: items, bytes } = fragments
    this.#outbox.send({
      items,
      bytes,
      open: () => createBatch('traces', this.#marked(this.#fragments.copy(fragments), policy, isCached)),
      done: () => this.#fragments.remove(fragments),
    })
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

  /** The oldest traces are decided until those that wait have no more than their share. Throws where it is the next stage that leaves no room. */
  #makeRoom(bytes: number): void {
    const maxWaiting = this.#maxBytes * WAITING_SHARE
    this.#decideEarly('held_bytes', () => this.#fragments.byteLength - this.#outbox.bytes + bytes <= maxWaiting)
    const held = this.#fragments.byteLength
    if (held === 0 || held + bytes <= this.#maxBytes) return
    const message = `${this.#context.id} holds ${held} bytes of spans, of which the next stage has not taken ${this.#outbox.bytes} (max_held_bytes: ${this.#maxBytes}); try again`
    throw new CollectorError('overloaded', message, { retryAfterMs: RETRY_AFTER_MS })
  }

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
    while (this.#waiting >= this.#config.num_traces && !this.#isStopped) {
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

/** Whose file it is: an id may be in several pipelines, each of which has a processor of its own. */
function ownerOf({ id, pipeline }: Context): string {
  return `processor ${id} ${pipeline ?? ''}`
}
