import type { Point } from './layout-protocol.ts'

/** A smooth SVG path along points: it begins at the first, ends at the last, and is drawn towards those between. */
export function routePath(points: readonly Point[]): string {
  const [first, ...rest] = points
  const last = rest.at(-1)
  if (!first || !last) return ''
  let path = `M${first.x},${first.y}`
  for (let index = 0; index < rest.length - 1; index++) {
    const bend = rest[index]!
    const next = rest[index + 1]!
    const end = index === rest.length - 2 ? next : { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 }
    path += ` Q${bend.x},${bend.y} ${end.x},${end.y}`
  }
  return rest.length === 1 ? `${path} L${last.x},${last.y}` : path
}

/** The middle of what {@link routePath} draws through two points or more: where a label sits on its line. */
export function routeMiddle(points: readonly Point[]): Point {
  if (points.length === 2) return { x: (points[0]!.x + points[1]!.x) / 2, y: (points[0]!.y + points[1]!.y) / 2 }
  const at = Math.floor(points.length / 2)
  const bend = points[at]!
  const between = (other: Point, isEnd: boolean) =>
    isEnd ? other : { x: (other.x + bend.x) / 2, y: (other.y + bend.y) / 2 }
  const before = between(points[at - 1]!, at === 1)
  const after = between(points[at + 1]!, at === points.length - 2)
  return { x: (before.x + 2 * bend.x + after.x) / 4, y: (before.y + 2 * bend.y + after.y) / 4 }
}
