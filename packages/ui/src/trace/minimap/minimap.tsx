import { useEffect, useRef } from 'react'
import { usePalette } from '../../canvas/palette.ts'
import { useBrush } from '../../canvas/use-brush.ts'
import { prepareCanvas, useSize } from '../../canvas/use-size.ts'
import { setWindow, useTraceStore, useTraceView, wholeWindow } from '../trace-view.ts'
import { drawMinimap } from './minimap-draw.ts'
import styles from './minimap.module.css'

const percent = (share: number) => `${share * 100}%`

/** The whole trace on a strip. Dragging shows that stretch in the timeline; a double click shows all again. */
export function Minimap() {
  const host = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(host)
  const palette = usePalette(host)
  const store = useTraceStore()
  const loaded = useTraceView((view) => view.loaded)
  const window = useTraceView((view) => view.window)
  const whole = wholeWindow(loaded)
  const { brush, handlers } = useBrush(({ from, to }) => {
    if (to - from > 0.003) setWindow(store, from * whole.to, to * whole.to)
  })
  useEffect(() => {
    if (!canvas.current || !palette || size.width === 0) return
    const context = prepareCanvas(canvas.current, size)
    if (context) drawMinimap(context, size, loaded, palette)
  }, [loaded, palette, size])

  const left = window.from / whole.to
  const right = 1 - window.to / whole.to
  const isWhole = left === 0 && right === 0
  const reset = () => setWindow(store, whole.from, whole.to)
  return (
    <div ref={host} className={styles.minimap} onDoubleClick={reset} {...handlers}>
      <canvas ref={canvas} role="img" aria-label="The whole trace. Drag to zoom; + and − zoom by key, 0 shows all." />
      <HoverMark />
      {!isWhole && (
        <>
          <div className={styles.outside} style={{ left: 0, width: percent(left) }} />
          <div className={styles.outside} style={{ right: 0, width: percent(right) }} />
          <div className={styles.window} style={{ left: percent(left), right: percent(right) }} />
          <button
            type="button"
            className={styles.reset}
            onPointerDown={(event) => event.stopPropagation()}
            onClick={reset}
          >
            Whole trace
          </button>
        </>
      )}
      {brush && (
        <div className={styles.brush} style={{ left: percent(brush.from), width: percent(brush.to - brush.from) }} />
      )}
    </div>
  )
}

/** Marks the time of the span that the pointer is on in another view. */
function HoverMark() {
  const { trace } = useTraceView((view) => view.loaded)
  const hovered = useTraceView((view) => view.hovered)
  if (hovered < 0) return null
  const total = Math.max(trace.durationNs, 1000)
  return (
    <div
      className={styles.hovered}
      style={{ left: percent(trace.startNs[hovered]! / total), width: percent(trace.durationsNs[hovered]! / total) }}
    />
  )
}
