/** By what the items of a list are sorted; the others stay in their order. */
const KEYS: Readonly<Record<string, (item: object) => string>> = {
  attributes: (item) => String((item as { readonly key?: unknown }).key),
  spans: (item) => String((item as { readonly spanId?: unknown }).spanId),
  resourceSpans: (item) => JSON.stringify(item),
}

/**
 * OTLP/JSON without what means the same as nothing, with attributes by their keys, spans by their ids and resources by all that is in them: for those whose order
 * nobody promises. Values stay as they are: an empty text is another than none.
 */
export function inOrder(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => inOrder(item))
    const keyOf = KEYS[name]
    return keyOf ? items.toSorted((a, b) => (keyOf(a as object) < keyOf(b as object) ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([key, inner]): [string, unknown] => [key, key === 'value' ? inner : inOrder(inner, key)])
    .filter(([key, inner]) => key === 'value' || !isNothing(inner))
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isNothing(value: unknown): boolean {
  return (
    value === '' || value === 0 || value === '0' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
  )
}
