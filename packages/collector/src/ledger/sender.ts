import type { Signal } from '@spoor/otlp'
import {
  announcedOrigin,
  byGravity,
  isLoopback,
  type Attention,
  type PortTraits,
  type RefusalFacts,
  type SenderAccount,
  type SenderReport,
  type Surroundings,
} from '../component/index.ts'
import { explain } from './explain.ts'
import type { Explanation, SenderKey } from './happening.ts'
import type { Processes } from './processes.ts'
import type { RefusalLog } from './refusal-log.ts'
import { Sampled } from './sampled.ts'
import { observe } from './observe.ts'
import { keep } from './text.ts'

/** The first requests of a sender are all looked at, of the later ones one in so many, and one that comes so long after the last look. */
const FIRST = 3
const ONE_IN = 100
const LOOK_MS = 10_000
const MINUTE_MS = 60_000
const MAX_DETAIL_CHARS = 200
const REFUSED = 'Refused a request.'
const PARTLY = 'Took a part of a request.'
const MISLEADS = 'Took spans that mislead whoever reads them.'
/** JSON in which nothing is of OTLP: what is not known is passed over, so it is taken. What is smaller is an empty request. Bytes. */
const NO_FIELDS = 'no_fields_of_otlp'
const LEAST_BODY = 64
/** A collector that exports to itself. */
const ITSELF = 'exports_to_itself'
const NO_FACTS: RefusalFacts = {}
/** Nobody's but our own: it sends what may be wrong to see whether it is. */
const DOCTOR = /^spoor-doctor\b/

/** Something is told for so long after it was seen last; what a later success says nothing of, for less. */
const TOLD_MS = 60 * MINUTE_MS
const TOLD_BRIEFLY_MS = 10 * MINUTE_MS
/** Of these a request that is taken says nothing: it was of another signal, page or program. */
const NOT_MENDED_BY_SUCCESS = new Set(['no_pipeline', 'method_not_allowed', 'tls_to_plain_port', 'wrong_protocol'])

/** By what refusals of one reason differ in what is to be done about them. */
const ABOUT: Readonly<Record<string, keyof RefusalFacts>> = {
  not_found: 'path',
  no_pipeline: 'signal',
  unsupported_media_type: 'contentType',
  preflight_refused: 'origin',
  invalid_data: 'body',
  wrong_port: 'wants',
}
/** Of one sender, the ones that began last. */
const MAX_REFUSALS = 20
/** Lines of the log in a minute for one sender, so that one who tries everything leaves lines to others. */
const MAX_LINES = 10

interface Outcome {
  count: number
  detail: string
  facts: RefusalFacts
  readonly firstSeenMs: number
  lastSeenMs: number
  /** Since the last line of the log. */
  untold: number
  /** When it may be told again, in milliseconds since 1970. */
  tellAt: number
}

/** Counting on the good path is a few additions and a look at the clock: no object is made. */
export class Sender implements SenderAccount {
  readonly key: SenderKey
  readonly traits: PortTraits
  /** Out of the ledger: whoever still holds it must ask for another. */
  isForgotten = false
  lastSeenMs: number
  readonly #surroundings: () => Surroundings
  readonly #log: RefusalLog
  readonly #processes: Processes
  readonly #firstSeenMs: number
  readonly #sampled = new Sampled()
  /** The last header, and what it means. */
  #announcement = ''
  #collector: string | undefined
  #isItself = false
  readonly #outcomes = new Map<string, Outcome>()
  /** Refusals by what is to be done about them: the same reason may have several, as of two programs of one kind. */
  readonly #refusals = new Map<string, Outcome>()
  /** What was seen in requests that were taken. */
  readonly #observed = new Map<string, Outcome>()
  #ok = 0
  #lastOkMs = 0
  #items = 0
  #arrived = 0
  #lastLookMs = 0
  /** Since 1970. */
  #minute = 0
  #itemsOfMinute = 0
  #itemsOfMinuteBefore = 0
  #minuteOfLines = 0
  #lines = 0

  constructor(
    key: SenderKey,
    traits: PortTraits,
    surroundings: () => Surroundings,
    log: RefusalLog,
    processes: Processes,
  ) {
    this.key = key
    this.traits = traits
    this.#surroundings = surroundings
    this.#log = log
    this.#processes = processes
    this.#firstSeenMs = this.lastSeenMs = Date.now()
  }

