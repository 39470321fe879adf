/**
 * One stage in front of several: each branch gets the same immutable bytes, and none of them gets a batch again that it
 * has taken.
 *
 * - Durable branches (a store) are asked first. The others get the batch when all of these have taken it; when one refuses,
 *   the caller hears that and nobody else has it, so that an answer means "on disk" where a store is among the branches.
 * - When at least one branch has taken the batch, the caller is answered. For the others it is kept (see {@link Branch})
 *   where they refused it for now, and dropped, counted and logged where they refused it for good.
 * - Only when no branch has taken it does the caller hear of it, and still has the batch: retryable if any of the branches
 *   may take it later.
 * - A branch for which something is kept is not asked, unless no other takes the batch soon: new batches queue up behind.
 *   So one that is dead delays nobody. One that is slow delays the answer by a second at most, then it is behind, too; unless
 *   its bound is reached by the batches that it was handed, then their callers wait for it.
 */
import { shareMemory, type TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  joinErrors,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type DeliveryContext,
} from '../component/index.ts'
import { Branch, BRANCH_LIMITS, type BranchLimits } from './branch.ts'

/** How long the answer waits for the slower branches once one has taken the batch. Milliseconds. */
const PATIENCE_MS = 1000

export interface FanOutOptions extends BranchLimits {
  /** Default 1,000. */
  readonly patienceMs: number
}

/** A branch was handed the batch. `error`: why it refused; `settled`: whether it has answered. */
interface Attempt {
  readonly branch: Branch
  readonly answer: Promise<void>
  /** Resolves when it has answered, one way or the other. */
  readonly done: Promise<void>
  settled: boolean
  error: CollectorError | undefined
}

/** At least two consumers, each with the id that figures and log call it by. A single consumer needs no fan-out. */
export class FanOut implements Component, Consumer {
  /** An answer means that each durable branch has the batch. */
  readonly durable: boolean
  readonly #context: Context
  readonly #durables: readonly Branch[]
  readonly #others: readonly Branch[]
  readonly #patienceMs: number
  /** Of batches whose caller heard an error: the durable branches that have taken them nevertheless. */
  readonly #taken = new WeakMap<TelemetryBatch, ReadonlySet<Branch>>()
  /** End the waits of those who have nothing but slow branches left to wait for. */
  readonly #waiting = new Set<() => void>()
  #hurried = false
  #closed = false

  constructor(context: Context, consumers: ReadonlyMap<string, Consumer>, options: Partial<FanOutOptions> = {}) {
    const branches = [...consumers].map(
      ([id, consumer]) => new Branch(id, consumer, context, { ...BRANCH_LIMITS, ...options }),
    )
    this.#context = context
    this.#durables = branches.filter((branch) => branch.durable)
    this.#others = branches.filter((branch) => !branch.durable)
    this.durable = this.#durables.length > 0
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS
  }

  async start(): Promise<void> {}

  async consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    if (this.#closed) throw new CollectorError('unavailable', `${this.#context.id} is shutting down`)
    shareMemory(batch)
    if (this.durable) await this.#store(batch, context)
    if (this.#others.length > 0) await this.#handOn(batch, context, this.durable)
  }

  /**
   * The collector begins to stop: whoever waits for a slow branch only is answered now, before its connection is cut, and the batch is kept
   * even beyond the bound.
   */
  hurry(): void {
    this.#hurried = true
    for (const end of this.#waiting) end()
  }

  /** Tries to get rid of what is kept, until the signal aborts. */
  async shutdown(signal: AbortSignal): Promise<void> {
    this.hurry()
    await Promise.all(this.#others.map((branch) => branch.drain(signal)))
    this.#closed = true
  }

  finish(): void {
    this.#closed = true
    for (const branch of this.#others) branch.finish()
  }

  /** Resolves when all durable branches have the batch. */
  async #store(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    const before = this.#taken.get(batch)
    const missing = before ? this.#durables.filter((branch) => !before.has(branch)) : this.#durables
    const attempts = missing.map((branch) => attempt(branch, batch, context))
    for (const { done } of attempts) await done
    const errors = errorsOf(attempts)
    if (errors.length === 0) {
      this.#taken.delete(batch)
      return
    }
    const taken = attempts.filter(({ error }) => !error).map(({ branch }) => branch)
    this.#taken.set(batch, new Set([...(before ?? []), ...taken]))
    throw joinErrors(errors, 'all')
  }

  /** Resolves when the batch is taken by those who can, and kept or counted for the rest. `taken`: somebody has it already. */
  async #handOn(batch: TelemetryBatch, context: DeliveryContext, taken: boolean): Promise<void> {
    const behind = this.#others.filter((branch) => branch.kept > 0)
    const attempts = this.#others.filter((branch) => branch.kept === 0).map((branch) => attempt(branch, batch, context))
    if (!taken && behind.length > 0) {
      // One that hangs must not keep the batch from those that are behind and might take it.
      await this.#until(anyTaken(attempts), this.#patienceMs)
    }
    if (taken || attempts.some(({ settled, error }) => settled && !error)) {
      for (const branch of behind) branch.keep(batch, context)
    } else {
      attempts.push(...behind.map((branch) => attempt(branch, batch, context)))
      if (!(await anyTaken(attempts))) throw joinErrors(errorsOf(attempts), 'any')
    }
    if (attempts.every(({ settled, error }) => settled && !error)) return
    await this.#until(Promise.all(attempts.map(({ done }) => done)), this.#patienceMs)
    await Promise.all(attempts.map(async (one) => this.#settle(one, batch, context)))
  }

  /** Keeps for a branch what it has not taken. */
  async #settle(one: Attempt, batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    if (!one.settled && !one.branch.hasRoomFor(batch)) await this.#until(one.done)
    if (!one.settled) one.branch.adopt(batch, context, one.answer)
    else if (one.error) one.branch.keep(batch, context, one.error)
  }

  /** Waits, no longer than `limitMs` milliseconds, and not at all when the collector stops. */
  async #until(done: Promise<unknown>, limitMs?: number): Promise<void> {
    if (this.#hurried) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        resolve()
      }
      const timer = limitMs === undefined ? undefined : setTimeout(end, limitMs)
      this.#waiting.add(end)
      void done.then(end)
    })
  }
}

function attempt(branch: Branch, batch: TelemetryBatch, context: DeliveryContext): Attempt {
  const answer = branch.ask(batch, context)
  const made: Attempt & { done: Promise<void> } = {
    branch,
    answer,
    done: answer.then(
      () => void (made.settled = true),
      (error: unknown) => {
        made.settled = true
        made.error = toCollectorError(error)
      },
    ),
    settled: false,
    error: undefined,
  }
  return made
}

/** Resolves with true as soon as one has taken it, with false when all have refused. */
async function anyTaken(attempts: readonly Attempt[]): Promise<boolean> {
  return Promise.any(attempts.map(({ answer }) => answer)).then(
    () => true,
    () => false,
  )
}

function errorsOf(attempts: readonly Attempt[]): readonly CollectorError[] {
  return attempts.flatMap(({ error }) => error ?? [])
}
