/** The config of the `probabilistic_sampler` processor; keys and defaults as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { section } from '../../component/index.ts'
import { HEX_DIGITS, MIN_PROBABILITY } from '../../processor-helper/index.ts'

export const samplerConfig = section({
  sampling_percentage: z
    .number()
    .default(0)
    .describe('How much is kept, of 100. 100 and more keep everything, 0 nothing.'),
  mode: z
    .enum(['', 'hash_seed', 'proportional', 'equalizing'])
    .default('')
    .describe(
      '`hash_seed` (what `""` is): by a hash of the trace id. `proportional`: by the randomness of the trace id itself, this share of what arrives, however much was sampled before. `equalizing`: the same, but what was sampled before to this share or below is kept whole.',
    ),
  hash_seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0)
    .describe('Goes into the hash. Collectors that share a seed keep the same traces, with another seed others.'),
  fail_closed: z
    .boolean()
    .default(true)
    .describe(
      'What becomes of items that cannot be decided: whose trace state cannot be read, tells something else than the trace id, or who have no id. `true`: they are dropped.',
    ),
  sampling_precision: z
    .int()
    .min(1)
    .max(HEX_DIGITS)
    .default(4)
    .describe(
      'Hex digits of the threshold that is written to the trace state, not counting leading ones of small or large shares.',
    ),
  attribute_source: z
    .enum(['traceID', 'record', ''])
    .default('traceID')
    .describe(
      'Of log records: whether `from_attribute` counts for those alone that have no trace id (`traceID`), or for all (`record`).',
    ),
  from_attribute: z.string().default('').describe('Of log records: the attribute whose value is hashed.'),
  sampling_priority: z
    .string()
    .default('')
    .describe('Of log records: an attribute with another percentage, from above 0 to 100, for this record.'),
}).superRefine(({ sampling_percentage: percentage }, context) => {
  const fail = (message: string): void =>
    context.addIssue({ code: 'custom', message: `${percentage}: ${message}`, path: ['sampling_percentage'] })
  if (!Number.isFinite(percentage)) fail('not a percentage; write a number from 0 to 100')
  else if (percentage < 0) fail('less than nothing; write a number from 0 to 100')
  else if (percentage > 0 && Math.fround(percentage) / 100 < MIN_PROBABILITY) fail('too small; the least is 1.39e-15')
})

export type SamplerConfig = z.infer<typeof samplerConfig>
