import type { SpanView } from '@spoor/otlp'
import { ALWAYS, NEVER, parseDouble, thresholdText, TraceState } from '../../processor-helper/index.ts'
import { hashHex } from './hash.ts'
import type { Carrier, Policy } from './sampler.ts'

/** The sampling of a span: in its trace state. */
export class SpanCarrier implements Carrier<SpanView> {
  readonly #seed: number
  readonly #state = new TraceState()
  #span!: SpanView

  /** `seed`: the hash that has the seed in it already. */
  constructor(seed: number) {
    this.#seed = seed
  }

  open(span: SpanView): boolean {
    this.#span = span
    return this.#state.read(span.traceState)
  }

  get randomness(): string | undefined {
    return this.#state.randomness
  }

  get threshold(): string | undefined {
    return this.#state.threshold
  }

  hashed(): [string, Policy] | undefined {
    const { traceId } = this.#span
    return traceId === '' ? undefined : [hashHex(this.#seed, traceId), 'trace_id_hash']
  }

  own(): [string, Policy] | undefined {
    const { traceId } = this.#span
    return traceId === '' ? undefined : [traceId.slice(-14), 'trace_id_w3c']
  }

  /** Its attribute `sampling.priority`, as OpenTracing has it: at 0 it goes, above it stays. */
  priority(): string | undefined {
    const value = this.#span.attributes.get('sampling.priority')
    let priority: number | undefined
    if (value?.type === 'int' || value?.type === 'double') priority = Number(value.value)
    else if (value?.type === 'string') priority = parseDouble(value.value)
    if (priority === undefined || !(priority >= 0)) return undefined
    return priority === 0 ? NEVER : ALWAYS
  }

  setRandomness(randomness: string): void {
    this.#state.randomness = randomness
  }

  clearThreshold(): void {
    this.#state.threshold = undefined
    this.#state.thresholdText = ''
  }

  raiseThreshold(threshold: string): void {
    const { threshold: before } = this.#state
    if (before !== undefined && before > threshold) return
    this.#state.threshold = threshold
    this.#state.thresholdText = thresholdText(threshold)
  }

  write(): void {
    this.#span.traceState = this.#state.text()
  }
}
