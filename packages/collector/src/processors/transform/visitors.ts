/**
 * The order in which groups of statements run: one group over all that is in a batch, then the next. Groups that cannot see of each other whether
 * they did are run in one pass, which decodes once what several of them look at.
 */
import type { DataPointView, EventView, ItemViews, Signal, Visitor } from '@spoor/otlp'
import {
  depthOf,
  PlainMap,
  type ContextName,
  type FailureListener,
  type Item,
  type Statements,
} from '../../ottl/index.ts'

export interface Group {
  readonly statements: Statements
  readonly failed: FailureListener
  readonly sharesCache: boolean
}

/** Groups by the pass that they run in, in order. A pass goes inwards, and what changes something further out has one of its own. */
function passesOf(groups: readonly Group[]): Group[][] {
  const passes: Group[][] = []
  let depth = Infinity
  let isAlone = true
  for (const group of groups) {
    const { context, changesAbove } = group.statements
    const isOwn = changesAbove || group.sharesCache
    if (isAlone || isOwn || depthOf(context) < depth) passes.push([])
    passes.at(-1)!.push(group)
    depth = depthOf(context)
    isAlone = isOwn
  }
  return passes
}

/** `item`: what statements are shown. */
export function createVisitors<S extends Signal>(signal: S, groups: readonly Group[], item: Item): Visitor<S>[] {
  const shared = new Map<ContextName, PlainMap>()
  for (const { statements, sharesCache } of groups) if (sharesCache) shared.set(statements.context, new PlainMap())
  return passesOf(groups).map((pass) => createVisitor(signal, pass, shared, item))
}

function createVisitor<S extends Signal>(
  signal: S,
  groups: readonly Group[],
  shared: ReadonlyMap<ContextName, PlainMap>,
  item: Item,
): Visitor<S> {
  const runner = (context: ContextName): (() => void) | undefined => {
    const all = groups.filter(({ statements }) => statements.context === context)
    if (all.length === 0) return undefined
    return () => {
      for (const { statements, failed, sharesCache } of all) {
        if (sharesCache) item.cache = shared.get(context)!
        else if (item.cache.size > 0) item.cache = new PlainMap()
        statements.run(item, failed)
      }
    }
  }
  const runResource = runner('resource')
  const runScope = runner('scope')
  const hasItems = groups.some(({ statements }) => depthOf(statements.context) >= 2)
  return {
    resource(resource) {
      item.resource = resource
      runResource?.()
    },
    ...((runScope ?? hasItems) && {
      scope(scope) {
        item.scope = scope
        runScope?.()
      },
    }),
    ...(hasItems && { item: itemVisitor(signal, item, runner) }),
  }
}

type Runner = (context: ContextName) => (() => void) | undefined

function itemVisitor<S extends Signal>(signal: S, item: Item, runner: Runner): (view: ItemViews[S]) => void {
  const visitors: { readonly [K in Signal]: () => (view: ItemViews[K]) => void } = {
    traces() {
      const runSpan = runner('span')
      const runEvent = runner('spanevent')
      const visitEvent = (event: EventView): void => {
        item.event = event
        runEvent!()
      }
      return (span) => {
        item.span = span
        runSpan?.()
        if (runEvent) span.forEachEvent(visitEvent)
      }
    },
    metrics() {
      const runMetric = runner('metric')
      const runPoint = runner('datapoint')
      const visitPoint = (point: DataPointView): void => {
        item.point = point
        runPoint!()
      }
      return (metric) => {
        item.metric = metric
        runMetric?.()
        if (runPoint) metric.forEachPoint(visitPoint)
      }
    },
    logs() {
      const runLog = runner('log')
      return (log) => {
        item.log = log
        runLog?.()
      }
    },
  }
  return visitors[signal]()
}
