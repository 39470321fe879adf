import type { Palette } from '../../canvas/palette.ts'
import type { ScatterPoints } from './scatter-layout.ts'

/** Draws what went well, and on top of it what failed. */
export function drawPoints(context: CanvasRenderingContext2D, points: ScatterPoints, palette: Palette): void {
  drawDots(context, points, palette)
  drawFailed(context, points, palette)
}

function drawDots(context: CanvasRenderingContext2D, points: ScatterPoints, palette: Palette): void {
  context.globalAlpha = 0.8
  for (let index = 0; index < points.x.length; index++) {
    if (points.failed[index]) continue
    context.fillStyle = palette.service[points.slot[index]!]!
    context.beginPath()
    context.arc(points.x[index]!, points.y[index]!, points.radius[index]!, 0, 7)
    context.fill()
  }
  context.globalAlpha = 1
}

/** A trace with an error is a red diamond: told by its form too. */
function drawFailed(context: CanvasRenderingContext2D, points: ScatterPoints, palette: Palette): void {
  context.fillStyle = palette.error
  context.beginPath()
  for (let index = 0; index < points.x.length; index++) {
    if (!points.failed[index]) continue
    const x = points.x[index]!
    const y = points.y[index]!
    const reach = points.radius[index]! + 1
    context.moveTo(x, y - reach)
    context.lineTo(x + reach, y)
    context.lineTo(x, y + reach)
    context.lineTo(x - reach, y)
    context.closePath()
  }
  context.fill()
}
