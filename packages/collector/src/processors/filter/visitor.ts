/** What is dropped, in the order of the bytes: of a resource all, else of a scope all, else items, and events or points of them. */
import type { DataPointView, EventView, ItemViews, Signal, Visitor } from '@spoor/otlp'
import type { Selection } from '../../processor-helper/index.ts'
import { depthOf, type Conditions, type ContextName, type FailureListener, type Item } from '../../ottl/index.ts'

/** Conditions of one context, and what hears of those that fail. */
export interface Test {
  readonly conditions: Conditions
  readonly failed: FailureListener
}

/** `item`: what conditions are shown. */
export function createVisitor<S extends Signal>(signal: S, tests: readonly Test[], item: Item): Visitor<S> {
  const matcher = (context: ContextName): (() => boolean) | undefined => {
    const all = tests.filter(({ conditions }) => conditions.context === context)
    if (all.length === 0) return undefined
    return () => {
      for (const { conditions, failed } of all) if (conditions.test(item, failed)) return true
      return false
    }
  }
  const isResource = matcher('resource')
  const isScope = matcher('scope')
  const hasItems = tests.some(({ conditions }) => depthOf(conditions.context) >= 2)
  return {
    dropsEmpty: true,
    resource(resource) {
      item.resource = resource
      if (isResource?.()) resource.drop()
    },
    ...((isScope ?? hasItems) && {
      scope(scope) {
        item.scope = scope
        if (isScope?.()) scope.drop()
      },
    }),
    ...(hasItems && { item: itemVisitor(signal, item, matcher) }),
  }
}

/** Drops the spans that are not selected. */
export function createSelector(selection: Selection<'traces'>): Visitor<'traces'> {
  return {
    dropsEmpty: true,
    resource: selection.resource,
    scope: selection.scope,
    item(span) {
      if (!selection.selects(span)) span.drop()
    },
  }
}

type Matcher = (context: ContextName) => (() => boolean) | undefined

function itemVisitor<S extends Signal>(signal: S, item: Item, matcher: Matcher): (view: ItemViews[S]) => void {
  const visitors: { readonly [K in Signal]: () => (view: ItemViews[K]) => void } = {
    traces() {
      const isSpan = matcher('span')
      const isEvent = matcher('spanevent')
      const visitEvent = (event: EventView): void => {
        item.event = event
        if (isEvent!()) event.drop()
      }
      return (span) => {
        item.span = span
        if (isSpan?.()) span.drop()
        else if (isEvent) span.forEachEvent(visitEvent)
      }
    },
    metrics() {
      const isMetric = matcher('metric')
      const isPoint = matcher('datapoint')
      const visitPoint = (point: DataPointView): void => {
        item.point = point
        if (isPoint!()) point.drop()
      }
      return (metric) => {
        item.metric = metric
        if (isMetric?.()) metric.drop()
        else if (isPoint && metric.type !== undefined) {
          metric.forEachPoint(visitPoint)
          if (metric.pointCount === 0) metric.drop()
        }
      }
    },
    logs() {
      const isLog = matcher('log')
      return (log) => {
        item.log = log
        if (isLog?.()) log.drop()
      }
    },
  }
  return visitors[signal]()
}
