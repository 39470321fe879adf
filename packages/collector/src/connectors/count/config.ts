/** The config of the `count` connector; keys and defaults as in the OpenTelemetry Collector's countconnector. */
import { z } from 'zod'
import { anyValue, section, withoutEffect } from '../../component/index.ts'
import { compileConditions, problemIssues, type ContextName } from '../../ottl/index.ts'

/** The sections, each with what its conditions are about. */
export const COUNTED = {
  spans: 'span',
  spanevents: 'spanevent',
  metrics: 'metric',
  datapoints: 'datapoint',
  logs: 'log',
} as const satisfies Readonly<Record<string, ContextName>>

export type Counted = keyof typeof COUNTED

const USUAL: Readonly<Record<Counted, readonly [name: string, description: string]>> = {
  spans: ['trace.span.count', 'The number of spans observed.'],
  spanevents: ['trace.span.event.count', 'The number of span events observed.'],
  metrics: ['metric.count', 'The number of metrics observed.'],
  datapoints: ['metric.datapoint.count', 'The number of data points observed.'],
  logs: ['log.record.count', 'The number of log records observed.'],
}

const attribute = section({
  key: z
    .string({ error: 'expected the key of an attribute' })
    .min(1, { error: 'expected the key of an attribute' })
    .describe('An attribute of what is counted, of its scope or of its resource.'),
  default_value: anyValue.describe('Its value where there is none. Default: what has none is not counted.'),
})

const info = section({
  description: z.string().default(''),
  conditions: z
    .array(z.string())
    .default([])
    .describe('What any of these [OTTL](../ottl.md) conditions is true for is counted. Default: all.'),
  attributes: z
    .array(attribute)
    .default([])
    .describe('Attributes of the metric: each combination is counted by itself.'),
})

function countedKey(counted: Counted) {
  const [name, description] = USUAL[counted]
  return z
    .record(z.string(), info)
    .default({})
    .transform((metrics) =>
      Object.keys(metrics).length > 0 ? metrics : { [name]: { description, conditions: [], attributes: [] } },
    )
    .describe(`Metrics by their names. Default: \`${name}\`.`)
}

export const countConfig = section({
  spans: countedKey('spans'),
  spanevents: countedKey('spanevents'),
  metrics: countedKey('metrics'),
  datapoints: countedKey('datapoints'),
  logs: countedKey('logs'),
  profiles: withoutEffect(z.unknown().optional(), 'there are no profiles here'),
}).superRefine((config, context) => {
  const fail = (message: string, ...path: PropertyKey[]): void => context.addIssue({ code: 'custom', message, path })
  for (const counted of Object.keys(COUNTED) as Counted[]) {
    for (const [name, { conditions, attributes }] of Object.entries(config[counted])) {
      if (name === '') fail('a metric without a name', counted)
      if (counted === 'metrics' && attributes.length > 0)
        fail('metrics have no attributes; count their datapoints', counted, name, 'attributes')
      const { problems } = compileConditions({ conditions, context: COUNTED[counted] }, [COUNTED[counted]])
      for (const issue of problemIssues(problems ?? [], ({ index }) => [counted, name, 'conditions', index]))
        context.addIssue(issue)
    }
  }
})

export type CountConfig = z.infer<typeof countConfig>
