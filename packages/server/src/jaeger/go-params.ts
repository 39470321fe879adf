import { first, normalizeTraceId, type Query, RequestError } from '../api/params.ts'

/** A parameter as Go's ParseBool reads it; false when it is absent. */
export function booleanParam(query: Query, name: string): boolean {
  const value = first(query, name)
  const is = value === undefined ? false : parseBool(value)
  if (is !== undefined) return is
  throw new RequestError(
    400,
    'bad_parameter',
    `unable to parse param '${name}': strconv.ParseBool: parsing "${value}": invalid syntax`,
  )
}

export function parseBool(text: string): boolean | undefined {
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false
  return /^(1|t|T|true|TRUE|True)$/.test(text) ? true : undefined
}

/** Hex of up to 32 digits, or base64 (standard or URL, padded or not) of 16 bytes: as 32 lower-case digits. Undefined when it is none. */
export function readTraceId(text: string): string | undefined {
  const hex = normalizeTraceId(text)
  if (hex !== undefined) return hex
  return /^[A-Za-z0-9+/_-]{22}(==)?$/.test(text) ? Buffer.from(text, 'base64').toString('hex') : undefined
}
