import type { Placement, Spacing } from './tidy-tree.ts'

/**
 * The SVG path of a link between two nodes wherever they stand, kept off the nodes' own edges: out of the side that faces the other, and in from below, from
 * the side, or from above, as that one lies.
 */
export function linkPath(from: number, to: number, { x, y }: Placement, { width, height }: Spacing): string {
  const towards = Math.sign(x[to]! - x[from]!) || 1
  const startX = x[from]! + (towards > 0 ? width : 0)
  const startY = y[from]! + height / 2
  if (Math.abs(y[to]! - y[from]!) < 1) {
    const endX = x[to]! + (towards > 0 ? 0 : width)
    const bend = Math.min(height, Math.abs(endX - startX) / 3)
    return `M${startX},${startY} C${startX + towards * bend},${startY + bend} ${endX - towards * bend},${startY + bend} ${endX},${startY}`
  }
  const above = y[to]! < y[from]!
  const endX = x[to]! + width / 2
  const endY = y[to]! + (above ? height : 0)
  const rise = (above ? 1 : -1) * Math.min(80, Math.abs(endY - startY) * 0.6)
  return `M${startX},${startY} C${startX + towards * 48},${startY} ${endX},${endY + rise} ${endX},${endY}`
}
