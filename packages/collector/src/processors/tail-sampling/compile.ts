/** From the config of policies to what decides. */
import { createLogLimiter, type Context } from '../../component/index.ts'
import { compileConditions, CONTEXTS, Item, type Conditions, type FailureListener } from '../../ottl/index.ts'
import { booleanAttribute, numericAttribute, stringAttribute } from './attribute-policies.ts'
import { composite, limiting, type SubPolicy } from './limit-policies.ts'
import { SECTION_SCHEMAS, type AnyPolicy, type CompositeConfig, type PlainPolicy } from './policy-config.ts'
import { keepWhere, PolicyError, someOf, type Policy } from './policy.ts'
import { probabilistic } from './probabilistic-policy.ts'
import { alwaysSample, latency, spanCount, statusCode, traceFlags, traceState } from './span-policies.ts'

/** What policies need besides their config. */
export interface Surroundings {
  readonly context: Context
  /** Milliseconds, for limits over time. */
  readonly clock: () => number
}

const LOG_INTERVAL_MS = 10_000

export function compilePolicy(config: AnyPolicy, around: Surroundings): Policy {
  const warn = (unused: string): void =>
    around.context.logger.warn(
      { component: around.context.id, policy: config.name },
      `The key ${unused} of a policy of type ${config.type} has no effect.`,
    )
  for (const [key, value] of Object.entries(config))
    if (value !== undefined && key !== 'name' && key !== 'type' && key !== config.type) warn(key)
  switch (config.type) {
    case 'and':
      return every(config.and?.and_sub_policy ?? [], 'sampled', around)
    case 'drop':
      return every(config.drop?.drop_sub_policy ?? [], 'dropped', around)
    case 'not':
      return not(compilePolicy(config.not!.not_sub_policy, around))
    case 'composite':
      return compositePolicy(config.composite!, around)
    default:
      return plainPolicy(config, around)
  }
}

function every(configs: readonly AnyPolicy[], decision: 'sampled' | 'dropped', around: Surroundings): Policy {
  const all = configs.map((config) => compilePolicy(config, around))
  return {
    decide: (trace) => (all.every((policy) => policy.decide(trace) === 'sampled') ? decision : 'not_sampled'),
  }
}

function not(policy: Policy): Policy {
  return { decide: (trace) => keepWhere(policy.decide(trace) === 'not_sampled') }
}

function compositePolicy(config: CompositeConfig, around: Surroundings): Policy {
  const { max_total_spans_per_second: total, composite_sub_policy: subPolicies, rate_allocation: rates } = config
  const all = subPolicies.map((each): SubPolicy => {
    const percent = rates.findLast(({ policy }) => policy === each.name)?.percent ?? 0
    const share = percent > 0 ? percent / 100 : 1 / subPolicies.length
    const maxSpans = percent > 0 ? share * total : total / subPolicies.length
    return { policy: compilePolicy(each, around), maxSpans: Math.trunc(maxSpans) }
  })
  const { context } = around
  for (const { policy } of rates.filter((rate) => !subPolicies.some(({ name }) => name === rate.policy)))
    context.logger.warn(
      { component: context.id, policy },
      'rate_allocation names a policy that is not among composite_sub_policy.',
    )
  return composite(all, total, Date.now)
}

/** Of a type without others in it. A section that is not written has its defaults. */
function plainPolicy(config: PlainPolicy, { context, clock }: Surroundings): Policy {
  const own = <T extends keyof typeof SECTION_SCHEMAS>(type: T) =>
    (config[type] ?? SECTION_SCHEMAS[type].parse({})) as NonNullable<PlainPolicy[T]>
  const { type } = config
  if (type === 'always_sample') return alwaysSample
  if (type === 'trace_flags') return traceFlags
  if (type === 'latency') return latency(own(type))
  if (type === 'numeric_attribute') return numericAttribute(own(type))
  if (type === 'probabilistic') return probabilistic(own(type))
  if (type === 'status_code') return statusCode(own(type))
  if (type === 'string_attribute') return stringAttribute(own(type))
  if (type === 'span_count') return spanCount(own(type))
  if (type === 'trace_state') return traceState(own(type))
  if (type === 'boolean_attribute') return booleanAttribute(own(type))
  if (type === 'ottl_condition') return ottlCondition(own(type), context)
  if (type === 'rate_limiting') {
    const { spans_per_second: perSecond, burst_capacity: burst } = own(type)
    return limiting({ perSecond, burst, clock }, ({ spans }) => spans)
  }
  if (type === 'bytes_limiting') {
    const { bytes_per_second: perSecond, burst_capacity: burst } = own(type)
    return limiting({ perSecond, burst, clock }, ({ bytes }) => bytes)
  }
  // The schema takes no other.
  throw new RangeError(`no policy of type ${type}`)
}

function ottlCondition(config: NonNullable<PlainPolicy['ottl_condition']>, context: Context): Policy {
  const [ofSpans, ofEvents] = (['span', 'spanevent'] as const).map((name): Conditions | undefined => {
    const compiled = compileConditions({ conditions: config[name], context: name }, CONTEXTS.traces)
    return compiled.problems ? undefined : compiled.value[0]
  })
  const log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
  const failed: FailureListener = (condition, error) => {
    if (config.error_mode === 'propagate')
      throw new PolicyError(`condition ${condition}: ${error.message}`, { cause: error })
    if (config.error_mode === 'ignore')
      log.warn(condition, { component: context.id, condition, error: error.message }, 'Failed to run a condition.')
  }
  const item = new Item()
  return {
    decide: (trace) =>
      keepWhere(
        someOf(trace, {
          item(span, scope, resource) {
            Object.assign(item, { span, scope, resource })
            if (ofSpans?.test(item, failed)) return true
            let isFound = false
            if (ofEvents)
              span.forEachEvent((event) => {
                if (isFound) return
                item.event = event
                isFound = ofEvents.test(item, failed)
              })
            return isFound
          },
        }),
      ),
  }
}

/** Whether a trace of which it keeps a part is kept by it whatever else comes, and whatever others come. */
export function isFinal(config: AnyPolicy): boolean {
  switch (config.type) {
    case 'numeric_attribute':
    case 'string_attribute':
    case 'boolean_attribute':
      return config[config.type]?.invert_match !== true
    case 'and':
      return config.and?.and_sub_policy.every(isFinal) ?? false
    case 'not':
    case 'drop':
    case 'composite':
      return false
    default:
      return !isStateful(config)
  }
}

/** Whether what it says of a trace depends on others, or on spans that are still to come. */
export function isStateful(config: AnyPolicy): boolean {
  switch (config.type) {
    case 'rate_limiting':
    case 'bytes_limiting':
      return true
    case 'latency':
      return (config.latency?.upper_threshold_ms ?? 0) > 0
    case 'span_count':
      return (config.span_count?.max_spans ?? 0) > 0
    case 'and':
      return config.and?.and_sub_policy.some(isStateful) ?? false
    case 'drop':
      return config.drop?.drop_sub_policy.some(isStateful) ?? false
    case 'not':
      return config.not !== undefined && isStateful(config.not.not_sub_policy)
    case 'composite':
      return config.composite?.composite_sub_policy.some(isStateful) ?? false
    default:
      return false
  }
}
