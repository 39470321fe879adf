/**
 * How many spans one stands for, by the threshold in its trace state that a sampler has left there: 2 where half of them were kept. What is no
 * whole number is rounded at random, so that the sum of many is right.
 * Source: OpenTelemetry specification, "TraceState: Probability Sampling".
 */
import { TraceState } from '../../processor-helper/index.ts'

const ALL = 1n << 56n

export class AdjustedCount {
  count = 1
  /** Whether the trace state says so. */
  isAdjusted = false
  readonly #state = new TraceState()
  #text = new Uint8Array(0)

  /** Reads a trace state; the same as the last one has the same count. */
  read(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isSame(bytes, start, end)) return
    this.#text = bytes.slice(start, end)
    this.count = 1
    const isWhole = this.#state.read(Buffer.from(this.#text).toString())
    const { threshold } = this.#state
    this.isAdjusted = isWhole && threshold !== undefined
    if (!this.isAdjusted) return
    const kept = ALL - BigInt(`0x${threshold}`)
    const rest = ALL % kept
    this.count = Number(ALL / kept)
    if (Math.random() < Number(rest) / Number(kept)) this.count++
  }

  /** As of a span without a trace state. */
  clear(): void {
    this.#text = new Uint8Array(0)
    this.count = 1
    this.isAdjusted = false
  }

  #isSame(bytes: Uint8Array, start: number, end: number): boolean {
    const text = this.#text
    if (text.length !== end - start) return false
    for (let i = 0; i < text.length; i++) if (text[i] !== bytes[start + i]) return false
    return true
  }
}
