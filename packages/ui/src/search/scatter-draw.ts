import type { Palette } from '../canvas/palette.ts'
import { clockTicks, decadeTicks } from '../axis/ticks.ts'
import { heatCells, type ScatterPoints, type ScatterScale, xOf, yOf } from './scatter-layout.ts'

/** From this number of traces on, single points say less than how many lie where. */
const heatFrom = 1001

/** Side of a cell of the heat map, in pixels. */
const cell = 5

/** Draws axes and points (or, from {@link heatFrom} traces, the heat map with failed traces on top) in one pass. */
export function drawScatter(
  context: CanvasRenderingContext2D,
  points: ScatterPoints,
  scale: ScatterScale,
  palette: Palette,
  utcOffset: number,
): void {
  drawAxes(context, scale, palette, utcOffset)
  const heat = points.x.length >= heatFrom
  if (heat) drawHeat(context, points, scale, palette)
  else drawDots(context, points, palette)
  drawFailed(context, points, palette, heat ? 3 : undefined)
}

function drawAxes(context: CanvasRenderingContext2D, scale: ScatterScale, palette: Palette, utcOffset: number): void {
  const { left, top, width, height } = scale.area
  context.font = '11px system-ui, sans-serif'
  context.fillStyle = palette.muted
  context.strokeStyle = palette.line
  context.lineWidth = 1
  context.beginPath()
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  for (const tick of decadeTicks(scale.minNs, scale.maxNs)) {
    const y = Math.round(yOf(scale, tick.at)) + 0.5
    context.moveTo(left, y)
    context.lineTo(left + width, y)
    context.fillText(tick.label, left - 8, y)
  }
  context.moveTo(left, top + height + 0.5)
  context.lineTo(left + width, top + height + 0.5)
  context.textAlign = 'center'
  context.textBaseline = 'top'
  for (const tick of clockTicks(scale.fromMs, scale.toMs, Math.max(2, width / 96), utcOffset)) {
    const x = Math.round(xOf(scale, tick.at)) + 0.5
    context.moveTo(x, top + height)
    context.lineTo(x, top + height + 4)
    if (x > left + 20 && x < left + width - 20) context.fillText(tick.label, x, top + height + 7)
  }
  context.stroke()
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

function drawHeat(
  context: CanvasRenderingContext2D,
  points: ScatterPoints,
  scale: ScatterScale,
  palette: Palette,
): void {
  const { counts, columns, most } = heatCells(points, scale.area, cell)
  context.fillStyle = palette.text
  for (const [key, count] of counts) {
    context.globalAlpha = 0.12 + 0.78 * Math.sqrt(count / most)
    const x = scale.area.left + (key % columns) * cell
    context.fillRect(x, scale.area.top + Math.floor(key / columns) * cell, cell - 1, cell - 1)
  }
  context.globalAlpha = 1
}

/** A trace with an error is a red diamond: told by its form too. */
function drawFailed(context: CanvasRenderingContext2D, points: ScatterPoints, palette: Palette, size?: number): void {
  context.fillStyle = palette.error
  context.beginPath()
  for (let index = 0; index < points.x.length; index++) {
    if (!points.failed[index]) continue
    const x = points.x[index]!
    const y = points.y[index]!
    const reach = (size ?? points.radius[index]!) + 1
    context.moveTo(x, y - reach)
    context.lineTo(x + reach, y)
    context.lineTo(x, y + reach)
    context.lineTo(x - reach, y)
    context.closePath()
  }
  context.fill()
}
