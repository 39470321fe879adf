import { decodeTraces } from '@spoor/otlp'
import { requestOf, traceId, type SentSpan } from '../conformance/spans.ts'
import type { SearchPage } from '../contract.ts'

/** What became of a span that was sent: `maybe` when the process ended, or refused it, before it said that it is stored. */
type Fate = 'acknowledged' | 'maybe'

interface Known {
  readonly bytes: Buffer
  readonly trace: number
  /** Which append it was in. */
  readonly append: number
  fate: Fate
  /** Its bytes on the disk were changed. `tail`: and nothing is behind them that says that it was acknowledged. */
  rot?: 'certain' | 'tail'
}

interface PromisedTrace {
  /** Spans that must be found, or the answer says that it is not complete. */
  readonly certain: number
  /** Spans that must be found whatever was damaged beside them. */
  readonly intact: number
}
type Promised = ReadonlyMap<string, PromisedTrace>

/** What is promised of a look at the store. */
export interface Expectation {
  /** Whether the oldest may be gone: the store had more than its limit. */
  readonly mayHaveDropped: boolean
  /** Whether the store has told of damage: without that nothing may be missing, whatever became of the disk. */
  readonly damageTold: boolean
  /** Whether the store tells that it cannot read some segments now: traces are read without them, and no search may say that it is complete. */
  readonly hasLeftOut: boolean
}

/**
 * Knows what was sent and what was acknowledged, and says what is wrong with an answer: something acknowledged is missing, something was never
 * sent, is not what was sent, or is there twice.
 */
export class Oracle {
  readonly #spans = new Map<string, Known>()
  readonly #traces = new Map<string, Known[]>()
  /** Appends in the order in which they were acknowledged. */
  readonly #order = new Map<number, number>()
  #lastMissing = -1
  acknowledgedSpans = 0
  /** Bytes on the disk have changed. */
  hasRot = false

  sent(append: number, trace: number, spans: readonly SentSpan[]): void {
    for (const span of spans) {
      const known: Known = { bytes: Buffer.from(requestOf([span])), trace, append, fate: 'maybe' }
      this.#spans.set(keyOf(span), known)
      const id = traceId(trace)
      const others = this.#traces.get(id)
      if (others) others.push(known)
      else this.#traces.set(id, [known])
    }
  }

  acknowledged(append: number, spans: readonly SentSpan[]): void {
    this.#order.set(append, this.#order.size)
    for (const span of spans) this.#spans.get(keyOf(span))!.fate = 'acknowledged'
    this.acknowledgedSpans += spans.length
  }

  /** Bytes of these spans have changed on the disk: they may be missing, if that is told. */
  rotted(keys: readonly string[], rot: 'certain' | 'tail'): void {
    for (const key of keys) {
      const known = this.#spans.get(key)
      if (known && known.rot !== 'tail') known.rot = rot
    }
    this.hasRot = true
  }

  /** Spans of a trace that have been acknowledged by now: what a read that starts now has to find. */
  promised(id: string): readonly Known[] {
    return (this.#traces.get(id) ?? []).filter(({ fate }) => fate === 'acknowledged')
  }

  /** Checks the chunks of a trace; `promised` is from before it was read. */
  checkTrace(id: string, promised: readonly Known[], chunks: readonly Uint8Array[], expected: Expectation): Set<Known> {
    const found = new Set<Known>()
    for (const chunk of chunks) {
      for (const { resource, scopeSpans } of decodeTraces(chunk).resourceSpans) {
        for (const { scope, spans } of scopeSpans) {
          for (const span of spans) {
            const known = this.#spans.get(keyOf({ resource, scope, span }))
            if (!known) throw new Error(`trace ${id}: span ${span.spanId} was never sent`)
            if (!known.bytes.equals(requestOf([{ resource, scope, span }])))
              throw new Error(`trace ${id}: span ${span.spanId} is not what was sent`)
            if (found.has(known)) throw new Error(`trace ${id}: span ${span.spanId} is there twice`)
            found.add(known)
          }
        }
      }
    }
    const missing = promised.filter((known) => !found.has(known))
    if (expected.hasLeftOut) return found
    for (const known of missing) {
      if (known.rot && !expected.damageTold && !expected.mayHaveDropped)
        throw new Error(`trace ${id}: a damaged span is missing, and nothing is told`)
      if (!known.rot) this.#checkMissing(id, known, expected)
    }
    return found
  }

  /**
   * Checks pages that together are an answer to a search for everything; `promised` is from before it began. `quiet`: nothing disturbs the store
   * but bytes that have changed.
   */
  checkSearch(promised: Promised, pages: readonly SearchPage[], expected: Expectation, quiet: boolean): void {
    const found = new Map<string, number>()
    const isComplete = pages.every(({ complete }) => complete)
    if (!isComplete && quiet && !this.hasRot)
      throw new Error('a search that nothing disturbed says that it is not complete')
    for (const { traces } of pages) {
      for (const { traceId: id, spans } of traces) {
        const known = this.#traces.get(id)
        if (!known) throw new Error(`search: trace ${id} was never sent`)
        // Where a part of it could not be read its place is another one.
        if (found.has(id) && isComplete) throw new Error(`search: trace ${id} is there twice`)
        if (spans > known.length) throw new Error(`search: trace ${id} has ${spans} spans, ${known.length} were sent`)
        found.set(id, spans)
      }
    }
    if (!isComplete && !quiet) return
    for (const [id, { certain, intact }] of promised) {
      // What is not damaged is found also where other things are missing.
      if ((found.get(id) ?? 0) < (isComplete ? certain : intact))
        this.#checkMissing(id, this.promised(id)[0]!, expected)
    }
  }

  /** What has been acknowledged of each trace; traces of which nothing was are not in it. */
  get promisedSpans(): Promised {
    const counts = new Map<string, PromisedTrace>()
    for (const [id, spans] of this.#traces) {
      const promised = spans.filter(({ fate }) => fate === 'acknowledged')
      const certain = promised.filter(({ rot }) => rot !== 'tail').length
      const intact = promised.filter(({ rot }) => rot === undefined).length
      if (certain > 0) counts.set(id, { certain, intact })
    }
    return counts
  }

  /** Ids of all traces that were sent. */
  get sentTraces(): string[] {
    return [...this.#traces.keys()]
  }

  /** Called when a span was found that was acknowledged in its turn: nothing later may be missing. */
  checkOrder(found: Iterable<Known>): void {
    for (const { append, fate, trace } of found) {
      if (fate === 'acknowledged' && this.#order.get(append)! < this.#lastMissing - REORDERED)
        throw new Error(`trace ${traceId(trace)}: found, but one that was acknowledged later is gone`)
    }
  }

  #checkMissing(id: string, { append }: Known, { mayHaveDropped }: Expectation): void {
    if (!mayHaveDropped) throw new Error(`trace ${id}: a span that was acknowledged (append ${append}) is missing`)
    this.#lastMissing = Math.max(this.#lastMissing, this.#order.get(append) ?? -1)
  }
}

/** Appends of one group are acknowledged together, in any order. */
const REORDERED = 200

/** Names a span. */
export function keyOf({ span }: SentSpan): string {
  return `${span.traceId} ${span.spanId}`
}
