/**
 * The one budget for bytes in flight, shared over all protocols, connections and stages of a collector: bodies that are
 * being read or decompressed, messages that wait for the pipelines, batches in queues. Whoever holds bytes has a
 * {@link Lease} for them; when the budget is used up nobody gets more, and the sender is told to come again.
 *
 * Nobody waits for bytes while holding some, so there is nothing to deadlock, and what fits is given at once, so a
 * large message that does not fit never stands in the way of small ones. Holders that wait for a peer can be
 * *reclaimed*: when the budget is used up, the slowest of them give back what they hold, so that clients who send a
 * body halfway and then stall cannot keep the others out.
 *
 * Stages that answer for a batch and keep it (a queue, a batch that gathers, what a fan-out keeps for a branch that is down) have
 * a {@link Keeper} instead: those bytes are held already, by the caller, who gives them back as soon as it is answered. So
 * there is always room for them in the budget as a whole, and what they do not get is more than {@link KEPT_SHARE} of it, so that
 * a dead peer's queues leave room to receive for the others.
 *
 * Bytes that nobody holds any more are garbage until V8 collects them, which it may put off for long, as they lie
 * outside of its heap. Where the program offers a `collect` function, the budget calls it when more of that garbage
 * than {@link GARBAGE_SHARE} of what is free lies about besides what is held, and when all is quiet; there is never much
 * more than twice that. Under full load that would be several times a second: a program that has the memory lets it be more then,
 * `maxGarbageShare`.
 *
 * Bytes in flight are not all that a program has. Where it says how much memory it wants to take in all (`maxResidentBytes`), the
 * limit is what the rest of it leaves of that: a program whose caches have filled receives less at a time, down to
 * {@link LEAST_SHARE} of the budget, and does not take more memory.
 */
import type { Chunk, TelemetryBatch } from '@spoor/otlp'
import { unusedBytes } from './body-memory.ts'
import type { Counter, Counters } from './counters.ts'
import { CollectorError } from './error.ts'

/** Bytes in flight at a time, over the whole collector: 160 MiB. The whole program with its threads then stays below 500 MB. */
export const DEFAULT_BUDGET_BYTES = 160 * 1024 * 1024

/** What can always be in flight, as a share of the budget, whatever else takes memory: 64 MiB by default. */
const LEAST_SHARE = 2 / 5
/** When bytes are asked for that are not there, memory is looked at no more often than this. Milliseconds. */
const MEASURE_INTERVAL_MS = 20
/** How long a reclaimable lease is left alone. Milliseconds. */
const RECLAIM_AFTER_MS = 5_000
/** A reclaimable lease that grows faster than this is not slow. Bytes a second since it was taken. */
const SLOW_BYTES_PER_SECOND = 256 * 1024
/** What all keepers together may keep, as a share of the limit: 60 MiB by default. */
const KEPT_SHARE = 3 / 8
/** Slow holders are looked for no more often than this, as all of them are looked at. Milliseconds. */
const RECLAIM_INTERVAL_MS = 100
/** Garbage is measured each time so many bytes were given out, and when none were for so long. Milliseconds. */
const SAMPLE_BYTES = 8 * 1024 * 1024
const QUIET_MS = 2_000
/**
 * How much garbage there may be before it is collected, as a share of what is free: 13 MiB by default where hardly
 * anything is held, and at least a quarter of that; less when all is quiet. More costs more CPU, as V8 then begins major
 * collections by itself, and so does less than half of it.
 */
const GARBAGE_SHARE = 1 / 12
const QUIET_GARBAGE_SHARE = 1 / 32
/** So long after a collection, garbage may be `maxGarbageShare`. Milliseconds. */
const PATIENCE_MS = 500
/** What a sender that was refused for want of bytes is asked to wait. Milliseconds. */
const RETRY_AFTER_MS = 1_000

/**
 * Frees garbage on this thread: `minor` what came lately, in a millisecond or less, `major` all of it, in some ten. What
 * it frees may be seen a moment later only.
 */
