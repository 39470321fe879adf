import type { Signal } from '@spoor/otlp'
import { announcedOrigin, isLoopback, type SenderAccount, type SenderReport } from '../component/index.ts'
import type { RefusalLog } from './refusal-log.ts'
import { Sampled } from './sampled.ts'
import { keep } from './text.ts'

/** The first requests of a sender are all looked at, of the later ones one in so many. */
const FIRST = 3
const ONE_IN = 100
const MINUTE_MS = 60_000
const MAX_DETAIL_CHARS = 200

export type SenderKey = Pick<SenderReport, 'receiver' | 'transport' | 'peer' | 'userAgent'>

interface Outcome {
  count: number
  detail: string
  /** Since the last line of the log. */
  untold: number
  /** When it may be told again, in milliseconds since 1970. */
  tellAt: number
}

/** Counting on the good path is a few additions and a look at the clock: no object is made. */
export class Sender implements SenderAccount {
  readonly key: SenderKey
  /** Out of the ledger: whoever still holds it must ask for another. */
  isForgotten = false
  lastSeenMs: number
  readonly #log: RefusalLog
  readonly #firstSeenMs: number
  readonly #sampled = new Sampled()
  /** The last header, and what it means. */
  #announcement = ''
  #collector: string | undefined
  readonly #outcomes = new Map<string, Outcome>()
  #ok = 0
  #items = 0
  #arrived = 0
  /** Since 1970. */
  #minute = 0
  #itemsOfMinute = 0
  #itemsOfMinuteBefore = 0

  constructor(key: SenderKey, log: RefusalLog) {
    this.key = key
    this.#log = log
    this.#firstSeenMs = this.lastSeenMs = Date.now()
  }

  arrived(signal: Signal, message: Uint8Array): void {
    if (this.#arrived++ < FIRST || this.#arrived % ONE_IN === 0) this.#sampled.add(signal, message)
  }

  announced(header: string): void {
    if (header === this.#announcement) return
    this.#announcement = keep(header, MAX_DETAIL_CHARS)
    this.#collector = isLoopback(this.key.peer) ? announcedOrigin(header) : undefined
  }

  taken(items: number): void {
    this.#seen()
    this.#ok++
    this.#items += items
    this.#itemsOfMinute += items
  }

  refused(reason: string, detail: string): void {
    const outcome = this.#count(reason, detail)
    outcome.untold++
    if (this.lastSeenMs < outcome.tellAt) return
    if (!this.#log.tell(this.key, reason, outcome.detail, outcome.untold, this.lastSeenMs)) return
    outcome.untold = 0
    outcome.tellAt = this.lastSeenMs + MINUTE_MS
  }

  preflight(origin: string): void {
    this.#count('preflight', origin)
  }

  report(nowMs: number): SenderReport {
    this.#turnTo(Math.floor(nowMs / MINUTE_MS))
    const leftOfBefore = 1 - (nowMs % MINUTE_MS) / MINUTE_MS
    return {
      ...this.key,
      firstSeenMs: this.#firstSeenMs,
      lastSeenMs: this.lastSeenMs,
      ok: this.#ok,
      items: this.#items,
      itemsPerMinute: Math.round(this.#itemsOfMinute + this.#itemsOfMinuteBefore * leftOfBefore),
      outcomes: Object.fromEntries(
        [...this.#outcomes].map(([reason, { count, detail }]) => [reason, { count, detail }]),
      ),
      ...(this.#collector !== undefined && { collector: this.#collector }),
      sampled: this.#sampled.report(),
    }
  }

  #count(reason: string, detail: string): Outcome {
    this.#seen()
    let outcome = this.#outcomes.get(reason)
    if (!outcome) this.#outcomes.set(reason, (outcome = { count: 0, detail: '', untold: 0, tellAt: 0 }))
    outcome.count++
    outcome.detail = keep(detail, MAX_DETAIL_CHARS)
    return outcome
  }

  #seen(): void {
    this.lastSeenMs = Date.now()
    this.#turnTo(Math.floor(this.lastSeenMs / MINUTE_MS))
  }

  #turnTo(minute: number): void {
    if (minute === this.#minute) return
    this.#itemsOfMinuteBefore = minute === this.#minute + 1 ? this.#itemsOfMinute : 0
    this.#itemsOfMinute = 0
    this.#minute = minute
  }
}
