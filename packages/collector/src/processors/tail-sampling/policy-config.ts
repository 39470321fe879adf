/** The config of policies; keys and defaults as in the OpenTelemetry Collector's tailsamplingprocessor. */
import { z } from 'zod'
import { didYouMean, section, stringList, withoutEffect } from '../../component/index.ts'
import { compileConditions, CONTEXTS, errorModeKey, problemIssues } from '../../ottl/index.ts'
import { RegexError, compileRegex } from '../../processor-helper/index.ts'

const int64 = z.int()
/** Inclusive. */
const int32 = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)

const invertMatch = z
  .boolean()
  .default(false)
  .describe('`true`: no resource and no span of the trace may match; a trace without the key is kept.')

const key = z.string().default('').describe('The attribute, of a resource or of a span.')

export const statusCodes = ['OK', 'ERROR', 'UNSET'] as const

/** The section of each type that has one. */
const SECTIONS = {
  latency: section({
    threshold_ms: int64.default(0).describe('Kept are traces that take longer, from the first start to the last end.'),
    upper_threshold_ms: int64
      .default(0)
      .describe(
        'And not longer than this; 0: however long. As the Collector looks at it after each span, a trace that grew beyond it span by span is kept where it was within the bounds on the way.',
      ),
  }),
  numeric_attribute: section({
    key,
    min_value: int64.default(0).describe('The least value. 0: none.'),
    max_value: int64
      .default(0)
      .describe('The largest value. 0: none. A value that is not an integer counts as 0, as in the Collector.'),
    invert_match: invertMatch,
  }),
  probabilistic: section({
    hash_salt: z
      .string()
      .default('')
      .describe(
        'Goes into the hash of the trace id. Collectors one behind the other need different ones. `""`: `default-hash-seed`.',
      ),
    sampling_percentage: z.number().default(0).describe('How many traces are kept, of 100.'),
  }),
  status_code: section({
    status_codes: z
      .array(z.string())
      .default([])
      .superRefine((codes, context) => {
        codes.forEach((code, index) => {
          if ((statusCodes as readonly string[]).includes(code)) return
          const message = `unknown status code${didYouMean(code, statusCodes)}; known: ${statusCodes.join(', ')}`
          context.addIssue({ code: 'custom', message, path: [index] })
        })
      })
      .describe('Kept are traces with a span of one of these: `OK`, `ERROR`, `UNSET`.'),
  }),
  string_attribute: section({
    key,
    values: stringList
      .default([])
      .describe('Texts, or regular expressions of RE2 that are looked for anywhere in the value.'),
    enabled_regex_matching: z.boolean().default(false).describe('Whether `values` are regular expressions.'),
    cache_max_size: z
      .int()
      .default(0)
      .describe('Values whose match is remembered, with regular expressions. 0 and less: 128.'),
    invert_match: invertMatch,
  }).superRefine(({ values, enabled_regex_matching: isRegex }, context) => {
    if (!isRegex) return
    values.forEach((value, index) => {
      try {
        compileRegex(value)
      } catch (error) {
        if (!(error instanceof RegexError)) throw error
        context.addIssue({ code: 'custom', message: error.message, path: ['values', index] })
      }
    })
  }),
  rate_limiting: section({
    spans_per_second: int64.default(0).describe('Spans that are kept in a second, over time.'),
    burst_capacity: int64
      .default(0)
      .describe('Spans that are kept at once. A trace with more is never kept. 0: twice `spans_per_second`.'),
  }),
  bytes_limiting: section({
    bytes_per_second: int64.default(0).describe('Bytes that are kept in a second, over time.'),
    burst_capacity: int64
      .default(0)
      .describe('Bytes that are kept at once. A trace with more is never kept. 0: twice `bytes_per_second`.'),
  }),
  span_count: section({
    min_spans: int32.default(0).describe('The least number of spans.'),
    max_spans: int32.default(0).describe('The largest number of spans. 0: none.'),
  }),
  trace_state: section({
    key: z.string().default('').describe('The key in the W3C trace state of a span.'),
    values: stringList.default([]).describe('One of these must be its value.'),
  }),
  boolean_attribute: section({ key, value: z.boolean().default(false), invert_match: invertMatch }),
  ottl_condition: section({
    error_mode: errorModeKey
      .optional()
      .describe(
        'What happens with a condition that fails: `ignore` tells it and goes on, `silent` only goes on (as where nothing is written), `propagate` takes the policy as failed for this trace.',
      ),
    span: z
      .array(z.string())
      .default([])
      .describe(
        'Conditions on spans ([what they can be](../ottl.md)). Kept are traces with a span that one is true for.',
      ),
    spanevent: z.array(z.string()).default([]).describe('The same on events of spans.'),
  }).superRefine((config, context) => {
    for (const name of ['span', 'spanevent'] as const) {
      const { problems } = compileConditions({ conditions: config[name], context: name }, CONTEXTS.traces)
      for (const issue of problemIssues(problems ?? [], ({ index }) => [name, index])) context.addIssue(issue)
    }
  }),
}

const SHARED = Object.fromEntries(Object.entries(SECTIONS).map(([type, schema]) => [type, schema.optional()])) as {
  [T in keyof typeof SECTIONS]: z.ZodOptional<(typeof SECTIONS)[T]>
}

