/**
 * The decision about one item, for spans and log records alike. As in the OpenTelemetry Collector: find its randomness and what was decided
 * before, compare, let a priority of the item's own overrule, and write down what was decided.
 */
import type { Counter, Counters } from '../../component/index.ts'
import { bucketThreshold } from './hash.ts'
import type { SamplerConfig } from './config.ts'
import { ALWAYS, HIGHEST, NEVER, probabilityOf, thresholdOf } from '../../processor-helper/index.ts'

/** Where the randomness of an item comes from; the label `policy` of its counter. An attribute's name is one, too. */
export type Policy = string

/** Why an item cannot be decided. */
type Failure =
  | 'invalid_sampling_state'
  | 'randomness_in_use'
  | 'threshold_in_use'
  | 'missing_randomness'
  | 'inconsistent_threshold'

type Source = readonly [randomness: string, policy: Policy] | undefined

/** What a signal keeps its sampling in; one is used for all items, one after the other. */
export interface Carrier<T> {
  /** Reads the item; says whether what it has of sampling could be read. */
  open(item: T): boolean
  /** What it tells, 14 hex digits. */
  readonly randomness: string | undefined
  readonly threshold: string | undefined
  /** The hash of its id or of an attribute, with the name of where it is from. */
  hashed(): Source
  /** The randomness of its id itself. */
  own(): Source
  /** The threshold that the item wants for itself. */
  priority(): string | undefined
  setRandomness(randomness: string): void
  clearThreshold(): void
  /** Keeps the one that it has where that is higher. */
  raiseThreshold(threshold: string): void
  /** Writes it into the item. */
  write(): void
}

interface Found {
  readonly randomness: string | undefined
  readonly policy: Policy
  readonly failure: Failure | undefined
  /** Whether what is decided may be written. */
  readonly isWritable: boolean
}

interface Rule {
  readonly find: <T>(carrier: Carrier<T>, isValid: boolean) => Found
  /** `before`: the threshold of an earlier decision. */
  readonly thresholdOf: (before: string | undefined) => string
}

export interface SamplerOptions {
  readonly counters: Counters
  readonly labels: Readonly<Record<string, string>>
  /** The name of the counter of items. */
  readonly counter: string
  /** Whether an item without an id gets a randomness in the mode `hash_seed`. */
  readonly fillsIn: boolean
}

const MISSING = 'missing_randomness'
const PRIORITY = 'sampling_priority'

/** Says of each item whether it is kept. */
export function createSampler<T>(
  config: SamplerConfig,
  carrier: Carrier<T>,
  options: SamplerOptions,
): (item: T) => boolean {
  const { counters, labels, counter } = options
  const rule = ruleOf(config, options.fillsIn)
  const outcomes = remembering((policy: Policy) => {
    const of = (sampled: string): Counter => counters.counter(counter, { ...labels, policy, sampled })
    return { kept: of('true'), dropped: of('false') }
  })
  const failures = remembering((reason: Failure) =>
    counters.counter('otelcol_processor_probabilistic_sampler_undecided_items', { ...labels, reason }),
  )
  const undecided = config.fail_closed ? NEVER : ALWAYS
  return (item) => {
    const { randomness, policy, isWritable, failure: trouble } = rule.find(carrier, carrier.open(item))
    const failure = trouble ?? inconsistency(carrier, randomness)
    if (failure !== undefined) failures(failure).value++
    const wanted = carrier.priority()
    const threshold = wanted ?? (failure === undefined ? rule.thresholdOf(carrier.threshold) : undecided)
    const isKept = threshold <= (randomness ?? HIGHEST)
    outcomes(wanted === undefined ? policy : PRIORITY)[isKept ? 'kept' : 'dropped'].value++
    if (isKept && isWritable) {
      carrier.raiseThreshold(threshold)
      carrier.write()
    }
    return isKept
  }
}

function remembering<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    let value = made.get(key)
    if (value === undefined) made.set(key, (value = make(key)))
    return value
  }
}

/** An earlier decision that was not made with this randomness tells nothing, and goes. */
function inconsistency<T>(carrier: Carrier<T>, randomness: string | undefined): Failure | undefined {
  if (randomness === undefined) return 'missing_randomness'
  if (carrier.threshold === undefined || carrier.threshold <= randomness) return undefined
  carrier.clearThreshold()
  return 'inconsistent_threshold'
}

function ruleOf(config: SamplerConfig, fillsIn: boolean): Rule {
  const percentage = Math.min(100, Math.fround(config.sampling_percentage))
  const ratio = percentage / 100
  const precision = config.sampling_precision
  const bucket = bucketThreshold(percentage)
  const threshold = thresholdOf(ratio, precision)
  if (threshold === undefined) return NOTHING
  switch (config.mode) {
    case 'equalizing':
      return { find: findOwn, thresholdOf: (before = threshold) => (before > threshold ? before : threshold) }
    case 'proportional':
      return {
        find: findOwn,
        thresholdOf: (before = ALWAYS) => thresholdOf(probabilityOf(before) * ratio, precision) ?? NEVER,
      }
    default:
      if (bucket === undefined) return NOTHING
      return { find: (carrier, isValid) => findHashed(carrier, isValid, fillsIn), thresholdOf: () => bucket }
  }
}

const NOTHING: Rule = {
  find: (_, isValid) => ({
    randomness: HIGHEST,
    policy: PRIORITY,
    failure: isValid ? undefined : 'invalid_sampling_state',
    isWritable: true,
  }),
  thresholdOf: () => NEVER,
}

function findOwn<T>(carrier: Carrier<T>, isValid: boolean): Found {
  if (!isValid) return { randomness: undefined, policy: MISSING, failure: 'invalid_sampling_state', isWritable: false }
  const { randomness: told } = carrier
  if (told !== undefined)
    return { randomness: told, policy: 'sampling_randomness', failure: undefined, isWritable: true }
  const [randomness, policy] = carrier.own() ?? [undefined, MISSING]
  return { randomness, policy, failure: undefined, isWritable: true }
}

/** What tells of a decision by the randomness itself is left alone. */
function findHashed<T>(carrier: Carrier<T>, isValid: boolean, fillsIn: boolean): Found {
  const [randomness, policy] = carrier.hashed() ?? [undefined, MISSING]
  let failure: Failure | undefined
  if (!isValid) failure = 'invalid_sampling_state'
  else if (carrier.randomness !== undefined) failure = 'randomness_in_use'
  else if (carrier.threshold !== undefined) failure = 'threshold_in_use'
  else if (randomness !== undefined || fillsIn) carrier.setRandomness(randomness ?? HIGHEST)
  return { randomness, policy, failure, isWritable: failure === undefined }
}