export type Collect = (kind: 'minor' | 'major') => void

/** Where bytes are held, for the gauges: `spoor_budget_bytes{stage="body"}`. Lower snake case. */
export type BudgetStage = 'body' | 'decompression' | 'conversion' | 'pipeline' | 'queue' | 'answer'

/** The right to hold a number of bytes. Its owner releases it once, when the bytes are given up or handed to garbage. */
export interface Lease {
  /** How many it is for, now. 0 after `release`. */
  readonly bytes: number
  /** Whether `release` was called, or the budget took the bytes back. */
  readonly released: boolean
  /** Asks for more. False when the budget has no more, or the lease is released: then nothing has changed. */
  grow(bytes: number): boolean
  /** Gives back a part; at most all of it. */
  shrink(bytes: number): void
  /** Counts the bytes under another stage from now on; it cannot be reclaimed any more. */
  move(stage: BudgetStage): void
  /** Gives back all. A second call does nothing. */
  release(): void
}

/**
 * What one stage keeps of batches that it has answered for, under the stage `queue`. It counts and never says no: the
 * stage asks {@link hasRoom} before it takes a batch.
 */
export interface Keeper {
  /** Bytes that the stage keeps now. */
  readonly bytes: number
  /**
   * Whether the stage may take so many more. Always, while it keeps nothing: so that what one stage keeps can move on to
   * the next however much both have, and none waits for the other.
   */
  hasRoom(bytes: number): boolean
  /** The error for a batch that there was no room for, `overloaded`; it is counted. */
  refusal(): CollectorError
  /** Keeps so many more. */
  add(bytes: number): void
  /** Keeps so many less; at most all. */
  remove(bytes: number): void
}

export interface Budget {
  /** The highest limit, in bytes: what one message may need in all. */
  readonly maxBytes: number
  /**
   * Bytes that are held now. More than the limit only where that has become less, and by what keepers were handed that its caller, or another keeper, has not
   * given back yet; nobody gets a lease until it is less again.
   */
  readonly used: number
  /**
   * A lease for so many bytes (0 and more), or undefined when the budget does not have them, which is counted. A lease for 0 can
   * always be had.
   *
   * @param reclaim set by holders that wait for a peer: called when others need the bytes and this lease has been slow.
   * It must give up what is held and release the lease before it returns, and must not throw.
   */
  take(bytes: number, stage: BudgetStage, reclaim?: () => void): Lease | undefined
  /** So many bytes, which nobody had a lease for, are garbage or will be soon: so that it is seen and collected. Takes nothing from the budget. */
  pass(bytes: number): void
  /**
   * So many bytes more outside of the heap, less where it is below 0, are neither garbage nor within this budget: somebody bounds them by a limit
   * of its own.
   */
  exempt(bytes: number): void
  /** The account of one stage that keeps batches after it has answered for them. */
  keeper(): Keeper
  /**
   * The error for a sender whose `bytes` could not be had: `overloaded`, to be tried again; `too_large` when so many
   * can never be had.
   */
  refusal(bytes: number): CollectorError
}

export interface BudgetOptions {
  /** Gets the gauges `spoor_budget_bytes` (by stage) and `spoor_budget_limit_bytes`, the counter `spoor_budget_refusals` (by reason). */
  readonly counters?: Counters
  /** Called when there is much garbage. Default: garbage is V8's business. */
  readonly collect?: Collect | undefined
  /** How much garbage there may be shortly after a collection, as a share of what is free: 1/8 to 1. Default: 1/8, as always. */
  readonly maxGarbageShare?: number
  /** What the whole program should take of memory, in bytes: see the head of this file. Default: no matter, the limit is `maxBytes`. */
  readonly maxResidentBytes?: number
  /** What it takes now. Default: `process.memoryUsage.rss()`. */
  readonly residentBytes?: () => number
  /** Bytes outside of V8's heap that take memory, garbage among them. Default: those of `process.memoryUsage().arrayBuffers`. */
  readonly outsideBytes?: () => number
  /** Called with the reason, in words, each time a sender is told to come again for want of bytes. Must not throw. */
  readonly onOverload?: (reason: string) => void
}

