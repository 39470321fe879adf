import type { Filter } from '../../../contract.ts'
import type { Turn } from '../turn.ts'
import { attributeCondition } from './attribute.ts'
import { allOf, anyOf, noneOf, type Condition } from './condition.ts'
import { fieldCondition } from './field.ts'
import { badQuery, matcherOf, type Leaf } from './matcher.ts'
import { wordCondition } from './word.ts'

const MAX_NODES = 1_000
const MAX_DEPTH = 64
export const LEVELS = new Set<string>(['any', 'span', 'resource', 'scope', 'event', 'link'])

/** Counts the nodes of a query, over all its filters. */
export class NodeCount {
  nodes = 0

  /** Throws StorageError `bad_query` when there are too many, or they are nested too deep. */
  enter(path: string, depth: number): void {
    if (++this.nodes > MAX_NODES || depth > MAX_DEPTH)
      throw badQuery(path, `more than ${MAX_NODES} conditions or ${MAX_DEPTH} levels; ask for less at once`)
  }
}

/** Throws StorageError `bad_query`, naming the place, for what is not a filter. What asking it costs is counted on `turn`. */
export function compileFilter(
  filter: Filter,
  turn: Turn,
  path = 'filter',
  count = new NodeCount(),
  depth = 0,
): Condition {
  count.enter(path, depth)
  switch (filter.op) {
    case 'and':
    case 'or': {
      if (!Array.isArray(filter.args)) throw badQuery(path, 'needs args, a list of filters')
      const args = filter.args.map((arg: Filter, i) => compileFilter(arg, turn, `${path}.args[${i}]`, count, depth + 1))
      return args.length === 1 ? args[0]! : filter.op === 'and' ? allOf(args) : anyOf(args)
    }
    case 'not':
      if (!filter.arg) throw badQuery(path, 'needs arg, a filter')
      return noneOf(compileFilter(filter.arg, turn, `${path}.arg`, count, depth + 1))
    case 'word':
      return wordCondition(filter.value, path, turn)
    default:
      return leaf(filter, path, turn)
  }
}

function leaf(node: Leaf, path: string, turn: Turn): Condition {
  const { target } = node
  if (!target || typeof target !== 'object') throw badQuery(path, 'needs a target: { field } or { attribute, level? }')
  const matcher = matcherOf(node, path, turn)
  if ('field' in target) return fieldCondition(node, target.field, matcher, path)
  if (typeof target.attribute !== 'string') throw badQuery(path, 'target.attribute is not a string')
  const level = target.level ?? 'any'
  if (!LEVELS.has(level)) throw badQuery(path, `target.level is ${level}; one of ${[...LEVELS].join(', ')}`)
  return attributeCondition(node, target, matcher, turn)
}
