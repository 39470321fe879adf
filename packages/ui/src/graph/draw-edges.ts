import type { Palette } from '../canvas/palette.ts'
import { type Size } from '../canvas/use-size.ts'
import type { DrawnEdge } from './drawn-edge.ts'
import type { GraphEdge } from './graph-model.ts'
import { seenBox, type Viewport } from './viewport.ts'

/** Beyond this number of edges in sight they are drawn as plain lines, all of a kind at once. */
const manyEdges = 1200

/** Up to this number of edges each has its label. */
const fewEdges = 24

const dashes = { call: [], async: [7, 5], link: [1.5, 4] } as const

export interface EdgesInView {
  readonly edges: readonly GraphEdge[]
  readonly drawn: readonly (DrawnEdge | undefined)[]
  readonly view: Viewport
  readonly size: Size
  /** The node whose edges are to be seen before all others; -1: none. */
  readonly lit: number
  readonly palette: Palette
}

/** Draws the edges that can be seen. Returns how many these are. */
export function drawEdges(context: CanvasRenderingContext2D, of: EdgesInView): number {
  const { edges, drawn, view, size, lit } = of
  const seen = seenBox(view, size)
  const inSight: number[] = []
  drawn.forEach((edge, index) => {
    if (!edge) return
    const { box } = edge
    if (box.left < seen.right && box.right > seen.left && box.top < seen.bottom && box.bottom > seen.top)
      inSight.push(index)
  })
  const isLit = (index: number) => lit < 0 || edges[index]!.from === lit || edges[index]!.to === lit
  context.save()
  context.translate(view.x, view.y)
  context.scale(view.zoom, view.zoom)
  context.lineJoin = 'round'
  if (inSight.length > manyEdges) drawPlain(context, of, inSight)
  else {
    // What is lit, and the critical way, on top.
    const rank = (index: number) => (isLit(index) ? 1 : 0) + (edges[index]!.isCritical ? 2 : 0)
    for (const index of inSight.toSorted((a, b) => rank(a) - rank(b))) drawOne(context, of, index, isLit(index))
  }
  context.restore()
  if (lit >= 0 || edges.length <= fewEdges) {
    // Nodes lie on top: what is wider than the room between two layers would be read without its first figures.
    const placed: Label[] = []
    const room = view.zoom * Math.min(...inSight.map((index) => roomOf(drawn[index]!)))
    for (const index of inSight) if (isLit(index)) drawLabel(context, of, index, room, placed)
  }
  return inSight.length
}

function colourOf({ failed, isCritical }: GraphEdge, palette: Palette): string {
  return isCritical ? palette.text : failed ? palette.error : palette.muted
}

function drawOne(context: CanvasRenderingContext2D, of: EdgesInView, index: number, isLit: boolean): void {
  const { view, palette } = of
  const edge = of.edges[index]!
  const { path, head, points } = of.drawn[index]!
  const pixel = 1 / view.zoom
  const width = edge.isCritical ? 2.5 : 1 + 4 * (edge.weight ?? 0)
  context.globalAlpha = isLit ? (edge.isCritical || of.lit >= 0 ? 1 : 0.65) : 0.12
  context.strokeStyle = context.fillStyle = colourOf(edge, palette)
  context.lineWidth = width * pixel
  context.lineCap = edge.style === 'link' ? 'round' : 'butt'
  context.setLineDash(dashes[edge.style].map((length) => length * pixel))
  context.stroke(new Path2D(path))
  context.setLineDash([])
  const [long, wide] = [(5 + width) * pixel, (2.5 + width / 2) * pixel]
  context.beginPath()
  context.moveTo(head.x, head.y)
  context.lineTo(head.x - points.x * long - points.y * wide, head.y - points.y * long - points.x * wide)
  context.lineTo(head.x - points.x * long + points.y * wide, head.y - points.y * long + points.x * wide)
  context.fill()
  context.globalAlpha = 1
}

/** All at once, faintly, and what is to be seen of them on top. */
function drawPlain(context: CanvasRenderingContext2D, of: EdgesInView, inSight: readonly number[]): void {
  const { edges, drawn, palette, view, lit } = of
  context.lineWidth = 0.75 / view.zoom
  context.strokeStyle = palette.muted
  context.globalAlpha = lit < 0 ? 0.4 : 0.12
  const all = new Path2D()
  for (const index of inSight) {
    const { head, tail, path, points } = drawn[index]!
    // Of trees, straight: bends of thousands of edges are not seen, and take long.
    if (points.x === 0) {
      all.moveTo(tail.x, tail.y)
      all.lineTo(head.x, head.y)
    } else all.addPath(new Path2D(path))
  }
  context.stroke(all)
  context.globalAlpha = 1
  for (const index of inSight) {
    const { from, to, isCritical } = edges[index]!
    if (isCritical || (lit >= 0 && (from === lit || to === lit))) drawOne(context, of, index, true)
  }
}

/** Between the layers that an edge goes sideways from and to; any, of one that does not. Pixels of the layout. */
function roomOf({ head, tail, points }: DrawnEdge): number {
  return points.x === 0 ? Infinity : Math.abs(head.x - tail.x)
}

/** Where a label is written: its left, its right and its middle line. Pixels. */
interface Label {
  readonly left: number
  readonly right: number
  readonly y: number
}

/**
 * On the line; of one that goes sideways at that end where others have their own place: away from the node that is lit. In the middle of the `room`, in pixels, where it is
 * narrow, above what is `placed` already, and not at all where it does not fit.
 */
function drawLabel(
  context: CanvasRenderingContext2D,
  of: EdgesInView,
  index: number,
  room: number,
  placed: Label[],
): void {
  const { palette } = of
  const edge = of.edges[index]!
  if (edge.label === undefined) return
  const { middle, head, tail, points } = of.drawn[index]!
  const atTail = edge.to === of.lit
  const at = points.x === 0 ? middle : atTail ? tail : head
  context.font = '11px system-ui, sans-serif'
  context.textBaseline = 'middle'
  context.textAlign = 'left'
  const width = context.measureText(edge.label).width
  if (width + 4 > room) return
  const isRight = (atTail ? 1 : -1) * points.x > 0
  const aside = Math.min(isRight ? 5 : 10, (room - width) / 2)
  const from = points.x === 0 ? -width / 2 : isRight ? aside : -width - aside
  const x = of.view.x + of.view.zoom * at.x + from
  let y = of.view.y + of.view.zoom * at.y - (points.x === 0 ? 0 : 10)
  // Two that lead to one node would be read as one figure.
  const isTaken = () => placed.some(({ left, right, y: at }) => left < x + width && right > x && Math.abs(at - y) < 14)
  if (isTaken()) y -= 14
  if (isTaken()) return
  placed.push({ left: x, right: x + width, y })
  context.globalAlpha = 0.85
  context.fillStyle = palette.raised
  context.fillRect(x - 2, y - 7, width + 4, 14)
  context.globalAlpha = 1
  context.fillStyle = edge.hasErrors ? palette.error : palette.text
  context.fillText(edge.label, x, y)
}
