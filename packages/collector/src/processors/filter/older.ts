/** `logs.include`, `metrics.include` and the like: the oldest form, in which properties of records and metrics are asked for. */
import type { ResourceView, Visitor } from '@spoor/otlp'
import { z } from 'zod'
import { section, type SchemaIssue } from '../../component/index.ts'
import {
  compileResourceTest,
  compileSelection,
  matchParts,
  matchProblems,
  matchPropertiesOf,
  type MatchProperties,
} from '../../processor-helper/index.ts'

const SIDES = ['include', 'exclude'] as const

/** By their short names, each with three finer ones: `WARN`, `WARN2`, … */
const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) =>
  [1, 2, 3, 4].map((fineness) => (fineness === 1 ? name : `${name}${fineness}`)),
)

/** 0: any that there is. */
function severityNumber(text: string): number | undefined {
  if (text === '') return 0
  if (/^\d{1,2}$/.test(text)) return Number(text) >= 1 && Number(text) <= 24 ? Number(text) : undefined
  const index = SEVERITIES.indexOf(text.toUpperCase())
  return index < 0 ? undefined : index + 1
}

const severity = z
  .string()
  .default('')
  .superRefine((text, context) => {
    if (severityNumber(text) !== undefined) return
    const message = `no severity; known: ${SEVERITIES.filter((name) => !/\d/.test(name)).join(', ')}, each also with 2, 3 or 4, and 1 to 24`
    context.addIssue({ code: 'custom', message })
  })
  .describe('The lowest that matches, as `INFO`.')

const logProperties = section({
  match_type: matchParts.match_type,
  resource_attributes: matchParts.attributes.describe("All must be among the resource's."),
  record_attributes: matchParts.attributes.describe("All must be among the record's."),
  severity_texts: matchParts.texts,
  severity_number: section({
    min: severity,
    match_undefined: z.boolean().default(false).describe('Whether a record without a severity matches.'),
  }).optional(),
  bodies: matchParts.texts,
})

const metricProperties = section({
  match_type: z
    .enum(['strict', 'regexp'], {
      error: 'expected strict or regexp; in place of expressions (expr) write metric_conditions',
    })
    .optional()
    .describe('As of spans. `expr` is not supported.'),
  regexp: matchParts.regexp,
  metric_names: matchParts.texts,
  resource_attributes: matchParts.attributes.describe(
    "All must be among the resource's. Beside `metric_names`, `exclude` drops what matches either.",
  ),
  expressions: z
    .never({ error: 'expressions are not supported; write metric_conditions' })
    .optional()
    .describe('Not supported; see `metric_conditions`.'),
})

export const olderLogKeys = {
  include: logProperties.optional().describe('What does not match all of this is dropped.'),
  exclude: logProperties.optional().describe('What matches all of this is dropped.'),
}

export const olderMetricKeys = {
  regexp: matchParts.regexp,
  include: metricProperties.optional().describe('What does not match all of this is dropped.'),
  exclude: metricProperties.optional().describe('What matches this is dropped.'),
}

interface OlderLogs {
  readonly include?: z.infer<typeof logProperties> | undefined
  readonly exclude?: z.infer<typeof logProperties> | undefined
}

interface OlderMetrics {
  readonly include?: z.infer<typeof metricProperties> | undefined
  readonly exclude?: z.infer<typeof metricProperties> | undefined
}

/** What the properties of records are called here, by their names elsewhere. */
const NAMES: Readonly<Record<string, string>> = {
  resources: 'resource_attributes',
  attributes: 'record_attributes',
  log_severity_texts: 'severity_texts',
  log_severity_number: 'severity_number',
  log_bodies: 'bodies',
}

function renamed({ path, ...issue }: SchemaIssue): SchemaIssue {
  return { ...issue, path: path.map((key) => (typeof key === 'string' ? (NAMES[key] ?? key) : key)) }
}

/** Undefined where nothing is asked: then it is as if it were not there. */
function logMatch(properties: OlderLogs['include']): MatchProperties | undefined {
  if (!properties) return undefined
  const { severity_number: number, bodies, severity_texts: texts } = properties
  const { record_attributes: attributes, resource_attributes: resources } = properties
  if (!number && [bodies, texts, attributes, resources].every(({ length }) => length === 0)) return undefined
  return matchPropertiesOf({
    match_type: properties.match_type,
    log_bodies: bodies,
    log_severity_texts: texts,
    log_severity_number: number && {
      min: severityNumber(number.min) ?? 0,
      match_undefined: number.match_undefined,
    },
    attributes,
    resources,
  })
}

export function olderLogProblems({ include, exclude }: OlderLogs): SchemaIssue[] {
  return matchProblems({ include: logMatch(include), exclude: logMatch(exclude) }, 'logs').map(renamed)
}

/** Undefined where nothing is dropped. */
export function createLogSelector({ include, exclude }: OlderLogs): Visitor<'logs'> | undefined {
  const selection = compileSelection({ include: logMatch(include), exclude: logMatch(exclude) }, 'logs')
  return (
    selection && {
      dropsEmpty: true,
      resource: selection.resource,
      scope: selection.scope,
      item(record) {
        if (!selection.selects(record)) record.drop()
      },
    }
  )
}

function namesOf(properties: OlderMetrics['include']): MatchProperties | undefined {
  if (!properties || properties.metric_names.length === 0) return undefined
  return matchPropertiesOf({ match_type: properties.match_type, metric_names: properties.metric_names })
}

function resourcesOf(properties: OlderMetrics['include']): MatchProperties | undefined {
  if (!properties || properties.resource_attributes.length === 0) return undefined
  return matchPropertiesOf({ match_type: properties.match_type, resources: properties.resource_attributes })
}

export function olderMetricProblems(config: OlderMetrics): SchemaIssue[] {
  return SIDES.flatMap((side) => [
    ...matchProblems({ [side]: namesOf(config[side]) }, 'metrics'),
    // Nothing is compared of the resources of metrics elsewhere, so that what is wrong there counts only here.
    ...matchProblems({ [side]: resourcesOf(config[side]) }, 'traces').map(renamed),
  ])
}

/** Undefined where nothing is dropped. */
export function createMetricSelector({ include, exclude }: OlderMetrics): Visitor<'metrics'> | undefined {
  const names = compileSelection({ include: namesOf(include), exclude: namesOf(exclude) }, 'metrics')
  const [included, excluded] = [include, exclude].map((side): ((resource: ResourceView) => boolean) | undefined => {
    const properties = resourcesOf(side)
    return properties && compileResourceTest(properties)
  })
  if (!names && !included && !excluded) return undefined
  return {
    dropsEmpty: true,
    resource(resource) {
      names?.resource(resource)
      if ((included && !included(resource)) || excluded?.(resource)) resource.drop()
    },
    ...(names && {
      scope: names.scope,
      item(metric) {
        if (!names.selects(metric)) metric.drop()
      },
    }),
  }
}
