import { clockTicks, decadeTicks } from '../../axis/ticks.ts'
import type { Palette } from '../../canvas/palette.ts'
import { type PlotScale, xOf, yOf } from './plot-scale.ts'

export function drawAxes(context: CanvasRenderingContext2D, scale: PlotScale, palette: Palette, utcOffset: number) {
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
