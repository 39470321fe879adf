/** The config of the `tail_sampling` processor; keys and defaults as in the OpenTelemetry Collector's tailsamplingprocessor. */
import { z } from 'zod'
import { count, didYouMean, durationMs, section, withoutEffect } from '../../component/index.ts'
import { holderKeys } from '../../processor-helper/index.ts'
import { isStateful } from './compile.ts'
import { policyConfig } from './policy-config.ts'

const STRATEGIES = ['trace-complete', 'span-ingest'] as const

export const tailSamplingConfig = section({
  decision_wait: durationMs
    .prefault('30s')
    .describe('From the first span of a trace to the decision about it, in whole seconds, and up to one more.'),
  decision_wait_after_root_received: durationMs
    .prefault('0s')
    .describe('The decision comes so long after the root span, where that is earlier. 0: as if there were no root.'),
  num_traces: count
    .default(50_000)
    .describe(
      'Traces that are kept, waiting or decided. Of more, the oldest goes: one that waits is dropped without a decision (`otelcol_processor_tail_sampling_sampling_trace_dropped_too_early`).',
    ),
  block_on_overflow: z
    .boolean()
    .default(false)
    .describe('When `num_traces` wait: senders wait for a decision, and no trace is dropped.'),
  expected_new_traces_per_sec: withoutEffect(count.default(0), 'memory grows with the traces'),
  sampling_strategy: z
    .enum(STRATEGIES, {
      error: ({ input }) =>
        `unknown strategy${didYouMean(typeof input === 'string' ? input : '', STRATEGIES)}; known: ${STRATEGIES.join(', ')}`,
    })
    .default('trace-complete')
    .describe(
      '`trace-complete`: policies see all of a trace after `decision_wait`. `span-ingest`: they see what comes of a trace when it comes, and the first that keeps it decides; what none has kept after `decision_wait` is dropped, and what comes of it later is looked at anew, unless `decision_cache` remembers it.',
    ),
  sample_on_first_match: z
    .boolean()
    .default(false)
    .describe('Policies behind the first that keeps a trace are not asked.'),
  drop_pending_traces_on_shutdown: z
    .boolean()
    .default(false)
    .describe(
      'At a stop, traces that wait are dropped; else they are decided with what is there, or kept where there is `storage`.',
    ),
  maximum_trace_size_bytes: count
    .default(0)
    .describe('A trace that grows larger is dropped before its decision. 0: no limit.'),
  num_shards: withoutEffect(z.int().min(0).max(256).default(1), 'one thread decides, and limits hold for all of it'),
  decision_cache: section({
    sampled_cache_size: count
      .default(0)
      .describe('Traces that were kept and are remembered after they have left `num_traces`. 0: they stay in it.'),
    non_sampled_cache_size: count.default(0).describe('The same for those that were dropped.'),
  }).prefault({}),
  tail_storage: z
    .never({
      error: 'not supported; write storage with the id of a file_storage extension, which also survives a restart',
    })
    .optional()
    .describe('Not supported; see `storage`.'),
  ...holderKeys('decided', 'decided early'),
  decide_early: z
    .boolean()
    .default(false)
    .describe(
      'Whether a trace is decided as soon as it is known what becomes of it. It is kept when what has come of it is enough for a policy that looks for something (an error, an attribute, a duration), unless a policy of type `drop` may still drop it; and it is decided a second or two after its root span where no span of it misses its parent, or else when that is so. Spans that come later follow. Not with `sampling_strategy: span-ingest`, and with `decision_wait_after_root_received` only the first. An extension.',
    ),
  record_policy: z
    .boolean()
    .default(false)
    .describe(
      "Whether scopes of kept traces get the attribute `tailsampling.policy`, with the name of the policy that kept it (the Collector's feature gate `recordpolicy`). An extension.",
    ),
  policies: z
    .array(policyConfig)
    .default([])
    .superRefine((policies, context) => {
      policies.forEach(({ name }, index) => {
        if (name === '')
          context.addIssue({ code: 'custom', message: 'a policy needs a name, for its metrics', path: [index, 'name'] })
        else if (policies.findIndex((policy) => policy.name === name) < index)
          context.addIssue({
            code: 'custom',
            message: `duplicate policy name ${JSON.stringify(name)}; each name once`,
            path: [index, 'name'],
          })
      })
    })
    .describe('What decides. A trace is kept where one of them keeps it, and none of type `drop` drops it.'),
}).superRefine(({ sampling_strategy: strategy, policies }, context) => {
  if (strategy !== 'span-ingest') return
  policies.forEach((policy, index) => {
    if (isStateful(policy))
      context.addIssue({
        code: 'custom',
        message: `sampling_strategy ${strategy} takes no policy whose answer depends on what was before: ${JSON.stringify(policy.name)} is one`,
        path: ['policies', index],
      })
  })
})

export type TailSamplingConfig = z.infer<typeof tailSamplingConfig>
