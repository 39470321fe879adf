import type { LayoutReply } from './layout-protocol.ts'

export type Direction = 'up' | 'down' | 'left' | 'right'

/** Where a key leads in a graph that flows to the right, in one that flows down. */
const turned: Readonly<Record<Direction, Direction>> = { right: 'down', left: 'up', down: 'right', up: 'left' }

/**
 * Where the arrow keys lead in a graph: with and against its flow along an edge to the nearest of those that it leads to, across it to the next on the
 * same level. -1 when there is none.
 */
export function neighbourOf(
  node: number,
  towards: Direction,
  edges: readonly { readonly from: number; readonly to: number }[],
  { flow, placement }: Pick<LayoutReply, 'flow' | 'placement'>,
): number {
  const direction = flow === 'right' ? turned[towards] : towards
  const [x, y] = flow === 'right' ? [placement.y, placement.x] : [placement.x, placement.y]
  const nearest = (candidates: readonly number[]) =>
    candidates.reduce(
      (best, other) => (best < 0 || Math.abs(x[other]! - x[node]!) < Math.abs(x[best]! - x[node]!) ? other : best),
      -1,
    )
  if (direction === 'down')
    return nearest(edges.filter((edge) => edge.from === node && y[edge.to]! > y[node]!).map((edge) => edge.to))
  if (direction === 'up')
    return nearest(edges.filter((edge) => edge.to === node && y[edge.from]! < y[node]!).map((edge) => edge.from))
  const sign = direction === 'right' ? 1 : -1
  const level: number[] = []
  for (let other = 0; other < x.length; other++) {
    if (Math.abs(y[other]! - y[node]!) < 1 && (x[other]! - x[node]!) * sign > 0) level.push(other)
  }
  return nearest(level)
}
