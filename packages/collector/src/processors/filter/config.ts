/** The config of the `filter` processor; keys and defaults as in the OpenTelemetry Collector's filterprocessor. */
import type { Signal } from '@spoor/otlp'
import { z } from 'zod'
import { section } from '../../component/index.ts'
import { matchKeys, matchProblems } from '../../processor-helper/index.ts'
import {
  compileConditions,
  contextKey,
  CONTEXTS,
  defaultErrorModeKey,
  errorModeKey,
  problemIssues,
  type ContextName,
} from '../../ottl/index.ts'
import { olderLogKeys, olderLogProblems, olderMetricKeys, olderMetricProblems } from './older.ts'

/** The keys of the lists of a signal, with the context that each is for. */
const LISTS = {
  traces: { resource: 'resource', span: 'span', spanevent: 'spanevent' },
  metrics: { resource: 'resource', metric: 'metric', datapoint: 'datapoint' },
  logs: { resource: 'resource', log_record: 'log' },
} as const satisfies Readonly<Record<Signal, Readonly<Record<string, ContextName>>>>

const conditionList = z.array(z.string()).optional().describe('What any of these is true for is dropped.')

function conditionsKey(signal: Signal) {
  const group = section({
    context: contextKey(CONTEXTS[signal]).optional(),
    conditions: z.array(z.string()).default([]),
    error_mode: errorModeKey.optional(),
  })
  return z
    .array(z.union([z.string(), group]), { error: 'expected a list of conditions' })
    .default([])
    .superRefine((items, context) => {
      const first = items.findIndex((item) => typeof item !== typeof items[0])
      if (first >= 0)
        context.addIssue({
          code: 'custom',
          message: 'either conditions or mappings with conditions, not both in one list',
          path: [first],
        })
    })
    .describe(
      `What any of these is true for is dropped. A condition, whose paths say what it is about (${CONTEXTS[signal].join(', ')}), as \`${EXAMPLES[signal]}\` ([what they can be](../ottl.md)); or a mapping of \`context\`, \`conditions\` and \`error_mode\`.`,
    )
}

const EXAMPLES = {
  traces: 'span.attributes["http.route"] == "/health"',
  metrics: 'metric.name == "go.gc"',
  logs: 'log.severity_number < SEVERITY_NUMBER_WARN',
}

const OLD = 'An older form of'

export const filterConfig = section({
  error_mode: defaultErrorModeKey('condition'),
  trace_conditions: conditionsKey('traces'),
  metric_conditions: conditionsKey('metrics'),
  log_conditions: conditionsKey('logs'),
  traces: section({ resource: conditionList, span: conditionList, spanevent: conditionList })
    .optional()
    .describe(`${OLD} \`trace_conditions\`, and not beside it: lists of conditions by context.`),
  spans: section({
    include: matchKeys.include.describe('What does not match all of this is dropped.'),
    exclude: matchKeys.exclude.describe('What matches all of this is dropped.'),
  })
    .optional()
    .describe(`${OLD} \`traces.span\`, and not beside it: properties of spans.`),
  metrics: section({
    resource: conditionList,
    metric: conditionList,
    datapoint: conditionList,
    ...olderMetricKeys,
  })
    .optional()
    .describe(`${OLD} \`metric_conditions\`: lists of conditions, or properties of metrics.`),
  logs: section({ resource: conditionList, log_record: conditionList, ...olderLogKeys })
    .optional()
    .describe(`${OLD} \`log_conditions\`: lists of conditions, or properties of records.`),
}).superRefine((config, context) => {
  for (const { message, path } of matchProblems(config.spans ?? {}, 'traces'))
    context.addIssue({ code: 'custom', message, path: ['spans', ...path] })
  if (config.traces && (config.spans?.include ?? config.spans?.exclude))
    context.addIssue({ code: 'custom', message: 'cannot be beside "traces"; take one of them', path: ['spans'] })
  for (const { message, path } of olderMetricProblems(config.metrics ?? {}))
    context.addIssue({ code: 'custom', message, path: ['metrics', ...path] })
  for (const { message, path } of olderLogProblems(config.logs ?? {}))
    context.addIssue({ code: 'custom', message, path: ['logs', ...path] })
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    const older = (config[signal] ?? {}) as Readonly<Record<string, unknown>>
    const list = Object.keys(LISTS[signal]).find((key) => older[key] !== undefined)
    const side = ['include', 'exclude'].find((key) => older[key] !== undefined)
    const fail = (key: string, beside: string): void =>
      context.addIssue({
        code: 'custom',
        message: `cannot be beside "${beside}"; take one of them`,
        path: [signal, key],
      })
    if (list !== undefined && side !== undefined) fail(side, list)
    if (config[NEWER[signal]].length > 0)
      for (const key of [list, side]) if (key !== undefined) fail(key, NEWER[signal])
  }
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    for (const { source, path } of groupsOf(config, signal)) {
      const { problems } = compileConditions(source, CONTEXTS[signal])
      for (const issue of problemIssues(problems ?? [], ({ index }) => [...path, index])) context.addIssue(issue)
    }
  }
})

export type FilterConfig = z.infer<typeof filterConfig>

/** Conditions that are for one another, and where they are written. */
export interface Group {
  readonly source: { readonly conditions: readonly string[]; readonly context?: ContextName | undefined }
  readonly errorMode: FilterConfig['error_mode']
  readonly path: PropertyKey[]
}

const NEWER = { traces: 'trace_conditions', metrics: 'metric_conditions', logs: 'log_conditions' } as const

/** In their order. */
export function groupsOf(config: FilterConfig, signal: Signal): Group[] {
  const key = NEWER[signal]
  const items = config[key]
  const plain = items.filter((item) => typeof item === 'string')
  if (plain.length > 0) return [{ source: { conditions: plain }, errorMode: config.error_mode, path: [key] }]
  const groups = items.flatMap((item, index): Group[] => {
    if (typeof item === 'string') return []
    const { conditions, context, error_mode: errorMode = config.error_mode } = item
    return [{ source: { conditions, context }, errorMode, path: [key, index, 'conditions'] }]
  })
  return groups.length > 0 ? groups : olderGroups(config, signal)
}

function olderGroups(config: FilterConfig, signal: Signal): Group[] {
  const lists = (config[signal] ?? {}) as Readonly<Record<string, readonly string[] | undefined>>
  return Object.entries(LISTS[signal]).flatMap(([key, context]: [string, ContextName]): Group[] => {
    const conditions = lists[key]
    if (conditions === undefined) return []
    return [{ source: { conditions, context }, errorMode: config.error_mode, path: [signal, key] }]
  })
}
