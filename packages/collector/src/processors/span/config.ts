/** The config of the `span` processor; keys and defaults as in the OpenTelemetry Collector's spanprocessor. */
import { z } from 'zod'
import { section, stringList } from '../../component/index.ts'
import { matchKeys, regexKey } from '../../processor-helper/index.ts'

const CODES = ['Unset', 'Ok', 'Error'] as const

/** As OTLP has them. */
export const STATUS_CODES: Readonly<Record<(typeof CODES)[number], number>> = { Unset: 0, Ok: 1, Error: 2 }

const toAttributes = section({
  rules: z
    .array(regexKey)
    .default([])
    .describe(
      'Regular expressions (RE2), one after the other. Of one that matches the name, each named group becomes an attribute, and in the name its part becomes `{group}`.',
    ),
  break_after_match: z.boolean().default(false).describe('Whether the first rule that matches is the last.'),
  keep_original_name: z.boolean().default(false).describe('Whether the name stays as it is.'),
})

export const spanConfig = section({
  ...matchKeys,
  name: section({
    from_attributes: stringList
      .default([])
      .describe('Keys whose values make the new name. Where a span has not all of them, it keeps its own.'),
    separator: z.string().default('').describe('Between the values.'),
    to_attributes: toAttributes.optional(),
  }).prefault({}),
  status: section({
    code: z.enum(CODES),
    description: z.string().default('').describe('For `Error` alone.'),
  })
    .refine(({ code, description }) => code === 'Error' || description === '', {
      message: 'only a status of code Error has a description; take it out',
      path: ['description'],
    })
    .optional()
    .describe('What the status of each span becomes.'),
}).refine(
  ({ name, status }) => status || name.from_attributes.length > 0 || (name.to_attributes?.rules.length ?? 0) > 0,
  'does nothing; it needs name.from_attributes, name.to_attributes.rules or status',
)

export type SpanConfig = z.infer<typeof spanConfig>
