import { nearest } from '@spoor/collector'
import type { Filter, SpanSet } from '@spoor/storage'
import type { Suggestion } from '../api.ts'
import { formatQuery } from '../query/index.ts'
import type { Limits, StoreQueries } from './store-queries.ts'

/** Attribute keys that a name is compared with. */
const MAX_KEYS = 10_000

interface Named {
  readonly kind: Suggestion['kind']
  readonly name: string
}

/**
 * Names in a query that nobody has sent, each with the one that is nearest to it. It is asked where a search found nothing: most often for a slip of the
 * finger.
 */
export async function suggestionsFor(set: SpanSet, store: StoreQueries, limits: Limits): Promise<Suggestion[]> {
  const lists: Readonly<Record<Suggestion['kind'], () => Promise<readonly string[]>>> = {
    service: () => store.services(limits),
    operation: async () => (await store.operations(undefined, limits)).map(({ name }) => name),
    attribute: () => store.attributeKeys(MAX_KEYS, limits),
  }
  const suggestions: Suggestion[] = []
  const named = namesIn(set)
  for (const kind of ['service', 'operation', 'attribute'] as const) {
    const names = new Set(named.filter((each) => each.kind === kind).map(({ name }) => name))
    if (names.size === 0) continue
    const known = await lists[kind]()
    for (const name of names) {
      const instead = known.includes(name) ? undefined : nearest(name, known)
      const q = instead === undefined ? undefined : formatQuery(renamed(set, { kind, name }, instead))
      if (instead !== undefined && q !== undefined) suggestions.push({ kind, name, instead, q })
    }
  }
  return suggestions
}

/** The names that a set needs to be somebody's, as far as it has them as they are. */
function namesIn(set: SpanSet): Named[] {
  const names: Named[] = []
  renameIn(set, (named) => {
    names.push(named)
    return named.name
  })
  return names
}

function renamed(set: SpanSet, { kind, name }: Named, instead: string): SpanSet {
  return renameIn(set, (named) => (named.kind === kind && named.name === name ? instead : named.name))
}

type Rename = (named: Named) => string

function renameIn(set: SpanSet, rename: Rename): SpanSet {
  const inner = (arg: SpanSet): SpanSet => renameIn(arg, rename)
  switch (set.op) {
    case 'spans':
      return set.filter ? { ...set, filter: renameFilter(set.filter, rename) } : set
    case 'and':
    case 'or':
      return { ...set, args: set.args.map(inner) }
    case 'related':
      return { ...set, left: inner(set.left), right: inner(set.right) }
    case 'having':
      return { ...set, arg: inner(set.arg) }
    case 'without':
      return { ...set, arg: inner(set.arg), ...(set.among && { among: inner(set.among) }) }
    default: {
      const { value, among, field } = set
      const kind = field === 'rootService' ? 'service' : field === 'rootName' ? 'operation' : undefined
      const own = kind && typeof value === 'string' ? rename({ kind, name: value }) : value
      return { ...set, value: own, ...(among && { among: inner(among) }) }
    }
  }
}

function renameFilter(filter: Filter, rename: Rename): Filter {
  switch (filter.op) {
    case 'and':
    case 'or':
      return { ...filter, args: filter.args.map((arg) => renameFilter(arg, rename)) }
    case 'not':
      return { ...filter, arg: renameFilter(filter.arg, rename) }
    case 'word':
      return filter
    default: {
      const { target } = filter
      if ('attribute' in target)
        return { ...filter, target: { ...target, attribute: rename({ kind: 'attribute', name: target.attribute }) } }
      const kind = target.field === 'service' ? 'service' : target.field === 'name' ? 'operation' : undefined
      if (!kind) return filter
      const renameValue = <T>(value: T): T | string =>
        typeof value === 'string' ? rename({ kind, name: value }) : value
      if (filter.op === 'eq' || filter.op === 'ne') return { ...filter, value: renameValue(filter.value) }
      return filter.op === 'in' ? { ...filter, values: filter.values.map(renameValue) } : filter
    }
  }
}
