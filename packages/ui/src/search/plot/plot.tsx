import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { type Palette, usePalette } from '../../canvas/palette.ts'
import { prepareCanvas, useSize } from '../../canvas/use-size.ts'
import { useKeys } from '../../keyboard/use-keys.ts'
import { utcOffsetMs } from '../../format/time.ts'
import { useSettings } from '../../settings/settings.ts'
import { drawAxes } from './plot-axes.ts'
import { type Area, msAt, nsAt, type PlotScale } from './plot-scale.ts'
import styles from './plot.module.css'

/** A box drawn on the plot: nanoseconds since 1970, and nanoseconds. */
export interface Selection {
  readonly from: string
  readonly to: string
  readonly minNs: number
  readonly maxNs: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** What is under the pointer: where its tip stands, and what the tip says. */
export interface Hovered extends Point {
  /** Diameter of a ring around it, in pixels. Default: none. */
  readonly ring?: number
  readonly tip: ReactNode
}

const margin = { left: 64, right: 16, top: 12, bottom: 26 }
/** A pointer that went less far has clicked. Pixels. */
const clickReach = 6
const tipWidth = 400

/** What can be done with a box that is drawn. */
export interface BoxChoice {
  readonly label: string
  readonly onChoose: (selection: Selection) => void
}

/** A plane of start and duration that is drawn on. A click opens what is there; a dragged box offers what can be done with it. */
export function Plot(props: {
  label: string
  caption: ReactNode
  /** Undefined: nothing to draw. Keep its identity while nothing changes. */
  scaleFor: (area: Area) => PlotScale | undefined
  /** Draws over the axes. Keep its identity while nothing changes. */
  draw: (context: CanvasRenderingContext2D, scale: PlotScale, palette: Palette) => void
  hovered: ((scale: PlotScale) => Hovered | undefined) | undefined
  onMove: (scale: PlotScale, at: Point | undefined) => void
  onClick: (scale: PlotScale, at: Point) => void
  choices: readonly BoxChoice[]
}) {
  const { scaleFor, draw } = props
  const host = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(host)
  const palette = usePalette(host)
  const zone = useSettings((settings) => settings.zone)
  const [box, setBox] = useState<{ readonly start: Point; readonly end: Point; readonly isDrawn?: boolean }>()
  useKeys('Search', [{ on: { Escape: () => (box ? setBox(undefined) : false) } }])

  const scale = useMemo(() => {
    const width = size.width - margin.left - margin.right
    const height = size.height - margin.top - margin.bottom
    return width > 0 ? scaleFor({ left: margin.left, top: margin.top, width, height }) : undefined
  }, [scaleFor, size])

  useEffect(() => {
    if (!canvas.current || size.width === 0) return
    const context = prepareCanvas(canvas.current, size)
    if (!context || !palette || !scale) return
    drawAxes(context, scale, palette, utcOffsetMs(scale.toMs, zone))
    draw(context, scale, palette)
  }, [scale, draw, palette, size, zone])

  const place = (event: PointerEvent): Point => {
    const bounds = event.currentTarget.getBoundingClientRect()
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top }
  }
  const onPointerMove = (event: PointerEvent) => {
    if (box?.isDrawn) return
    if (box) setBox({ ...box, end: place(event) })
    else if (scale) props.onMove(scale, place(event))
  }
  const onPointerUp = () => {
    if (!box || box.isDrawn || !scale) return
    const { start, end } = box
    setBox(undefined)
    if (Math.abs(end.x - start.x) + Math.abs(end.y - start.y) < clickReach) {
      props.onClick(scale, end)
      return
    }
    setBox({ start, end, isDrawn: true })
  }
  const choose = ({ onChoose }: BoxChoice) => {
    if (!box || !scale) return
    const { start, end } = box
    const ns = (x: number) => String(BigInt(Math.round(msAt(scale, x) * 1000)) * 1000n)
    setBox(undefined)
    onChoose({
      from: ns(Math.min(start.x, end.x)),
      to: ns(Math.max(start.x, end.x)),
      minNs: nsAt(scale, Math.max(start.y, end.y)),
      maxNs: nsAt(scale, Math.min(start.y, end.y)),
    })
  }

  const hovered = scale && !box ? props.hovered?.(scale) : undefined
  return (
    <div
      ref={host}
      className={styles.plot}
      role="img"
      aria-label={props.label}
      data-over={hovered !== undefined}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        setBox({ start: place(event), end: place(event) })
      }}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerLeave={() => scale && props.onMove(scale, undefined)}
    >
      <canvas ref={canvas} />
      <span className={styles.caption}>{props.caption}</span>
      {box && (
        <div
          className={styles.box}
          style={{
            left: Math.min(box.start.x, box.end.x),
            top: Math.min(box.start.y, box.end.y),
            width: Math.abs(box.end.x - box.start.x),
            height: Math.abs(box.end.y - box.start.y),
          }}
        />
      )}
      {box?.isDrawn && (
        <div
          className={styles.choices}
          role="group"
          aria-label="The box"
          style={{
            left: Math.min(Math.max(8, Math.min(box.start.x, box.end.x)), Math.max(8, size.width - 320)),
            top: Math.min(Math.max(box.start.y, box.end.y) + 4, size.height - 36),
          }}
          onPointerDown={(event) => event.stopPropagation()}
        >
          {props.choices.map((choice, index) => (
            <button
              key={choice.label}
              type="button"
              ref={index === 0 ? (button) => button?.focus() : undefined}
              onClick={() => choose(choice)}
            >
              {choice.label}
            </button>
          ))}
          <button type="button" aria-label="Take the box away" title="Esc" onClick={() => setBox(undefined)}>
            ×
          </button>
        </div>
      )}
      {hovered?.ring !== undefined && (
        <div
          className={styles.ring}
          style={{ left: hovered.x, top: hovered.y, '--size': `${hovered.ring}px` } as object}
        />
      )}
      {hovered && (
        <div
          className={styles.tip}
          data-side={hovered.x > size.width - tipWidth ? 'left' : 'right'}
          style={{ left: hovered.x, top: Math.min(Math.max(hovered.y, 28), size.height - 28) }}
        >
          {hovered.tip}
        </div>
      )}
    </div>
  )
}
