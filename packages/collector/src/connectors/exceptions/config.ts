/** The config of the `exceptions` connector; keys and defaults as in the OpenTelemetry Collector's exceptionsconnector. */
import { z } from 'zod'
import { section } from '../../component/index.ts'

/** What every metric and every log has. */
const USUAL = ['service.name', 'span.name', 'span.kind', 'status.code']

const dimension = section({
  name: z.string({ error: 'expected the name of an attribute' }).min(1, { error: 'expected the name of an attribute' }),
  default: z.string().optional().describe('Its value where there is no such attribute. Default: it is left out then.'),
})

export const exceptionsConfig = section({
  dimensions: z
    .array(dimension)
    .default([{ name: 'exception.type' }, { name: 'exception.message' }])
    .describe(
      `Attributes of spans, events or resources, in this order, that metrics and logs have besides ${USUAL.map((name) => `\`${name}\``).join(', ')}. Default: \`exception.type\`, \`exception.message\`.`,
    ),
  exemplars: section({
    enabled: z.boolean().default(false).describe('Whether points name the spans whose exceptions they count.'),
  }).prefault({}),
}).superRefine(({ dimensions }, context) => {
  const seen = new Set(USUAL)
  for (const [index, { name }] of dimensions.entries()) {
    if (seen.has(name)) {
      const why = USUAL.includes(name) ? ', which every metric has' : ''
      const message = `duplicate dimension "${name}"${why}; remove it`
      context.addIssue({ code: 'custom', message, path: ['dimensions', index, 'name'] })
    }
    seen.add(name)
  }
})

export type ExceptionsConfig = z.infer<typeof exceptionsConfig>
