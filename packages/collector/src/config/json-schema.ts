/**
 * The schemas of the components as JSON Schema (draft 2020-12): for editors, and for the reference that people read. A schema is read by its
 * result, which knows what is optional; durations, which become numbers there, are texts again.
 */
import { z } from 'zod'
import { durationMs, type Factory, type Kind } from '../component/index.ts'
import { telemetryConfig } from '../telemetry/index.ts'

export interface JsonSchema {
  type?: string | string[]
  description?: string
  default?: unknown
  enum?: unknown[]
  properties?: Record<string, JsonSchema>
  patternProperties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  propertyNames?: JsonSchema
  items?: JsonSchema
  minItems?: number
  minimum?: number
  maximum?: number
  maxItems?: number
  pattern?: string
  anyOf?: JsonSchema[]
  $schema?: string
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const DURATION: JsonSchema = {
  type: ['string', 'integer'],
  pattern: '^(0|([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+|\\$\\{.*)',
}
/** A value of any kind may come from the environment or a file. */
const REFERENCE: JsonSchema = { type: 'string', pattern: '\\$\\{' }
/** Schemas that say no more than what a whole number can be. */
const MAX_INTEGER = Number.MAX_SAFE_INTEGER

/** The schema of one component's section; undefined where it is no zod schema, as of a component without settings. */
export function componentSchema({ config }: Pick<Factory, 'config'>): JsonSchema | undefined {
  if (!(config instanceof z.ZodType)) return undefined
  const { $schema: _, ...schema } = z.toJSONSchema(config, {
    io: 'output',
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => complete(zodSchema as unknown as z.ZodType, jsonSchema as JsonSchema),
  }) as JsonSchema
  return schema
}

/** What zod's own translation leaves open. */
function complete(schema: z.ZodType, json: JsonSchema): void {
  const { def } = schema
  if ((schema as unknown) === durationMs) Object.assign(json, DURATION)
  // Prefaults are written as they would be in the YAML; that of a section says no more than its keys.
  if (isPrefault(def) && typeof def.defaultValue !== 'object') json.default = def.defaultValue
  if (schema instanceof z.ZodObject) {
    const required = Object.entries(schema.shape).filter(([, inner]) => isRequired(inner as z.ZodType))
    if (required.length > 0) json.required = required.map(([key]) => key)
    else delete json.required
  }
  if (json.maximum === MAX_INTEGER) delete json.maximum
}

function isPrefault(def: object): def is { type: 'prefault'; defaultValue: unknown } {
  return (def as { type?: unknown }).type === 'prefault'
}

function isRequired(schema: z.ZodType): boolean {
  return !['default', 'prefault', 'optional', 'unknown'].includes(schema.def.type)
}

const SECTIONS: readonly (readonly [string, Kind])[] = [
  ['receivers', 'receiver'],
  ['processors', 'processor'],
  ['exporters', 'exporter'],
  ['connectors', 'connector'],
  ['extensions', 'extension'],
]

/** The schema of a whole configuration, which lets any value be a reference, and a section be empty. */
export function configSchema(factories: readonly Factory[]): JsonSchema {
  const ids: JsonSchema = { type: 'array', items: { type: 'string' } }
  const pipeline: JsonSchema = {
    type: 'object',
    additionalProperties: false,
    properties: { receivers: ids, processors: ids, exporters: ids },
    required: ['receivers', 'exporters'],
  }
  const properties: Record<string, JsonSchema> = {}
  for (const [name, kind] of SECTIONS) {
    const patternProperties: Record<string, JsonSchema> = {}
    for (const factory of factories.filter((one) => one.kind === kind)) {
      const names = [factory.type, ...(factory.aliases ?? [])].join('|')
      patternProperties[`^(${names})(/.+)?$`] = lenient(componentSchema(factory) ?? { type: 'object' })
    }
    properties[name] = { type: ['object', 'null'], additionalProperties: false, patternProperties }
  }
  properties['service'] = lenient({
    type: 'object',
    additionalProperties: false,
    properties: {
      extensions: ids,
      telemetry: componentSchema({ config: telemetryConfig })!,
      pipelines: {
        type: 'object',
        additionalProperties: false,
        patternProperties: { '^(traces|metrics|logs)(/.+)?$': pipeline },
      },
    },
    required: ['pipelines'],
  })
  return { $schema: DIALECT, type: 'object', additionalProperties: false, properties }
}

function lenient(schema: JsonSchema): JsonSchema {
  const copy = { ...schema }
  for (const key of ['properties', 'patternProperties'] as const) {
    const inner = copy[key]
    if (inner) copy[key] = Object.fromEntries(Object.entries(inner).map(([name, each]) => [name, lenient(each)]))
  }
  if (copy.type === 'object') return { ...copy, type: ['object', 'null'] }
  if (copy.type === 'string' && !copy.enum) return copy
  const { description, default: usual, ...rest } = copy
  if (Object.keys(rest).length === 0) return copy
  const about = { ...(description !== undefined && { description }), ...(usual !== undefined && { default: usual }) }
  return { ...about, anyOf: [rest, { type: 'null' }, REFERENCE] }
}
