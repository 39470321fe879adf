import type { Palette } from '../canvas/palette.ts'
import { type FlameShape, viewOf } from './flame-shape.ts'

/** Pixels. */
export const levelHeight = 22
const textRoom = 36

/** What the nodes of a shape look like. */
export interface FlamePaint {
  readonly words: (node: number) => string
  /** The slot of its service's colour; undefined: it is of none. */
  readonly slot: (node: number) => number | undefined
  readonly hasErrors: (node: number) => boolean
}

interface Scene {
  readonly shape: FlameShape
  readonly paint: FlamePaint
  readonly focus: number
  readonly marked: number
  readonly width: number
  readonly palette: Palette
}

/** Draws what of the shape is in view when `focus` fills the width. What is not solid of a node is paler. */
export function drawFlame(context: CanvasRenderingContext2D, scene: Scene): void {
  const { shape, paint, focus, marked, width, palette } = scene
  const { fromNs, wideNs } = viewOf(shape, focus)
  const scale = width / wideNs
  context.font = '11px system-ui, sans-serif'
  context.textBaseline = 'middle'
  for (let node = 0; node < shape.size; node++) {
    const begin = (shape.from[node]! - fromNs) * scale
    const left = Math.max(0, begin)
    const right = Math.min(width, begin + shape.width[node]! * scale)
    if (right - left < 0.4) continue
    const y = shape.depth[node]! * levelHeight
    const wide = Math.max(1, right - left - 1)
    const slot = paint.slot(node)
    const alpha = node === marked ? 1 : focus >= 0 && shape.depth[node]! < shape.depth[focus]! ? 0.35 : 0.75
    context.fillStyle = slot === undefined ? palette.line : palette.service[slot]!
    context.globalAlpha = alpha * 0.45
    context.fillRect(left, y, wide, levelHeight - 1)
    context.globalAlpha = alpha
    const solid = Math.min(wide, begin + shape.solid[node]! * scale - left)
    if (solid > 0) {
      context.clearRect(left, y, solid, levelHeight - 1)
      context.fillRect(left, y, solid, levelHeight - 1)
    }
    context.globalAlpha = 1
    if (paint.hasErrors(node)) {
      context.fillStyle = palette.error
      context.fillRect(left, y, wide, 3)
    }
    if (node === focus) {
      context.strokeStyle = palette.accent
      context.lineWidth = 2
      context.strokeRect(left + 1, y + 1, wide - 2, levelHeight - 3)
    }
    if (wide < textRoom) continue
    context.fillStyle = palette.text
    context.save()
    context.beginPath()
    context.rect(left, y, wide - 4, levelHeight)
    context.clip()
    context.fillText(paint.words(node).slice(0, 200), left + 5, y + levelHeight / 2)
    context.restore()
  }
}
