/** What all policies together say of a trace, and the figures of each. */
import type { Counter, Counters, LogLimiter } from '../../component/index.ts'
import { OtlpError } from '@spoor/otlp'
import { PolicyError, type Decision, type Policy, type Trace } from './policy.ts'

export interface NamedPolicy {
  readonly name: string
  readonly policy: Policy
  /** Whether it is one that drops: these are asked first. */
  readonly isDrop: boolean
  /** Whether a trace of which it keeps a part is kept by it whatever else comes. */
  readonly isFinal: boolean
}

export interface Verdict {
  readonly decision: Decision
  /** The name of the policy that kept or dropped it. Undefined where none did. */
  readonly policy: string | undefined
}

const NOT_SAMPLED: Verdict = { decision: 'not_sampled', policy: undefined }
/** That none has decided yet; only while spans come in. */
export const PENDING = 'pending'

/** The labels of the Collector. */
export const DECISION_LABELS: Readonly<Record<Decision, { readonly sampled: string; readonly decision: Decision }>> = {
  sampled: { sampled: 'true', decision: 'sampled' },
  not_sampled: { sampled: 'false', decision: 'not_sampled' },
  dropped: { sampled: 'false', decision: 'dropped' },
}

interface Entry extends NamedPolicy {
  readonly traces: Readonly<Record<Decision, Counter>>
  readonly spans: Readonly<Record<Decision, Counter>>
  readonly executions: Counter
}

export class Decider {
  readonly #entries: readonly Entry[]
  readonly #isFirstMatch: boolean
  readonly #errors: Counter
  readonly #log: LogLimiter
  readonly #id: string

  constructor(
    policies: readonly NamedPolicy[],
    options: { id: string; counters: Counters; log: LogLimiter; isFirstMatch: boolean },
  ) {
    const { id, counters } = options
    this.#id = id
    this.#isFirstMatch = options.isFirstMatch
    this.#log = options.log
    const counter = (name: string, labels: object): Counter =>
      counters.counter(`otelcol_processor_tail_sampling_${name}`, { processor: id, ...labels })
    const slash = id.indexOf('/')
    const prefix = slash < 0 ? '' : `${id.slice(slash + 1)}.`
    const byDecision = (name: string, policy: string): Record<Decision, Counter> => {
      const of = (decision: Decision): Counter => counter(name, { policy, ...DECISION_LABELS[decision] })
      return { sampled: of('sampled'), not_sampled: of('not_sampled'), dropped: of('dropped') }
    }
    const entries = policies.map((policy): Entry => {
      const label = prefix + policy.name
      return {
        ...policy,
        traces: byDecision('count_traces_sampled', label),
        spans: byDecision('count_spans_sampled', label),
        executions: counter('sampling_policy_execution_count', { policy: label }),
      }
    })
    this.#entries = [...entries.filter(({ isDrop }) => isDrop), ...entries.filter(({ isDrop }) => !isDrop)]
    this.#errors = counter('sampling_policy_evaluation_error', {})
  }

  /** Of a trace that nothing more is expected of. */
  decide(trace: Trace): Verdict {
    let kept: string | undefined
    for (const entry of this.#entries) {
      const decision = this.#ask(entry, trace)
      if (decision === 'dropped') return { decision, policy: entry.name }
      if (decision !== 'sampled') continue
      kept ??= entry.name
      if (this.#isFirstMatch) break
    }
    return kept === undefined ? NOT_SAMPLED : { decision: 'sampled', policy: kept }
  }

  /** Of a trace as far as it has come. One that a policy may still drop is not kept, as more may come of it. */
  decideEarly(trace: Trace): Verdict | typeof PENDING {
    let isPending = false
    for (const entry of this.#entries) {
      if (isPending && !entry.isDrop) return PENDING
      const decision = this.#ask(entry, trace)
      if (decision === undefined) continue
      if (decision === 'dropped') return { decision, policy: entry.name }
      if (entry.isDrop) isPending = true
      else if (decision === 'sampled') return { decision, policy: entry.name }
    }
    return PENDING
  }

  /** Keeps a trace of which a part has come, where nothing can change that any more; else undefined. Counts nothing until then. */
  keepNow(trace: Trace): Verdict | undefined {
    if (this.#entries[0]?.isDrop) return undefined
    const entry = this.#entries.find(({ policy, isFinal }) => isFinal && keeps(policy, trace))
    if (!entry) return undefined
    entry.executions.value++
    entry.traces.sampled.value++
    entry.spans.sampled.value += trace.spans
    return { decision: 'sampled', policy: entry.name }
  }

  #ask(entry: Entry, trace: Trace): Decision | undefined {
    entry.executions.value++
    try {
      const decision = entry.policy.decide(trace)
      entry.traces[decision].value++
      entry.spans[decision].value += trace.spans
      return decision
    } catch (error) {
      if (!(error instanceof PolicyError) && !(error instanceof OtlpError)) throw error
      this.#errors.value++
      const fields = { component: this.#id, policy: entry.name, error: error.message }
      this.#log.warn(entry.name, fields, 'A sampling policy failed for a trace.')
      return undefined
    }
  }
}

/** One that cannot say does not. */
function keeps(policy: Policy, trace: Trace): boolean {
  try {
    return policy.decide(trace) === 'sampled'
  } catch (error) {
    if (!(error instanceof PolicyError) && !(error instanceof OtlpError)) throw error
    return false
  }
}
