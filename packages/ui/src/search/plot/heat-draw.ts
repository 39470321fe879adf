import type { HeatMapResponse } from 'spoor/api'
import type { Palette } from '../../canvas/palette.ts'
import { binAt } from './heat-layout.ts'
import { type PlotScale, xOf, yOf } from './plot-scale.ts'

/** A percentile of all: a line through the map. */
export interface Mark {
  readonly label: string
  readonly ns: number
}

/** The least that a share of errors is high, in pixels: it is seen, however small. */
const leastError = 2
/** Labels that are nearer than this would cover each other. Pixels. */
const labelHeight = 12

/** Bins by how many they count, with the share that failed in red on top of each. */
export function drawBins(
  context: CanvasRenderingContext2D,
  map: HeatMapResponse,
  scale: PlotScale,
  palette: Palette,
): void {
  const most = map.counts.reduce((a, b) => Math.max(a, b), 0)
  map.counts.forEach((count, index) => {
    if (count === 0) return
    const bin = binAt(map, scale, index)
    const x = Math.round(xOf(scale, bin.fromMs))
    const width = Math.max(1, Math.round(xOf(scale, bin.toMs)) - x - 1)
    const y = Math.round(yOf(scale, bin.maxNs))
    const height = Math.max(1, Math.round(yOf(scale, Math.max(1, bin.minNs))) - y - 1)
    context.fillStyle = palette.text
    context.globalAlpha = 0.12 + 0.78 * Math.sqrt(count / most)
    context.fillRect(x, y, width, height)
    if (bin.errors === 0) return
    context.fillStyle = palette.error
    context.globalAlpha = 1
    context.fillRect(x, y, width, Math.min(height, Math.max(leastError, Math.round((height * bin.errors) / count))))
  })
  context.globalAlpha = 1
}

/** Lines at percentiles, the last one's label first where there is no room for all. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  marks: readonly Mark[],
  scale: PlotScale,
  palette: Palette,
): void {
  const { left, width } = scale.area
  const labels: { label: string; y: number }[] = []
  context.strokeStyle = palette.accent
  context.textAlign = 'right'
  context.textBaseline = 'bottom'
  context.setLineDash([4, 4])
  context.beginPath()
  for (const { label, ns } of marks.toReversed()) {
    const y = Math.round(yOf(scale, ns)) + 0.5
    context.moveTo(left, y)
    context.lineTo(left + width, y)
    if (labels.every((other) => Math.abs(other.y - y) >= labelHeight)) labels.push({ label, y })
  }
  context.stroke()
  context.setLineDash([])
  // Above lines and bins, whatever is behind.
  for (const { label, y } of labels) {
    const { width: wide } = context.measureText(label)
    context.fillStyle = palette.raised
    context.fillRect(left + width - wide - 8, y - labelHeight, wide + 8, labelHeight)
    context.fillStyle = palette.text
    context.fillText(label, left + width - 4, y)
  }
}