  arrived(signal: Signal, message: Uint8Array, bodyBytes = 0): void {
    const nowMs = Date.now()
    if (this.#arrived++ >= FIRST && this.#arrived % ONE_IN !== 0 && nowMs - this.#lastLookMs < LOOK_MS) return
    this.#lastLookMs = nowMs
    if (message.length === 0 && bodyBytes >= LEAST_BODY)
      this.#tell(NO_FIELDS, this.#count(this.#observed, NO_FIELDS, String(bodyBytes), NO_FACTS), MISLEADS)
    for (const { reason, detail } of observe(this.#sampled.add(signal, message), nowMs))
      this.#tell(reason, this.#count(this.#observed, reason, detail, NO_FACTS), MISLEADS)
  }

  announced(header: string): void {
    if (header === this.#announcement) return
    this.#announcement = keep(header, MAX_DETAIL_CHARS)
    this.#collector = isLoopback(this.key.peer) ? announcedOrigin(header) : undefined
    this.#isItself = this.#collector !== undefined && this.#collector === this.#surroundings().statusAddress
    if (this.#isItself) this.#tell(ITSELF, this.#sinceTheFirst(), MISLEADS)
  }

  reported(header: string): void {
    this.#processes.reported(header)
  }

  taken(items: number): void {
    this.#seen()
    this.#ok++
    this.#lastOkMs = this.lastSeenMs
    this.#items += items
    this.#itemsOfMinute += items
  }

  refused(reason: string, detail: string, facts: RefusalFacts = NO_FACTS): void {
    this.#count(this.#outcomes, reason, detail, facts)
    const about = ABOUT[reason]
    const key = about === undefined ? reason : `${reason} ${String(facts[about]).slice(0, MAX_DETAIL_CHARS)}`
    if (!this.#refusals.has(key) && this.#refusals.size >= MAX_REFUSALS)
      this.#refusals.delete(this.#refusals.keys().next().value!)
    this.#tell(reason, this.#count(this.#refusals, key, detail, facts), reason === 'invalid_id' ? PARTLY : REFUSED)
  }

  preflight(origin: string): void {
    this.#count(this.#outcomes, 'preflight', origin, NO_FACTS)
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
        [...this.#outcomes].map(([reason, { count, detail, firstSeenMs, lastSeenMs }]) => [
          reason,
          { count, detail, firstSeenMs, lastSeenMs },
        ]),
      ),
      ...(this.#collector !== undefined && { collector: this.#collector }),
      sampled: this.#sampled.report(),
      attention: this.#attention(nowMs).sort(byGravity),
    }
  }

  #attention(nowMs: number): Attention[] {
    if (DOCTOR.test(this.key.userAgent)) return []
    const told: Attention[] = []
    for (const [key, outcome] of this.#refusals) {
      const reason = key.split(' ', 1)[0]!
      const okMs = reason === 'preflight_refused' ? (this.#outcomes.get('preflight')?.lastSeenMs ?? 0) : this.#lastOkMs
      const isMended = !NOT_MENDED_BY_SUCCESS.has(reason) && okMs > outcome.lastSeenMs
      if (isTold(outcome, isMended, NOT_MENDED_BY_SUCCESS.has(reason), nowMs)) told.push(this.#told(reason, outcome))
    }
    for (const [reason, outcome] of this.#observed)
      if (isTold(outcome, this.#lastLookMs > outcome.lastSeenMs, false, nowMs)) told.push(this.#told(reason, outcome))
    const always = this.#sinceTheFirst()
    if (!isTold(always, false, true, nowMs)) return told
    if (this.#isItself) told.push(this.#told(ITSELF, always))
    if (this.#ok > 0 && this.key.transport !== this.traits.named) told.push(this.#told('other_protocol', always))
    return told
  }

  #sinceTheFirst(): Outcome {
    const { lastSeenMs } = this
    return {
      count: this.#ok,
      detail: '',
      facts: NO_FACTS,
      firstSeenMs: this.#firstSeenMs,
      lastSeenMs,
      untold: 0,
      tellAt: 0,
    }
  }

  #told(reason: string, outcome: Outcome): Attention {
    const { count, firstSeenMs, lastSeenMs } = outcome
    return { ...this.#explain(reason, outcome), where: whereOf(this.key), count, firstSeenMs, lastSeenMs }
  }

  #explain(reason: string, { detail, facts }: Outcome): Explanation {
    return explain({ ...this.#surroundings(), key: this.key, traits: this.traits, reason, detail, facts })
  }

  #tell(reason: string, outcome: Outcome, message: string): void {
    outcome.untold++
    if (outcome.lastSeenMs < outcome.tellAt) return
    const minute = Math.floor(outcome.lastSeenMs / MINUTE_MS)
    if (minute !== this.#minuteOfLines) [this.#minuteOfLines, this.#lines] = [minute, 0]
    if (this.#lines++ >= MAX_LINES) return
    const isTold = this.#log.tell(this.key, outcome.lastSeenMs, {
      message,
      reason,
      detail: message === MISLEADS ? '' : outcome.detail,
      explain: () => this.#explain(reason, outcome),
      times: outcome.untold,
    })
    if (!isTold) return
    outcome.untold = 0
    outcome.tellAt = outcome.lastSeenMs + MINUTE_MS
  }

  #count(outcomes: Map<string, Outcome>, reason: string, detail: string, facts: RefusalFacts): Outcome {
    this.#seen()
    const { lastSeenMs } = this
    let outcome = outcomes.get(reason)
    if (!outcome) {
      outcome = { count: 0, detail: '', facts, firstSeenMs: lastSeenMs, lastSeenMs, untold: 0, tellAt: 0 }
      outcomes.set(reason, outcome)
    }
    outcome.count++
    outcome.detail = keep(detail, MAX_DETAIL_CHARS)
    outcome.facts = kept(facts)
    outcome.lastSeenMs = lastSeenMs
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

/**
 * Whether it is still to be told: for an hour after it was seen last, and where it is mended for a minute, as programs of one kind on one machine are one
 * sender: what one of them sends right says nothing of the other.
 */
function isTold({ lastSeenMs }: Outcome, isMended: boolean, isBrief: boolean, nowMs: number): boolean {
  const ageMs = nowMs - lastSeenMs
  return ageMs < (isMended ? MINUTE_MS : isBrief ? TOLD_BRIEFLY_MS : TOLD_MS)
}

const NAMES: Readonly<Record<string, string>> = { grpc: 'gRPC', http: 'HTTP' }

function whereOf({ receiver, transport, port, peer, userAgent }: SenderKey): string {
  const who = [userAgent || 'a sender', peer && `on ${peer}`].filter(Boolean).join(' ')
  return `${who}, at ${port || 'a port'} (${receiver}, ${NAMES[transport] ?? transport})`
}

function kept(facts: RefusalFacts): RefusalFacts {
  if (facts === NO_FACTS) return facts
  const texts = Object.entries(facts).map(([name, value]: [string, string | undefined]) => [
    name,
    value === undefined ? undefined : keep(value, MAX_DETAIL_CHARS),
  ])
  return Object.fromEntries(texts) as RefusalFacts
}
