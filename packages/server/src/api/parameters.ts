import { didYouMean } from '@spoor/collector'
import {
  choiceParam,
  countParam,
  durationParam,
  first,
  type Query,
  RequestError,
  required,
  timeParam,
} from './params.ts'

/** A parameter of Spoor's own API: what the OpenAPI document says of it, and how it is read. */
export interface Parameter<T = unknown> {
  readonly name: string
  readonly description: string
  /** JSON Schema, as OpenAPI 3.1 has it. */
  readonly schema: object
  readonly required?: boolean
  /** Throws RequestError `bad_parameter` where it cannot be read. */
  readonly of: (query: Query) => T
}

/** A whole number from `least` to `most`; `fallback` where there is none. */
export function count(
  name: string,
  [least, most]: readonly [number, number],
  fallback: number,
  description: string,
): Parameter<number> {
  const schema = { type: 'integer', minimum: least, maximum: most, default: fallback }
  return { name, description, schema, of: (query) => countParam(query, name, fallback, least, most) }
}

/** The same without a fallback. */
export function optionalCount(
  name: string,
  [least, most]: readonly [number, number],
  description: string,
): Parameter<number | undefined> {
  const of = (query: Query): number | undefined =>
    first(query, name) === undefined ? undefined : countParam(query, name, least, least, most)
  return { name, description, schema: { type: 'integer', minimum: least, maximum: most }, of }
}

export function choice<T extends string>(
  name: string,
  choices: readonly T[],
  description: string,
): Parameter<T | undefined> {
  const schema = { type: 'string', enum: choices }
  return { name, description, schema, of: (query) => choiceParam(query, name, choices) }
}

export function text(name: string, description: string): Parameter<string | undefined> {
  return { name, description, schema: { type: 'string' }, of: (query) => first(query, name) }
}

export function requiredText(name: string, description: string): Parameter<string> {
  return { ...text(name, description), required: true, of: (query) => required(query, name) }
}

const TIME = 'Nanoseconds since 1970, or a time span back from now, as `1h` or `2d`.'

/** Read with the time that it is for the whole request. */
export function time(name: string, description: string): Parameter<(now: bigint) => bigint | undefined> {
  const schema = { type: 'string', examples: ['1h', '1790000000000000000'] }
  const of = (query: Query) => (now: bigint) => timeParam(query, name, now)
  return { name, description: `${description} ${TIME}`, schema, of }
}

/** Nanoseconds. */
export function duration(name: string, description: string): Parameter<number | undefined> {
  const schema = { type: 'string', examples: ['200ms', '1.5s'] }
  return { name, description, schema, of: (query) => durationParam(query, name) }
}

/** A parameter that nobody reads is a mistake, which would be answered as if it were not there. */
export function refuseUnknown(query: Query, known: readonly Parameter[], path: string): void {
  const names = known.map(({ name }) => name)
  for (const name of Object.keys(query)) {
    if (names.includes(name)) continue
    const taken = names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`
    throw new RequestError(
      400,
      'bad_parameter',
      `${path} has no parameter "${name}"${didYouMean(name, names) || `; ${taken}`}`,
    )
  }
}
