/** Plain values of configurations: what they are, and several as one. */

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Not a plain assignment, which would set the prototype for the key `__proto__`. */
export function setKey(output: Record<string, unknown>, key: string, value: unknown): Record<string, unknown> {
  return Object.defineProperty(output, key, { value, enumerable: true, configurable: true, writable: true })
}

/**
 * The later over the earlier, as the OpenTelemetry Collector merges its configurations: mappings key by key at every level; scalars and
 * lists are replaced; a key without a value (`processors:`) replaces what was there, a whole section too.
 */
export function mergeValues(earlier: unknown, later: unknown): unknown {
  if (!isMapping(earlier) || !isMapping(later)) return later
  const output: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(earlier)) setKey(output, key, value)
  for (const [key, value] of Object.entries(later)) {
    setKey(output, key, Object.hasOwn(output, key) ? mergeValues(output[key], value) : value)
  }
  return output
}
