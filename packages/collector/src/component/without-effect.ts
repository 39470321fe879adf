/** Keys that are read so that a configuration of the OpenTelemetry Collector is taken as it is, and that change nothing here: using one is told. */
import { z } from 'zod'

const REASON = 'withoutEffect'

/** A key that changes nothing, and why: `the connection is Node's`. */
export function withoutEffect<T extends z.ZodType>(schema: T, why: string): T {
  return schema.meta({ [REASON]: why, description: `Has no effect: ${why}.` })
}

interface KeyWithoutEffect {
  readonly path: (string | number)[]
  readonly why: string
}

/** The keys of an input that change nothing, each with the reason. `schema`: one that has taken the input. */
export function keysWithoutEffect(schema: unknown, input: unknown): KeyWithoutEffect[] {
  if (!(schema instanceof z.ZodType)) return []
  const why = reasonOf(schema)
  if (why !== undefined) return [{ path: [], why }]
  if (Array.isArray(input)) {
    const element = elementOf(schema)
    return input.flatMap((item, index) => at(index, keysWithoutEffect(element, item)))
  }
  const object = objectOf(schema)
  if (!object || typeof input !== 'object' || input === null) return []
  return Object.entries(input).flatMap(([key, value]) =>
    value === null ? [] : at(key, keysWithoutEffect(object.shape[key], value)),
  )
}

function at(key: string | number, found: readonly KeyWithoutEffect[]): KeyWithoutEffect[] {
  return found.map(({ path, why }) => ({ path: [key, ...path], why }))
}

/** What a list is of; undefined for what is no list. */
function elementOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodArray) return schema.element
  if (schema instanceof z.ZodPipe) return elementOf(schema.out as z.ZodType) ?? elementOf(schema.in as z.ZodType)
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return elementOf(schema.unwrap() as z.ZodType)
  return undefined
}

function reasonOf(schema: z.ZodType): string | undefined {
  const why = schema.meta()?.[REASON]
  return typeof why === 'string' ? why : undefined
}

/** The mapping that is behind defaults, behind what is done to input and output, or one of several forms. */
function objectOf(schema: z.ZodType): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema
  if (schema instanceof z.ZodPipe) return objectOf(schema.out as z.ZodType) ?? objectOf(schema.in as z.ZodType)
  if (schema instanceof z.ZodUnion) {
    for (const option of schema.options) {
      const object = objectOf(option as z.ZodType)
      if (object) return object
    }
  }
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return objectOf(schema.unwrap() as z.ZodType)
  return undefined
}
