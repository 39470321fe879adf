/** The config of the `routing` connector; keys as in the OpenTelemetry Collector's routingconnector, the default of `error_mode` as from 0.150 on. */
import type { Signal } from '@spoor/otlp'
import { z } from 'zod'
import { section, stringList, wordKey } from '../../component/index.ts'
import {
  compileChooser,
  CONTEXTS,
  defaultErrorModeKey,
  problemIssues,
  type ChooserSource,
  type ContextName,
} from '../../ottl/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { parseRequestCondition } from './request-condition.ts'

/** What a route can be about, besides the request: what its items have no route for (scopes, events) is seen from within. */
const ROUTED = ['resource', 'span', 'metric', 'datapoint', 'log'] as const satisfies readonly ContextName[]

const pipelines = stringList

const route = section({
  context: wordKey('context', ['request', 'otelcol', ...ROUTED])
    .optional()
    .describe(
      'What is chosen: `resource`, `span`, `metric`, `datapoint` or `log`, each by itself, or all of a batch by the request that it came with: `otelcol`, with paths like `otelcol.client.metadata["x-tenant"][0]`, or the older `request`. Default: as the paths of the condition say; a path that does not say whose it is is the resource’s.',
    ),
  condition: z
    .string()
    .default('')
    .describe(
      'An [OTTL](../ottl.md) condition. Of the context `request`: `request["header"] == "value"`, or `!=`, where the receiver has `include_metadata`.',
    ),
  statement: z
    .string()
    .default('')
    .describe(
      'Instead of a condition: `route() where CONDITION`. With `delete_key(…)` or `delete_matching_keys(…)` in place of `route()` what is chosen loses attributes.',
    ),
  action: wordKey('action', ['move', 'copy'])
    .default('move')
    .describe('`move`: the routes behind it do not get what it has chosen. `copy`: they are asked, too.'),
  pipelines: pipelines.default([]).describe('Where it goes: ids of pipelines that have the connector as a receiver.'),
})

export const routingConfig = section({
  table: z
    .array(route)
    .default([])
    .describe('Routes, which are asked in their order. One that is there a second time has no effect.'),
  default_pipelines: pipelines
    .default([])
    .describe('Where all that no route has moved goes. Default: it is dropped, and counted.'),
  error_mode: defaultErrorModeKey('condition'),
}).superRefine((config, context) => {
  const fail = (message: string, ...path: PropertyKey[]): void => context.addIssue({ code: 'custom', message, path })
  if (config.table.length === 0) fail('the routing table is empty; write at least one route', 'table')
  const signal = signalOf(config)
  for (const { pipelines: names, path } of routesOf(config)) {
    for (const [index, name] of names.entries()) {
      const other = name.split('/')[0]!
      if (!SIGNALS.some((each) => each === other))
        fail(`"${name}": not a pipeline id; write signal/name, like traces/a`, ...path, index)
      else if (other !== signal)
        fail(
          `"${name}" is of another signal than those before it (${signal}); write a connector for each`,
          ...path,
          index,
        )
    }
  }
  for (const [index, item] of config.table.entries()) {
    const here = ['table', index]
    const { statement, condition } = item
    if (item.pipelines.length === 0) fail('no pipelines defined; name at least one', ...here, 'pipelines')
    if ((statement === '') === (condition === '')) {
      fail(
        `${statement === '' ? 'no condition or statement' : 'both condition and statement'}; write one of them`,
        ...here,
      )
    } else if (item.context === 'request') {
      if (condition === '') fail('the context request has no statements; write a condition', ...here, 'statement')
      else if (!parseRequestCondition(condition))
        fail('expected request["name"] == "value", or != between them', ...here, 'condition')
    } else if (signal) {
      const known = contextsOf(signal)
      const { context: about } = item
      if (about !== undefined && about !== 'otelcol' && !known.some((each) => each === about)) {
        fail(`there is no ${about} in ${signal}; known: request, otelcol, ${known.join(', ')}`, ...here, 'context')
        continue
      }
      const { problems } = compileRoute(item, signal)
      for (const issue of problemIssues(problems ?? [], ({ part }) => [...here, part.slice(0, -1)]))
        context.addIssue(issue)
    }
  }
})

export type RoutingConfig = z.infer<typeof routingConfig>
export type RouteConfig = RoutingConfig['table'][number]

/** The table's, and behind them that of the rest, where there is one. */
export function routesOf(config: RoutingConfig): { pipelines: readonly string[]; path: PropertyKey[] }[] {
  const rest = config.default_pipelines
  return [
    ...config.table.map(({ pipelines: names }, index) => ({ pipelines: names, path: ['table', index, 'pipelines'] })),
    ...(rest.length > 0 ? [{ pipelines: rest, path: ['default_pipelines'] }] : []),
  ]
}

/** That of its pipelines. */
export function signalOf(config: RoutingConfig): Signal | undefined {
  const first = routesOf(config)
    .flatMap(({ pipelines: names }) => names)[0]
    ?.split('/')[0]
  return SIGNALS.find((signal) => signal === first)
}

function contextsOf(signal: Signal): readonly ContextName[] {
  return ROUTED.filter((each) => CONTEXTS[signal].includes(each))
}

export function compileRoute({ statement, condition, context }: RouteConfig, signal: Signal) {
  const source: ChooserSource = {
    ...(statement === '' ? { condition } : { statement }),
    ...(context !== 'request' && { context }),
  }
  return compileChooser(source, contextsOf(signal))
}
