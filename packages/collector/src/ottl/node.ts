import type {
  DataPointView,
  EventView,
  LogRecordView,
  MetricView,
  ResourceView,
  ScopeView,
  SpanView,
} from '@spoor/otlp'
import { EMPTY_CONTEXT, type DeliveryContext } from '../component/index.ts'
import { PlainMap } from './plain-map.ts'
import type { Value } from './value.ts'

/** What a statement looks at. One is used for all items; what its context does not have is not there. */
export class Item {
  resource!: ResourceView
  scope!: ScopeView
  span!: SpanView
  event!: EventView
  metric!: MetricView
  point!: DataPointView
  log!: LogRecordView
  /** What is known of the request that it came with. */
  delivery: DeliveryContext = EMPTY_CONTEXT
  /** Empty for each item, or shared between the groups of statements of one context. */
  cache = new PlainMap()
}

/** Part of a statement, compiled. */
export interface Node<T = Value> {
  /** Throws {@link EvaluationError}. */
  readonly get: (item: Item) => T
  /** Whether the value is that text, where that can be told without making one of it. */
  readonly isText?: (item: Item, text: string) => boolean
  /** Its value is known before there is an item. */
  readonly isLiteral?: boolean
}

/** For what is known before there is one. */
export const NO_ITEM = {} as Item

/** What is computed of parts: once, where all of them are known. */
export function folded<T>(parts: readonly Node<unknown>[], get: (item: Item) => T): Node<T> {
  return parts.every((part) => part.isLiteral) ? literal(get(NO_ITEM)) : { get }
}

export function literal<T>(value: T): Node<T> {
  return { get: () => value, isLiteral: true }
}

/** A path. */
export interface PathNode extends Node {
  /** Throws {@link EvaluationError}. Undefined: nothing happens. */
  readonly set: (item: Item, value: Value) => void
}
