import { formatDuration } from '@spoor/otlp'
import type { TraceRow } from 'spoor/api'
import { useCallback, useMemo } from 'react'
import type { Palette } from '../../canvas/palette.ts'
import { formatCounted } from '../../format/numbers.ts'
import { formatStart } from '../../format/time.ts'
import { useSettings } from '../../settings/settings.ts'
import { type BoxChoice, type Hovered, Plot, type Point } from './plot.tsx'
import type { Area, PlotScale } from './plot-scale.ts'
import { drawPoints } from './scatter-draw.ts'
import { nearestPoint, placePoints, scatterScale } from './scatter-layout.ts'

/** How near a point has to be to be meant, in pixels. */
const reach = 12

/** Requests by start and duration, each a point. A click opens the nearest. */
export function Scatter(props: {
  rows: readonly TraceRow[]
  /** What else there is to say of them. */
  note?: string
  hovered: string | undefined
  onHover: (traceId: string | undefined) => void
  onOpen: (traceId: string) => void
  choices: readonly BoxChoice[]
}) {
  const { rows } = props
  const zone = useSettings((settings) => settings.zone)
  const scaleFor = useCallback((area: Area) => scatterScale(rows, area), [rows])
  const pointsOn = useMemo(() => {
    let last: { readonly scale: PlotScale; readonly points: ReturnType<typeof placePoints> } | undefined
    return (scale: PlotScale) => {
      if (last?.scale !== scale) last = { scale, points: placePoints(rows, scale) }
      return last.points
    }
  }, [rows])
  const draw = useCallback(
    (context: CanvasRenderingContext2D, scale: PlotScale, palette: Palette) =>
      drawPoints(context, pointsOn(scale), palette),
    [pointsOn],
  )
  const rowAt = (scale: PlotScale, at: Point) => rows[nearestPoint(pointsOn(scale), at.x, at.y, reach)]
  const index = props.hovered === undefined ? -1 : rows.findIndex((row) => row.traceId === props.hovered)
  const row = rows[index]
  const hovered = (scale: PlotScale): Hovered | undefined => {
    if (!row) return undefined
    const { x, y, radius } = pointsOn(scale)
    return {
      x: x[index]!,
      y: y[index]!,
      ring: radius[index]! * 2 + 6,
      tip: (
        <>
          <b>{row.rootService}</b> {row.rootName}
          <br />
          <span>
            {formatDuration(row.requestDurationNs)} · {formatCounted(row.spans, 'span')}
            {row.errors > 0 && ` · ${formatCounted(row.errors, 'error')}`} ·{' '}
            {formatStart(BigInt(row.requestStart), zone)}
          </span>
        </>
      ),
    }
  }
  return (
    <Plot
      label={`Durations of ${formatCounted(rows.length, 'request')} over time. The list below has the same traces.`}
      caption={props.note === undefined ? 'duration (log)' : `duration (log) · ${props.note}`}
      scaleFor={scaleFor}
      draw={draw}
      hovered={hovered}
      onMove={(scale, at) => props.onHover(at && rowAt(scale, at)?.traceId)}
      onClick={(scale, at) => {
        const row = rowAt(scale, at)
        if (row) props.onOpen(row.traceId)
      }}
      choices={props.choices}
    />
  )
}
