import type { GraphEdge } from './graph-model.ts'
import type { LayoutReply, Point } from './layout-protocol.ts'
import { linkPath } from './link-path.ts'
import { routeMiddle, routePath } from './route-path.ts'
import type { Spacing } from './tidy-tree.ts'
import type { Box } from './viewport.ts'

/** An edge as it is drawn, in the pixels of the graph. */
export interface DrawnEdge {
  readonly path: string
  readonly box: Box
  /** Where its head is, and the direction that it points to, as a unit. */
  readonly head: Point
  readonly points: Point
  readonly tail: Point
  readonly middle: Point
}

/** Where an edge runs; undefined for one from a node to itself. */
export function drawnEdge(
  edge: GraphEdge,
  index: number,
  layout: LayoutReply,
  spacing: Spacing,
): DrawnEdge | undefined {
  if (edge.from === edge.to) return undefined
  const { x, y } = layout.placement
  const box = (points: readonly Point[]): Box => ({
    left: Math.min(...points.map((point) => point.x)) - 60,
    top: Math.min(...points.map((point) => point.y)) - 60,
    right: Math.max(...points.map((point) => point.x)) + 60,
    bottom: Math.max(...points.map((point) => point.y)) + 60,
  })
  const route = layout.routes?.[index]
  if (route && route.length > 1) {
    const eased = ease(route)
    const head = route.at(-1)!
    return {
      path: routePath(eased),
      box: box(route),
      head,
      points: { x: Math.sign(head.x - route.at(-2)!.x) || 1, y: 0 },
      tail: route[0]!,
      middle: routeMiddle(eased),
    }
  }
  const [fromX, toX] = [x[edge.from]! + spacing.width / 2, x[edge.to]! + spacing.width / 2]
  if (edge.style === 'link' || y[edge.to]! <= y[edge.from]!) {
    const isAbove = y[edge.to]! < y[edge.from]!
    const isBeside = Math.abs(y[edge.to]! - y[edge.from]!) < 1
    const towards = Math.sign(x[edge.to]! - x[edge.from]!) || 1
    const head = isBeside
      ? { x: x[edge.to]! + (towards > 0 ? 0 : spacing.width), y: y[edge.to]! + spacing.height / 2 }
      : { x: toX, y: y[edge.to]! + (isAbove ? spacing.height : 0) }
    return {
      path: linkPath(edge.from, edge.to, layout.placement, spacing),
      box: box([
        { x: fromX, y: y[edge.from]! },
        { x: toX, y: y[edge.to]! },
      ]),
      head,
      points: isBeside ? { x: towards, y: 0 } : { x: 0, y: isAbove ? -1 : 1 },
      tail: { x: fromX, y: y[edge.from]! + spacing.height / 2 },
      middle: { x: (fromX + toX) / 2, y: (y[edge.from]! + y[edge.to]!) / 2 },
    }
  }
  const [fromY, toY] = [y[edge.from]! + spacing.height, y[edge.to]!]
  const middle = (fromY + toY) / 2
  return {
    path: `M${fromX},${fromY} C${fromX},${middle} ${toX},${middle} ${toX},${toY}`,
    box: box([
      { x: fromX, y: fromY },
      { x: toX, y: toY },
    ]),
    head: { x: toX, y: toY },
    points: { x: 0, y: 1 },
    tail: { x: fromX, y: fromY },
    middle: { x: (fromX + toX) / 2, y: middle },
  }
}

/** Leaves and reaches nodes straight: a point a little off each of them, on its level. */
function ease(route: readonly Point[]): Point[] {
  return route.flatMap((point, index) => {
    const next = route[index + 1]
    if (!next || next.y === point.y) return [point]
    const third = (next.x - point.x) / 3
    return [point, { x: point.x + third, y: point.y }, { x: next.x - third, y: next.y }]
  })
}
