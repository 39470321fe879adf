/** Keys whose value may be of any type, and is taken as it was written: the value of an attribute. */
import { z } from 'zod'

const ANY = 'anyValue'

/** A number that was written as one that may have a fraction, and has none: `1.0`. What YAML reads tells it from 1 no more. */
export class Double {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A key with a value of any type; a number in it, at whatever depth, may be a {@link Double}. */
export const anyValue = z
  .unknown()
  .optional()
  .meta({ [ANY]: true })

/** The paths of all such values in an input. */
export function anyValuesIn(schema: unknown, input: unknown): (string | number)[][] {
  if (!(schema instanceof z.ZodType) || input === undefined || input === null) return []
  if (schema.meta()?.[ANY] === true) return [[]]
  if (schema instanceof z.ZodPipe) return anyValuesIn(schema.out, input)
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return anyValuesIn(schema.unwrap(), input)
  if (schema instanceof z.ZodArray && Array.isArray(input))
    return input.flatMap((item: unknown, i) => anyValuesIn(schema.element, item).map((path) => [i, ...path]))
  if (schema instanceof z.ZodObject && typeof input === 'object')
    return Object.entries(input).flatMap(([key, item]) =>
      anyValuesIn((schema.shape as Record<string, unknown>)[key], item).map((path) => [key, ...path]),
    )
  return []
}
