/** What the traces that came show together, and somebody can mend: the rules of `@spoor/trace`, over a sample of what is stored, as spans come. */
import type { Counters } from '@spoor/collector'
import { StorageError } from '@spoor/storage'
import type { FindingRow } from '../api.ts'
import { bounded, type Limits, type StoreQueries } from '../api/store-queries.ts'
import { KeptFindings } from './kept-findings.ts'
import { oddTimes } from './odd-times.ts'
import { RulesThread } from './rules-thread.ts'
import { type Range, sampleOf } from './sample.ts'

export interface FindingsQuery extends Range {
  /** Those that are about this service alone. */
  readonly service?: string | undefined
}

export interface FindingsDesk {
  /** What looks have found so far, at once; a look that is due begins meanwhile. */
  latest(): readonly FindingRow[]
  /**
   * What is found in a range; without one, what looks have found so far, and the last of them has seen all that had come when it was asked. Rejects with StorageError.
   */
  ask(query: FindingsQuery, limits: Limits): Promise<FindingRow[]>
  /** Resolves when nothing is looked for any more. */
  close(): Promise<void>
}

export interface FindingsDeskOptions {
  readonly store: StoreQueries
  /** How many spans have come; where there are no more than at the last look, nothing new is to be found. Undefined where that is not known. */
  readonly spansSoFar: () => number | undefined
  readonly counters: Counters
}

/**
 * At most so often, in milliseconds; so that the rules have at most a twentieth of one core; and so that whoever reads the traces for them is theirs for at most a quarter of the time.
 */
const LEAST_APART_MS = 5_000
const APART_BY_CPU = 20
const APART_BY_TIME = 3
/** While nobody asks, a look now and then is enough: with the start of its thread it costs as much as taking a hundred thousand spans. */
const UNASKED_APART_MS = 300_000
/**
 * So long after the first spans the first look is that nobody asked for. Before, traces are not whole, and a program that has just started would start two threads more, its
 * own and that of searches, in the midst of it.
 */
const FIRST_UNASKED_MS = 30_000
const TIMEOUT_MS = 10_000
/** How often it is asked whether a look is due. Milliseconds. */
const TICK_MS = 1_000

export function createFindingsDesk({ store, spansSoFar, counters }: FindingsDeskOptions): FindingsDesk {
  const over = new AbortController()
  const thread = new RulesThread()
  const kept = new KeptFindings()
  const looks = counters.counter('spoor_findings_looks', {})
  const failed = counters.counter('spoor_findings_failed_looks', {})
  counters.gauge('spoor_findings_cpu_seconds', {}, () => thread.cpuSeconds)
  counters.gauge('spoor_findings_forgotten', {}, () => kept.forgotten)
  /** How many had come when the last look began; undefined before the first. */
  let seenSpans: number | undefined
  let nextAtMs = 0
  /** Undefined until spans come. */
  let nextUnaskedAtMs: number | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let isLooking = false

  /** One look after the other. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work)
    turn = mine.catch(() => {})
    return mine
  }

  async function found(range: Range, asking?: AbortSignal): Promise<FindingRow[]> {
    if (over.signal.aborted) throw new StorageError('closed', 'Spoor is stopping')
    if (asking?.aborted) throw new StorageError('cancelled', 'the look for findings was given up: the client has left')
    const late = AbortSignal.timeout(TIMEOUT_MS)
    const signal = AbortSignal.any([over.signal, late, ...(asking ? [asking] : [])])
    const limits = { signal, timeoutMs: TIMEOUT_MS }
    looks.value++
    try {
      const ofTraces = await thread.look(sampleOf(store, range, limits), signal)
      return [...ofTraces, ...(await oddTimes(store, Date.now(), limits))]
    } catch (error) {
      failed.value++
      if (late.aborted) throw new StorageError('timeout', `the look for findings took longer than ${TIMEOUT_MS} ms`)
      throw error
    }
  }

  async function look(): Promise<void> {
    const beganMs = performance.now()
    const { cpuSeconds } = thread
    const spans = spansSoFar()
    isLooking = true
    try {
      kept.merge(await found({}), Date.now())
      seenSpans = spans
    } finally {
      isLooking = false
      const nowMs = performance.now()
      const cpuMs = 1_000 * (thread.cpuSeconds - cpuSeconds)
      nextUnaskedAtMs = nowMs + UNASKED_APART_MS
      nextAtMs = nowMs + Math.max(LEAST_APART_MS, APART_BY_CPU * cpuMs, APART_BY_TIME * (nowMs - beganMs))
    }
  }

  function lookWhenDue(seen: number | undefined): void {
    if (isLooking || over.signal.aborted || performance.now() < nextAtMs) return
    const spans = spansSoFar()
    // A store that cannot be asked says so itself; what was found before is not wrong for it.
    if (spans !== undefined && spans !== seen) void inTurn(look).catch(() => {})
  }
  // Of what was stored before the start nobody is told who does not ask.
  const ticking = setInterval(() => {
    if (nextUnaskedAtMs !== undefined && performance.now() >= nextUnaskedAtMs) lookWhenDue(seenSpans ?? 0)
    else if ((spansSoFar() ?? 0) > 0) nextUnaskedAtMs ??= performance.now() + FIRST_UNASKED_MS
  }, TICK_MS).unref()

  return {
    latest() {
      lookWhenDue(seenSpans)
      return kept.all()
    },
    async ask({ from, to, service }, limits) {
      const isOfRange = from !== undefined || to !== undefined
      const rows = await bounded('the look for findings', limits, async () => {
        if (isOfRange) return inTurn(() => found({ from, to }, limits.signal))
        const spans = spansSoFar()
        await inTurn(async () => {
          // Somebody else's look may have seen it all meanwhile; and who has left needs none.
          const isSeen = spans !== undefined && seenSpans !== undefined && seenSpans >= spans
          if (!isSeen && !limits.signal.aborted) await look()
        })
        return kept.all()
      })
      return service === undefined ? rows : rows.filter(({ services }) => services.includes(service))
    },
    async close() {
      clearInterval(ticking)
      over.abort(new StorageError('closed', 'Spoor is stopping'))
      await turn
      await thread.close()
    },
  }
}