/** The memory that a batch keeps: its bytes, and the compressed form of those chunks that have one. */
export function heldBytes({ chunks }: Pick<TelemetryBatch, 'chunks'>): number {
  return chunks.reduce((sum, chunk) => sum + heldByChunk(chunk), 0)
}

/** The same for one chunk. */
export function heldByChunk({ bytes, compressed }: Chunk): number {
  return bytes.length + (compressed?.bytes.length ?? 0)
}

/** `maxBytes`: the limit, at least 1. */
export function createBudget(maxBytes: number = DEFAULT_BUDGET_BYTES, options: BudgetOptions = {}): Budget {
  if (!(maxBytes >= 1)) throw new RangeError(`createBudget: maxBytes is ${maxBytes}, must be at least 1`)
  return new SharedBudget(maxBytes, options)
}

class SharedBudget implements Budget {
  readonly maxBytes: number
  readonly #counters: Counters | undefined
  readonly #collect: Collect | undefined
  readonly #maxGarbageShare: number
  readonly #maxResidentBytes: number
  readonly #residentBytes: () => number
  readonly #outsideBytes: () => number
  readonly #onOverload: ((reason: string) => void) | undefined
  readonly #stages = new Map<BudgetStage, Counter>()
  readonly #reclaimable = new Set<BudgetLease>()
  readonly #full: Counter
  readonly #reclaimed: Counter
  readonly #queuesFull: Counter
  /** What all keepers keep. */
  readonly #kept: Counter
  /** What may be held now; `maxBytes`, or less. */
  #limit: number
  #measuredAt = -Infinity
  #used = 0
  #exempt = 0
  #givenSinceSample = 0
  /** Bytes outside of the heap that are neither held here nor garbage: they were there after the last collection. */
  #foreignBytes = 0
  /** What was done about garbage before the next sample. */
  #collected: 'minor' | 'major' | undefined
  #collectedAt = -Infinity
  /** Runs while there may be garbage that was not looked at. */
  #quietTimer: NodeJS.Timeout | undefined
  #isQuiet = true
  #nextReclaim = 0

