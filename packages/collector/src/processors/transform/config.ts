/** The config of the `transform` processor; keys and defaults as in the OpenTelemetry Collector's transformprocessor. */
import type { Signal } from '@spoor/otlp'
import { z } from 'zod'
import { section } from '../../component/index.ts'
import {
  compileStatements,
  contextKey,
  CONTEXTS,
  defaultErrorModeKey,
  errorModeKey,
  problemIssues,
  type ContextName,
} from '../../ottl/index.ts'

const EXAMPLES = {
  traces: 'set(span.attributes["environment"], "production") where span.kind == SPAN_KIND_SERVER',
  metrics: 'delete_key(datapoint.attributes, "host.id")',
  logs: 'merge_maps(log.attributes, ParseJSON(log.body.string), "upsert") where IsMatch(log.body.string, "^{")',
}

function statementsKey(signal: Signal) {
  const group = section({
    context: contextKey(CONTEXTS[signal]).optional(),
    statements: z.array(z.string()).default([]),
    conditions: z.array(z.string()).default([]),
    error_mode: errorModeKey.optional(),
    shared_cache: z.boolean().default(false),
  })
  return z
    .array(z.union([z.string(), group]), { error: 'expected a list of statements' })
    .default([])
    .superRefine((items, context) => {
      const first = items.findIndex((item) => typeof item === 'string')
      const second = items.findIndex((item, index) => first >= 0 && index > first && typeof item !== 'string')
      const message = 'either statements or mappings with statements, not both in one list'
      if (second >= 0) context.addIssue({ code: 'custom', message, path: [second] })
    })
    .describe(
      `In their order. A statement, as \`${EXAMPLES[signal]}\` ([what they can be](../ottl.md)), whose paths say what it is about (${CONTEXTS[signal].join(', ')}); or a mapping of \`statements\` with \`context\`, \`conditions\`, any of which must be true, \`error_mode\`, and \`shared_cache\`, which keeps \`cache\` from item to item.`,
    )
}

export const transformConfig = section({
  error_mode: defaultErrorModeKey('statement'),
  trace_statements: statementsKey('traces'),
  metric_statements: statementsKey('metrics'),
  log_statements: statementsKey('logs'),
  flatten_data: z
    .literal(false, { error: 'flatten_data is not supported; in otelcol it is behind a feature gate' })
    .default(false)
    .describe('Must be false.'),
}).superRefine((config, context) => {
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    for (const { source, pathOf } of groupsOf(config, signal)) {
      const { problems } = compileStatements(source, CONTEXTS[signal])
      for (const issue of problemIssues(problems ?? [], ({ part, index }) => pathOf(part, index)))
        context.addIssue(issue)
    }
  }
})

export type TransformConfig = z.infer<typeof transformConfig>

/** Statements that are for one another, and where they are written. */
export interface Group {
  readonly source: {
    readonly statements: readonly string[]
    readonly conditions: readonly string[]
    readonly context?: ContextName | undefined
  }
  readonly errorMode: TransformConfig['error_mode']
  readonly sharesCache: boolean
  readonly pathOf: (part: 'statements' | 'conditions', index: number) => PropertyKey[]
}

const KEYS = { traces: 'trace_statements', metrics: 'metric_statements', logs: 'log_statements' } as const

export function groupsOf(config: TransformConfig, signal: Signal): Group[] {
  const key = KEYS[signal]
  const items = config[key]
  const groups = items.flatMap((item, index): Group[] => {
    if (typeof item === 'string') return []
    const { statements, conditions, context, error_mode: errorMode = config.error_mode } = item
    return [
      {
        source: { statements, conditions, context },
        errorMode,
        sharesCache: item.shared_cache,
        pathOf: (part, at) => (item[part].length === 0 ? [key, index] : [key, index, part, at]),
      },
    ]
  })
  const plain = items.filter((item) => typeof item === 'string')
  if (plain.length === 0) return groups
  const offset = items.length - plain.length
  return [
    ...groups,
    {
      source: { statements: plain, conditions: [] },
      errorMode: config.error_mode,
      sharesCache: false,
      pathOf: (_, at) => [key, offset + at],
    },
  ]
}
