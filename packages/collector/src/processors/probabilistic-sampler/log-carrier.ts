import type { LogRecordView } from '@spoor/otlp'
import {
  randomnessFrom,
  text,
  thresholdFrom,
  thresholdOf,
  thresholdText,
  valueText,
} from '../../processor-helper/index.ts'
import type { SamplerConfig } from './config.ts'
import { hashBytes, hashHex } from './hash.ts'
import type { Carrier, Policy } from './sampler.ts'

const THRESHOLD = 'sampling.threshold'
const RANDOMNESS = 'sampling.randomness'

/** The sampling of a log record: in two of its attributes. */
export class LogCarrier implements Carrier<LogRecordView> {
  readonly #config: SamplerConfig
  readonly #seed: number
  #record!: LogRecordView
  threshold: string | undefined
  randomness: string | undefined

  /** `seed`: the hash that has the seed in it already. */
  constructor(config: SamplerConfig, seed: number) {
    this.#config = config
    this.#seed = seed
  }

  open(record: LogRecordView): boolean {
    this.#record = record
    const threshold = record.attributes.text(THRESHOLD) || undefined
    const randomness = record.attributes.text(RANDOMNESS) || undefined
    this.threshold = threshold && thresholdFrom(threshold)
    this.randomness = randomness && randomnessFrom(randomness)
    return !(threshold && this.threshold === undefined) && !(randomness && this.randomness === undefined)
  }

  hashed(): [string, Policy] | undefined {
    const { from_attribute: key, attribute_source: source } = this.#config
    const { traceId, attributes } = this.#record
    if (source === 'traceID' && traceId !== '') return [hashHex(this.#seed, traceId), 'trace_id_hash']
    const value = key === '' ? undefined : attributes.get(key)
    if (value === undefined) return undefined
    const bytes = value.type === 'bytes' ? value.value : Buffer.from(valueText(value))
    return bytes.length === 0 ? undefined : [hashBytes(this.#seed, bytes), key]
  }

  own(): [string, Policy] | undefined {
    const { traceId } = this.#record
    return traceId === '' ? undefined : [traceId.slice(-14), 'trace_id_w3c']
  }

  /** The percentage in an attribute of its own. */
  priority(): string | undefined {
    const { sampling_priority: key, sampling_precision: precision } = this.#config
    const value = key === '' ? undefined : this.#record.attributes.get(key)
    if (value?.type !== 'int' && value?.type !== 'double') return undefined
    return thresholdOf(Number(value.value) / 100, precision)
  }

  setRandomness(randomness: string): void {
    this.randomness = randomness
    this.#record.attributes.set(RANDOMNESS, text(randomness))
  }

  clearThreshold(): void {
    this.threshold = undefined
    this.#record.attributes.delete(THRESHOLD)
  }

  raiseThreshold(threshold: string): void {
    if (this.threshold !== undefined && this.threshold > threshold) return
    this.#record.attributes.set(THRESHOLD, text(thresholdText(threshold)))
  }

  write(): void {}
}
