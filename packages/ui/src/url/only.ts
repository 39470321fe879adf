type Raw = Readonly<Record<string, unknown>>

/**
 * What `read` makes of the address, and nothing else of it: the router would put what `read` has left out, as it cannot be read, beside what it has made.
 */
export function only<T extends object>(read: (raw: Raw) => T): (raw: Raw) => T {
  return (raw) => ({ ...Object.fromEntries(Object.keys(raw).map((key) => [key, undefined])), ...read(raw) })
}

/** A time span back from now, as the API takes it for `from`, too: `6h`. */
export function timeSpan(value: unknown): string | undefined {
  return typeof value === 'string' && /^\d+(\.\d+)?[smhdw]$/.test(value) ? value : undefined
}
