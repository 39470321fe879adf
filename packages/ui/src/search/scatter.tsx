import { formatDuration } from '@spoor/otlp'
import type { TraceRow } from 'spoor/api'
import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import { usePalette } from '../canvas/palette.ts'
import { prepareCanvas, useSize } from '../canvas/use-size.ts'
import { formatCounted } from '../format/numbers.ts'
import { formatStart, utcOffsetMs } from '../format/time.ts'
import { useSettings } from '../settings/settings.ts'
import { drawScatter } from './scatter-draw.ts'
import { msAt, nearestPoint, nsAt, placePoints, scatterScale } from './scatter-layout.ts'
import styles from './scatter.module.css'

/** A box drawn on the plot, as the search understands it: nanoseconds since 1970 and nanoseconds. */
export interface Selection {
  readonly from: string
  readonly to: string
  readonly minNs: number
  readonly maxNs: number
}

interface Box {
  readonly x: number
  readonly y: number
  readonly toX: number
  readonly toY: number
}

const margin = { left: 64, right: 16, top: 12, bottom: 26 }

/** Traces by start and duration. A click opens the nearest; a dragged box becomes a filter. */
export function Scatter(props: {
  rows: readonly TraceRow[]
  hovered: string | undefined
  onHover: (traceId: string | undefined) => void
  onOpen: (traceId: string) => void
  onSelect: (selection: Selection) => void
}) {
  const host = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(host)
  const palette = usePalette(host)
  const zone = useSettings((settings) => settings.zone)
  const [box, setBox] = useState<Box>()
  const { rows } = props

  const scale = useMemo(() => {
    const width = size.width - margin.left - margin.right
    const height = size.height - margin.top - margin.bottom
    return width > 0 ? scatterScale(rows, { left: margin.left, top: margin.top, width, height }) : undefined
  }, [rows, size])
  const points = useMemo(() => scale && placePoints(rows, scale), [rows, scale])

  useEffect(() => {
    if (!canvas.current || size.width === 0) return
    const context = prepareCanvas(canvas.current, size)
    if (context && palette && points && scale) {
      drawScatter(context, points, scale, palette, utcOffsetMs(scale.toMs, zone))
    }
  }, [points, scale, palette, size, zone])

  const place = (event: PointerEvent) => {
    const bounds = event.currentTarget.getBoundingClientRect()
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top }
  }
  const rowAt = (event: PointerEvent) => {
    const { x, y } = place(event)
    const index = points ? nearestPoint(points, x, y, 12) : -1
    return rows[index]
  }
  const onPointerMove = (event: PointerEvent) => {
    if (box) {
      const { x, y } = place(event)
      setBox({ ...box, toX: x, toY: y })
    } else props.onHover(rowAt(event)?.traceId)
  }
  const onPointerUp = (event: PointerEvent) => {
    const drawn = box
    setBox(undefined)
    if (!drawn || !scale) return
    if (Math.abs(drawn.toX - drawn.x) + Math.abs(drawn.toY - drawn.y) < 6) {
      const row = rowAt(event)
      if (row) props.onOpen(row.traceId)
      return
    }
    const ns = (x: number) => String(BigInt(Math.round(msAt(scale, x) * 1000)) * 1000n)
    props.onSelect({
      from: ns(Math.min(drawn.x, drawn.toX)),
      to: ns(Math.max(drawn.x, drawn.toX)),
      minNs: nsAt(scale, Math.max(drawn.y, drawn.toY)),
      maxNs: nsAt(scale, Math.min(drawn.y, drawn.toY)),
    })
  }

  const hoveredIndex = props.hovered === undefined ? -1 : rows.findIndex((row) => row.traceId === props.hovered)
  const hovered = rows[hoveredIndex]
  return (
    <div
      ref={host}
      className={styles.scatter}
      role="img"
      aria-label={`Durations of ${formatCounted(rows.length, 'trace')} over time. The list below has the same traces.`}
      data-over={hovered !== undefined}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        const { x, y } = place(event)
        setBox({ x, y, toX: x, toY: y })
      }}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerLeave={() => props.onHover(undefined)}
    >
      <canvas ref={canvas} />
      <span className={styles.caption}>duration (log)</span>
      {box && (
        <div
          className={styles.box}
          style={{
            left: Math.min(box.x, box.toX),
            top: Math.min(box.y, box.toY),
            width: Math.abs(box.toX - box.x),
            height: Math.abs(box.toY - box.y),
          }}
        />
      )}
      {hovered && points && !box && (
        <>
          <div
            className={styles.ring}
            style={
              {
                left: points.x[hoveredIndex],
                top: points.y[hoveredIndex],
                '--size': `${(points.radius[hoveredIndex] ?? 3) * 2 + 6}px`,
              } as object
            }
          />
          <div
            className={styles.tip}
            data-side={points.x[hoveredIndex]! > size.width - 400 ? 'left' : 'right'}
            style={{
              left: points.x[hoveredIndex],
              top: Math.min(Math.max(points.y[hoveredIndex]!, 28), size.height - 28),
            }}
          >
            <b>{hovered.rootService}</b> {hovered.rootName}
            <br />
            <span>
              {formatDuration(hovered.durationNs)} · {formatCounted(hovered.spans, 'span')}
              {hovered.errors > 0 && ` · ${formatCounted(hovered.errors, 'error')}`} ·{' '}
              {formatStart(BigInt(hovered.start), zone)}
            </span>
          </div>
        </>
      )}
    </div>
  )
}