  constructor(maxBytes: number, options: BudgetOptions) {
    const { counters, collect, maxGarbageShare, maxResidentBytes, residentBytes, outsideBytes, onOverload } = options
    this.maxBytes = maxBytes
    this.#limit = maxBytes
    this.#maxResidentBytes = maxResidentBytes ?? Infinity
    this.#residentBytes = residentBytes ?? (() => process.memoryUsage.rss())
    this.#counters = counters
    this.#collect = collect
    this.#maxGarbageShare = maxGarbageShare ?? GARBAGE_SHARE
    this.#outsideBytes = outsideBytes ?? (() => process.memoryUsage().arrayBuffers - unusedBytes())
    this.#onOverload = onOverload
    this.#full = counters?.counter('spoor_budget_refusals', { reason: 'full' }) ?? { value: 0 }
    this.#reclaimed = counters?.counter('spoor_budget_refusals', { reason: 'slow_client' }) ?? { value: 0 }
    this.#queuesFull = counters?.counter('spoor_budget_refusals', { reason: 'queues_full' }) ?? { value: 0 }
    this.#kept = this.stage('queue')
    counters?.gauge('spoor_budget_limit_bytes', {}, () => this.#limit)
  }

  get used(): number {
    return this.#used
  }

  take(bytes: number, stage: BudgetStage, reclaim?: () => void): Lease | undefined {
    const lease = new BudgetLease(this, this.stage(stage), reclaim)
    if (!lease.grow(bytes)) return undefined
    if (reclaim) this.#reclaimable.add(lease)
    return lease
  }

  keeper(): Keeper {
    const maxKeptBytes = this.maxBytes * KEPT_SHARE
    let own = 0
    return {
      get bytes() {
        return own
      },
      hasRoom: (bytes) => own === 0 || this.#kept.value + bytes <= maxKeptBytes,
      refusal: () => {
        this.#queuesFull.value++
        const message = `the queues of the collector hold ${this.#kept.value} of ${Math.floor(maxKeptBytes)} bytes; try again`
        return new CollectorError('overloaded', message, { retryAfterMs: RETRY_AFTER_MS })
      },
      add: (bytes) => {
        own += bytes
        this.#kept.value += bytes
        this.#giveOut(bytes)
      },
      remove: (bytes) => {
        if (!(bytes <= own)) throw new RangeError(`a keeper of ${own} bytes cannot give back ${bytes}`)
        own -= bytes
        this.#kept.value -= bytes
        this.giveBack(bytes)
      },
    }
  }

  refusal(bytes: number): CollectorError {
    if (bytes > this.maxBytes) {
      const message = `a message of ${bytes} bytes is more than the collector holds in all (${this.maxBytes} bytes); send smaller batches`
      return new CollectorError('too_large', message)
    }
    const message = `${this.#used} of ${Math.floor(this.#limit)} bytes for requests in flight are used; try again`
    this.#onOverload?.(message)
    return new CollectorError('overloaded', message, { retryAfterMs: RETRY_AFTER_MS })
  }

  /** @internal Gives out bytes to a lease that has `own`, or says that there are none. */
  reserve(bytes: number, own: number): boolean {
    if (!this.#fits(bytes, own)) {
      this.#measure()
      if (!this.#fits(bytes, own)) this.#reclaimSlow(bytes)
      if (!this.#fits(bytes, own)) {
        this.#full.value++
        return false
      }
    }
    this.#giveOut(bytes)
    return true
  }

  /** Nothing always does. What is as large as all that there is room for now has to get through as well, sometime. */
  #fits(bytes: number, own: number): boolean {
    return bytes === 0 || this.#used + bytes <= (own + bytes > this.#limit ? this.maxBytes : this.#limit)
  }

  /** Sets the limit to what the rest of the program leaves. */
  #measure(): void {
    if (this.#maxResidentBytes === Infinity) return
    const now = performance.now()
    if (now < this.#measuredAt + MEASURE_INTERVAL_MS) return
    this.#measuredAt = now
    const left = this.#maxResidentBytes - (this.#residentBytes() - this.#used)
    this.#limit = Math.max(this.maxBytes * LEAST_SHARE, Math.min(left, this.maxBytes))
  }

  pass(bytes: number): void {
    this.#giveOut(bytes)
    this.giveBack(bytes)
  }

  exempt(bytes: number): void {
    this.#exempt += bytes
  }

  #giveOut(bytes: number): void {
    this.#used += bytes
    this.#givenSinceSample += bytes
    this.#isQuiet = false
    if (this.#givenSinceSample > SAMPLE_BYTES) this.#sample(this.#isPatient ? this.#maxGarbageShare : GARBAGE_SHARE)
  }

  /** @internal */
  giveBack(bytes: number): void {
    this.#used -= bytes
    this.#isQuiet = false
    if (this.#collect) this.#quietTimer ??= setTimeout(() => this.#sampleInQuiet(), QUIET_MS).unref()
  }

  /** @internal No longer one that can be reclaimed. */
  keep(lease: BudgetLease): void {
    this.#reclaimable.delete(lease)
  }

  /** @internal The bytes of a stage, made and shown at its first use. */
  stage(stage: BudgetStage): Counter {
    let held = this.#stages.get(stage)
    if (!held) {
      const made: Counter = { value: 0 }
      this.#stages.set(stage, (held = made))
      this.#counters?.gauge('spoor_budget_bytes', { stage }, () => made.value)
    }
    return held
  }

  get #isPatient(): boolean {
    return performance.now() - this.#collectedAt < PATIENCE_MS
  }

  /** A minor collection where garbage passes the share of the limit, and a major one where that was not enough. */
  #sample(share: number): void {
    this.#givenSinceSample = 0
    this.#measure()
    if (!this.#collect) return
    const outside = this.#outsideBytes() - this.#used - this.#exempt
    // After a major collection, what is left is somebody's.
    this.#foreignBytes = this.#collected === 'major' ? outside : Math.min(this.#foreignBytes, outside)
    const garbage = outside - this.#foreignBytes
    const allowed = share * Math.max(this.maxBytes - this.#used, this.maxBytes / 4)
    if (garbage <= allowed) this.#collected = undefined
    else {
      // What a minor collection frees is gone a moment later only: it has another share's time to do so.
      const isTooMuch = share < GARBAGE_SHARE || garbage > 2 * allowed
      this.#collected = this.#collected === 'minor' && isTooMuch ? 'major' : 'minor'
      this.#collectedAt = performance.now()
      this.#collect(this.#collected)
    }
  }

  /** The same when nothing has moved for a while; until there is no garbage left that can be collected. */
  #sampleInQuiet(): void {
    if (this.#isQuiet) this.#sample(QUIET_GARBAGE_SHARE)
    if (this.#isQuiet && !this.#collected) this.#quietTimer = undefined
    else this.#quietTimer?.refresh()
    this.#isQuiet = true
  }

  #reclaimSlow(bytes: number): void {
    const now = performance.now()
    if (now < this.#nextReclaim || bytes > this.maxBytes) return
    this.#nextReclaim = now + RECLAIM_INTERVAL_MS
    const slow: { lease: BudgetLease; bytesPerMs: number }[] = []
    for (const lease of this.#reclaimable) {
      const ageMs = now - lease.since
      const bytesPerMs = lease.bytes / ageMs
      if (ageMs < RECLAIM_AFTER_MS || lease.bytes === 0 || bytesPerMs * 1000 > SLOW_BYTES_PER_SECOND) continue
      slow.push({ lease, bytesPerMs })
    }
    slow.sort((a, b) => a.bytesPerMs - b.bytesPerMs)
    for (const { lease } of slow) {
      if (this.#used + bytes <= this.#limit) break
      this.#reclaimed.value++
      lease.reclaim()
    }
  }
}

class BudgetLease implements Lease {
  readonly since = performance.now()
  readonly #budget: SharedBudget
  readonly #reclaim: (() => void) | undefined
  #stage: Counter
  #bytes = 0
  #released = false

  constructor(budget: SharedBudget, stage: Counter, reclaim: (() => void) | undefined) {
    this.#budget = budget
    this.#stage = stage
    this.#reclaim = reclaim
  }

  get bytes(): number {
    return this.#bytes
  }

  get released(): boolean {
    return this.#released
  }

  grow(bytes: number): boolean {
    if (!(bytes >= 0)) throw new RangeError(`a lease cannot grow by ${bytes} bytes`)
    if (this.#released || !this.#budget.reserve(bytes, this.#bytes)) return false
    if (this.released) {
      // It was itself the slow one that had to give way.
      this.#budget.giveBack(bytes)
      return false
    }
    this.#bytes += bytes
    this.#stage.value += bytes
    return true
  }

  shrink(bytes: number): void {
    if (this.#released) return
    if (!(bytes >= 0) || bytes > this.#bytes)
      throw new RangeError(`a lease of ${this.#bytes} cannot shrink by ${bytes}`)
    this.#bytes -= bytes
    this.#stage.value -= bytes
    this.#budget.giveBack(bytes)
  }

  move(stage: BudgetStage): void {
    this.#budget.keep(this)
    this.#stage.value -= this.#bytes
    this.#stage = this.#budget.stage(stage)
    this.#stage.value += this.#bytes
  }

  release(): void {
    this.shrink(this.#bytes)
    this.#released = true
    this.#budget.keep(this)
  }

  /** @internal */
  reclaim(): void {
    this.#reclaim?.()
    // Whatever the holder did: the bytes are needed.
    this.release()
  }
}
