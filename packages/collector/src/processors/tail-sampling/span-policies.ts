/** Policies about what all spans have: times, status, flags, trace state, and how many there are. */
import { traceStateAt } from '../../ottl/index.ts'
import type { statusCodes } from './policy-config.ts'
import { keepWhere, someOf, type Policy } from './policy.ts'

export const alwaysSample: Policy = { decide: () => 'sampled' }

const NS_PER_MS = 1_000_000n

/**
 * From the first start to the last end, in whole milliseconds. It is looked at after each span, and the first time that it is within the bounds decides.
 */
export function latency(config: { threshold_ms: number; upper_threshold_ms: number }): Policy {
  const above = BigInt(config.threshold_ms)
  const upTo = config.upper_threshold_ms === 0 ? undefined : BigInt(config.upper_threshold_ms)
  // It grows with each span, so that without an upper bound the whole decides.
  const isOpen = upTo === undefined && config.threshold_ms >= 0
  const aboveNs = (config.threshold_ms + 1) * 1e6
  return {
    decide(trace) {
      const known = trace.durationNs
      if (known !== undefined && isOpen) return keepWhere(known >= aboveNs)
      let start = 0n
      let end = 0n
      const isFound = someOf(trace, {
        item(span) {
          const [spanStart, spanEnd] = [span.startTimeUnixNano, span.endTimeUnixNano]
          if (start === 0n || spanStart < start) start = spanStart
          if (end === 0n || spanEnd > end) end = spanEnd
          const milliseconds = (end - start) / NS_PER_MS
          return milliseconds > above && (upTo === undefined || milliseconds <= upTo)
        },
      })
      return keepWhere(isFound)
    },
  }
}

/** The number of each code in a span. */
const CODES: Readonly<Record<string, number>> = { UNSET: 0, OK: 1, ERROR: 2 } satisfies Record<
  (typeof statusCodes)[number],
  number
>

export function statusCode(config: { status_codes: readonly string[] }): Policy {
  const wanted = config.status_codes.map((code) => CODES[code]!)
  const bits = wanted.reduce((all, code) => all | (1 << code), 0)
  return {
    decide(trace) {
      if (trace.statuses !== undefined) return keepWhere((trace.statuses & bits) !== 0)
      return keepWhere(someOf(trace, { item: (span) => wanted.includes(span.statusCode) }))
    },
  }
}

export function spanCount({ min_spans: min, max_spans: max }: { min_spans: number; max_spans: number }): Policy {
  return { decide: ({ spans }) => keepWhere(spans >= min && (max === 0 || spans <= max)) }
}

/** Longer ones cannot be in a trace state. Characters of key and value. */
const MAX_MEMBER = 256

export function traceState({ key, values }: { key: string; values: readonly string[] }): Policy {
  const wanted = new Set(values.filter((value) => value !== '' && key.length + value.length < MAX_MEMBER))
  return {
    decide: (trace) =>
      keepWhere(someOf(trace, { item: (span) => wanted.has(traceStateAt(span.traceState, key) ?? '') })),
  }
}

const SAMPLED_FLAG = 1

export const traceFlags: Policy = {
  decide: (trace) => keepWhere(someOf(trace, { item: ({ flags }) => (flags & SAMPLED_FLAG) !== 0 })),
}