const PLAIN = ['always_sample', ...(Object.keys(SECTIONS) as (keyof typeof SECTIONS)[]), 'trace_flags'] as const

function typeKey<const T extends string>(types: readonly T[]) {
  return z.enum(types as readonly [T, ...T[]], {
    error: ({ input }) =>
      input === undefined
        ? `required; one of ${types.join(', ')}`
        : `unknown type of policy${didYouMean(typeof input === 'string' ? input : '', types)}; known: ${types.join(', ')}`,
  })
}

const name = z.string().default('')

/** What is wrong with a policy as its type needs it. */
function checkOwnSection(policy: PlainPolicy, context: z.RefinementCtx): void {
  const fail = (message: string): void => context.addIssue({ code: 'custom', message, path: ['type'] })
  const { type } = policy
  if (type === 'status_code' && (policy.status_code?.status_codes.length ?? 0) === 0)
    fail(`expected at least one status code, under ${type}.status_codes: ${statusCodes.join(', ')}`)
  const { min_value: min, max_value: max } = policy.numeric_attribute ?? { min_value: 0, max_value: 0 }
  if (type === 'numeric_attribute' && min === 0 && max === 0)
    fail('at least one of min_value and max_value must be set, to another number than 0')
  const { span, spanevent } = policy.ottl_condition ?? { span: [], spanevent: [] }
  if (type === 'ottl_condition' && span.length + spanevent.length === 0)
    fail(`expected at least one condition, under ${type}.span or ${type}.spanevent`)
}

const plainPolicy = { name, ...SHARED }

const notSubPolicy = section({ ...plainPolicy, type: typeKey(PLAIN) }).superRefine(checkOwnSection)

const notSection = section({ not_sub_policy: notSubPolicy })

/** Where the policies are that one of these types has in it. */
const NESTED_KEYS = {
  not: 'not_sub_policy',
  and: 'and_sub_policy',
  drop: 'drop_sub_policy',
  composite: 'composite_sub_policy',
} as const

function checkNested(policy: { readonly type: string } & Nested, context: z.RefinementCtx): void {
  const type = policy.type as keyof typeof NESTED_KEYS
  const key = NESTED_KEYS[type]
  if (key === undefined || policy[type] !== undefined) return
  context.addIssue({
    code: 'custom',
    message: `a policy of type ${type} has others in it, under ${type}.${key}`,
    path: ['type'],
  })
}

const andSubPolicy = section({
  ...plainPolicy,
  type: typeKey([...PLAIN, 'not']),
  not: notSection.optional(),
})
  .superRefine(checkOwnSection)
  .superRefine(checkNested)

const subPolicies = <S extends z.ZodType>(policy: S) =>
  z.array(policy).min(1, { error: 'expected at least one policy' })

const andSection = section({
  and_sub_policy: subPolicies(andSubPolicy).describe(
    'All of these must keep the trace. Of any type but and, drop and composite.',
  ),
})

const compositeSubPolicy = section({
  ...plainPolicy,
  type: typeKey([...PLAIN, 'and']),
  and: andSection.optional(),
})
  .superRefine(checkOwnSection)
  .superRefine(checkNested)

const compositeSection = section({
  max_total_spans_per_second: int64.default(0).describe('No sub-policy may keep more spans in a second.'),
  policy_order: withoutEffect(
    stringList.default([]),
    'as in the Collector, sub-policies are asked in the order in which they are written',
  ),
  composite_sub_policy: subPolicies(compositeSubPolicy).describe(
    'The first of these that keeps the trace counts, as far as its share of spans of this second is not used up. Of any type but not, drop and composite.',
  ),
  rate_allocation: z
    .array(
      section({
        policy: z.string().default('').describe('The name of a sub-policy.'),
        percent: int64.default(0).describe('Its share of `max_total_spans_per_second`.'),
      }),
    )
    .default([])
    .describe(
      'A sub-policy that is not named here has an equal share: the total divided by the number of sub-policies.',
    ),
})

export const policyConfig = section({
  name: name.describe('What metrics call it. Each once.'),
  type: typeKey([...PLAIN, 'and', 'not', 'drop', 'composite']),
  ...SHARED,
  and: andSection.optional(),
  not: notSection.optional().describe('Keeps what its sub-policy does not.'),
  drop: section({
    drop_sub_policy: subPolicies(andSubPolicy).describe(
      'Where all of these would keep the trace, it is dropped, whatever other policies say.',
    ),
  }).optional(),
  composite: compositeSection.optional(),
})
  .superRefine(checkOwnSection)
  .superRefine(checkNested)

export type CompositeConfig = z.infer<typeof compositeSection>
/** A policy of a type without others in it. */
export type PlainPolicy = { readonly name: string; readonly type: string } & {
  readonly [T in keyof typeof SHARED]?: z.infer<(typeof SHARED)[T]> | undefined
}
/** Whatever has others in it. */
export interface Nested {
  readonly and?: z.infer<typeof andSection> | undefined
  readonly not?: z.infer<typeof notSection> | undefined
  readonly drop?: { readonly drop_sub_policy: readonly z.infer<typeof andSubPolicy>[] } | undefined
  readonly composite?: CompositeConfig | undefined
}
export type AnyPolicy = PlainPolicy & Nested

/** What is used where its section is not written: all of it at its default. */
export const SECTION_SCHEMAS = SECTIONS
