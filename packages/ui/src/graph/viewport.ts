import type { Size } from '../canvas/use-size.ts'
import type { Placement, Spacing } from './tidy-tree.ts'

/** What of a graph is in view: a point of it stands at `x + zoom * point.x` of the frame. */
export interface Viewport {
  readonly x: number
  readonly y: number
  readonly zoom: number
}

/** A box of the graph. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

const leastZoom = 0.0001
const mostZoom = 2

/** Pixels that are free around a graph that is shown whole. */
const margin = 24
/** Room at the top, where the tools stand over it. */
const top = 56

export function boundsOf({ x, y }: Placement, { width, height }: Spacing): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (let node = 0; node < x.length; node++) {
    left = Math.min(left, x[node]!)
    top = Math.min(top, y[node]!)
    right = Math.max(right, x[node]! + width)
    bottom = Math.max(bottom, y[node]! + height)
  }
  return x.length === 0 ? { left: 0, top: 0, right: 0, bottom: 0 } : { left, top, right, bottom }
}

/** All of it, in the middle, no larger than it is. */
export function fitted({ left, top: above, right, bottom }: Box, frame: Size): Viewport {
  const room = { width: frame.width - 2 * margin, height: frame.height - top - margin }
  const zoom = Math.min(1, Math.max(leastZoom, Math.min(room.width / (right - left), room.height / (bottom - above))))
  return {
    zoom,
    x: frame.width / 2 - (zoom * (left + right)) / 2,
    y: top + room.height / 2 - (zoom * (above + bottom)) / 2,
  }
}

/** All of it where names can be read then; else, at the least at which they can be, the part around a node. */
export function firstView(bounds: Box, frame: Size, least: number, around: Box): Viewport {
  const whole = fitted(bounds, frame)
  if (whole.zoom >= least) return whole
  // What lies across fits often: then only the other side is cut.
  const place = (
    size: number,
    zoom: number,
    [low, high]: [number, number],
    [one, other]: [number, number],
    before: number,
  ) =>
    (high - low) * zoom <= size - before - margin
      ? before + (size - before - margin) / 2 - (zoom * (low + high)) / 2
      : Math.min(before - zoom * low, Math.max(size - margin - zoom * high, size / 2 - (zoom * (one + other)) / 2))
  return {
    zoom: least,
    x: place(frame.width, least, [bounds.left, bounds.right], [around.left, around.right], margin),
    y: place(frame.height, least, [bounds.top, bounds.bottom], [around.top, around.bottom], top),
  }
}

/** Zooms by a factor so that the point of the frame stays where it is. */
export function zoomed(
  { x, y, zoom }: Viewport,
  factor: number,
  at: { readonly x: number; readonly y: number },
): Viewport {
  const next = Math.min(mostZoom, Math.max(leastZoom, zoom * factor))
  const by = next / zoom
  return { zoom: next, x: at.x - (at.x - x) * by, y: at.y - (at.y - y) * by }
}

/** What of the graph can be seen. */
export function seenBox({ x, y, zoom }: Viewport, frame: Size): Box {
  return { left: -x / zoom, top: -y / zoom, right: (frame.width - x) / zoom, bottom: (frame.height - y) / zoom }
}

/** The nodes that can be seen, ascending. */
export function nodesIn(box: Box, { x, y }: Placement, { width, height }: Spacing): number[] {
  const nodes: number[] = []
  for (let node = 0; node < x.length; node++) {
    if (x[node]! < box.right && x[node]! + width > box.left && y[node]! < box.bottom && y[node]! + height > box.top) {
      nodes.push(node)
    }
  }
  return nodes
}

/** Moved as little as it takes to have the box in it, with some room. The same when it is already. */
export function withInSight(view: Viewport, frame: Size, box: Box): Viewport {
  const shift = (at: number, [low, high]: [number, number], size: number, before: number) => {
    const [start, end] = [at + view.zoom * low, at + view.zoom * high]
    if (start < before) return before - start
    return end > size - margin ? Math.max(before - start, size - margin - end) : 0
  }
  const dx = shift(view.x, [box.left, box.right], frame.width, margin)
  const dy = shift(view.y, [box.top, box.bottom], frame.height, top)
  return dx === 0 && dy === 0 ? view : { ...view, x: view.x + dx, y: view.y + dy }
}
