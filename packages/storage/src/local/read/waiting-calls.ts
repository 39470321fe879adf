import { hashWords } from '../block/hash.ts'
import { SEED, TraceIds, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

const INITIAL = 1 << 10
/** Of one span in the columns and its two places in the table. */
const SPAN_BYTES = 24
const CALL_BYTES = 12
/** Of a call that is written: four words of its trace and two of the span that it waits for, its child, and the caller's word. */
export const CALL_WORDS = 8

/**
 * Calls whose parent span has not been found, and links: a list of calls for each span that is waited for, 24 bytes a span and 12 a call, beside the
 * ids of the traces.
 */
export class WaitingCalls {
  /** Spans that are still waited for. */
  size = 0
  readonly traces: TraceIds
  /** ... of each trace. */
  #ofTrace: Uint32Array
  #spans = 0
  #trace = new Uint32Array(INITIAL)
  #id = new Uint32Array(2 * INITIAL)
  /** A span's first call + 1. */
  #first = new Uint32Array(INITIAL)
  #slots = new Int32Array(2 * INITIAL)
  #calls = 0
  #child = new Uint32Array(INITIAL)
  #what = new Uint32Array(INITIAL)
  /** The next call + 1. */
  #next = new Uint32Array(INITIAL)
  readonly #turn: Turn

  constructor(turn: Turn) {
    this.#turn = turn
    this.traces = new TraceIds(turn, 4, (capacity) => (this.#ofTrace = widened(this.#ofTrace, capacity)))
    this.#ofTrace = new Uint32Array(this.traces.capacity)
  }

  /** Whether spans of a trace are waited for. */
  hasTrace(trace: number): boolean {
    return this.#ofTrace[trace]! > 0
  }

  /**
   * A call by a service, `what` being the caller's own word for it, waits for a span: the four words of its trace at `at` of `traceIds` and its id. False when
   * there is no memory for it.
   */
  add(traceIds: Uint32Array, at: number, lo: number, hi: number, child: number, what: number): boolean {
    const trace = this.traces.add(traceIds, at)
    if (trace < 0 || !this.#hasRoom()) return false
    const slot = this.#slotOf(trace, lo, hi)
    let span = this.#slots[slot]! - 1
    if (span < 0) {
      span = this.#spans++
      this.#slots[slot] = span + 1
      this.#trace[span] = trace
      this.#id[2 * span] = lo
      this.#id[2 * span + 1] = hi
    }
    if (this.#first[span] === 0) {
      this.size++
      this.#ofTrace[trace]!++
    }
    const call = this.#calls++
    this.#child[call] = child
    this.#what[call] = what
    this.#next[call] = this.#first[span]!
    this.#first[span] = call + 1
    return true
  }

  /** All calls that wait, {@link CALL_WORDS} each. */
  written(): Uint32Array {
    const words: number[] = []
    for (let span = 0; span < this.#spans; span++)
      for (let call = this.#first[span]! - 1; call >= 0; call = this.after(call))
        words.push(
          ...this.traces.words(this.#trace[span]!),
          this.#id[2 * span]!,
          this.#id[2 * span + 1]!,
          this.#child[call]!,
          this.#what[call]!,
        )
    return Uint32Array.from(words)
  }

  /** Adds such calls; `children`: what each child is here. Those that there is no memory for are left out. */
  addWritten(words: Uint32Array, children: readonly number[]): void {
    for (let at = 0; at < words.length; at += CALL_WORDS) {
      const child = children[words[at + 6]!] ?? words[at + 6]!
      if (!this.add(words, at, words[at + 4]!, words[at + 5]!, child, words[at + 7]!)) return
    }
  }

  /** The first call that waits for this span, which is not waited for any more; -1: none. */
  take(trace: number, lo: number, hi: number): number {
    const span = this.#slots[this.#slotOf(trace, lo, hi)]! - 1
    const first = span < 0 ? 0 : this.#first[span]!
    if (first === 0) return -1
    this.#first[span] = 0
    this.size--
    this.#ofTrace[trace]!--
    return first - 1
  }

  /** The call after this one; -1: none. */
  after(call: number): number {
    return this.#next[call]! - 1
  }

  childOf(call: number): number {
    return this.#child[call]!
  }

  whatOf(call: number): number {
    return this.#what[call]!
  }

  /** The place of the span, or the free one where it belongs. */
  #slotOf(trace: number, lo: number, hi: number): number {
    const mask = this.#slots.length - 1
    let slot = hashWords(trace ^ SEED, lo, hi, 0) & mask
    for (let span = this.#slots[slot]! - 1; span >= 0; span = this.#slots[slot]! - 1) {
      if (this.#trace[span] === trace && this.#id[2 * span] === lo && this.#id[2 * span + 1] === hi) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  /** For one more span and one more call. */
  #hasRoom(): boolean {
    const calls = this.#child.length
    if (this.#calls === calls) {
      if (!this.#turn.reserve(CALL_BYTES * calls)) return false
      this.#child = widened(this.#child, 2 * calls)
      this.#what = widened(this.#what, 2 * calls)
      this.#next = widened(this.#next, 2 * calls)
    }
    const spans = this.#trace.length
    if (this.#spans < spans) return true
    if (!this.#turn.reserve(SPAN_BYTES * spans)) return false
    this.#trace = widened(this.#trace, 2 * spans)
    this.#id = widened(this.#id, 4 * spans)
    this.#first = widened(this.#first, 2 * spans)
    this.#slots = new Int32Array(4 * spans)
    for (let span = 0; span < this.#spans; span++)
      this.#slots[this.#slotOf(this.#trace[span]!, this.#id[2 * span]!, this.#id[2 * span + 1]!)] = span + 1
    return true
  }
}
