import { type CSSProperties, type PointerEvent, type RefObject, useEffect, useMemo, useRef } from 'react'
import { offsetTicks } from '../../axis/ticks.ts'
import { useSize } from '../../canvas/use-size.ts'
import { useSettings } from '../../settings/settings.ts'
import { Resizer } from '../../widgets/resizer.tsx'
import { Notice } from '../../widgets/notice.tsx'
import { setWindow, useTraceStore, useTraceView, wholeWindow, zoomedWindow } from '../trace-view.ts'
import { TimeAxis } from './time-axis.tsx'
import { TimelineRows } from './timeline-rows.tsx'
import styles from './timeline.module.css'
import { useTimelineKeys } from './timeline-keys.ts'
import { useHover } from './use-hover.ts'
import { useMeasure } from './use-measure.ts'

/** The waterfall: a row a span, names on the left, bars on the right. Only rows in sight are in the document. */
export function Timeline() {
  const scroller = useRef<HTMLDivElement>(null)
  const cursor = useRef<HTMLElement>(null)
  const size = useSize(scroller)
  const store = useTraceStore()
  const isEmpty = useTraceView((view) => view.rows.length === 0)
  const window = useTraceView((view) => view.window)
  const setSettings = useSettings((settings) => settings.set)
  const remembered = useSettings((settings) => settings.nameWidth)
  const wanted = remembered || Math.max(190, Math.min(440, Math.round(size.width * 0.42)))
  const nameWidth = Math.min(wanted, Math.max(160, size.width - 180))
  const barWidth = Math.max(100, size.width - nameWidth)

  useTimelineKeys(scroller)
  const hover = useHover()
  const measure = useMeasure(nameWidth, barWidth)
  const most = Math.max(2, Math.floor(barWidth / 110))
  const ticks = useMemo(() => offsetTicks(window.from, window.to, most), [window, most])
  const moveCursor = (event: PointerEvent<HTMLDivElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - nameWidth
    cursor.current!.style.translate = x >= 0 ? `${nameWidth + x}px` : '-9px'
  }
  const zoomAround = (event: WheelEvent) => {
    if (!event.ctrlKey || !scroller.current) return
    event.preventDefault()
    const x = event.clientX - scroller.current.getBoundingClientRect().left - nameWidth
    const view = store.getState()
    const next = zoomedWindow(
      wholeWindow(view.loaded),
      view.window,
      1.0015 ** event.deltaY,
      Math.min(1, Math.max(0, x / barWidth)),
    )
    setWindow(store, next.from, next.to)
  }
  useWheel(scroller, zoomAround)

  if (isEmpty) return <Notice title="The trace has no spans" />
  return (
    <div
      className={styles.timeline}
      data-narrow={nameWidth < 240}
      style={
        {
          '--name-width': `${nameWidth}px`,
          '--indent': nameWidth < 240 ? '4px' : nameWidth < 340 ? '10px' : '14px',
        } as CSSProperties
      }
    >
      <div
        ref={scroller}
        className={styles.scroller}
        {...measure}
        onPointerMove={moveCursor}
        onPointerLeave={() => {
          cursor.current!.style.translate = '-9px'
          hover(-1)
        }}
      >
        <TimeAxis ticks={ticks} window={window} />
        <TimelineRows
          scroller={scroller}
          ticks={ticks}
          window={window}
          barWidth={barWidth}
          room={size.height}
          onHover={hover}
        />
      </div>
      <i ref={cursor} className={styles.cursor} aria-hidden="true" />
      <Resizer
        className={styles.resizer}
        label="Width of the name column"
        value={nameWidth}
        min={160}
        max={Math.max(200, size.width - 200)}
        direction={1}
        onChange={(nameWidth) => setSettings({ nameWidth })}
      />
    </div>
  )
}

/** A wheel listener that may prevent the browser's own zoom, which React's may not. */
function useWheel(target: RefObject<HTMLElement | null>, listen: (event: WheelEvent) => void) {
  const latest = useRef(listen)
  latest.current = listen
  useEffect(() => {
    const element = target.current
    if (!element) return undefined
    const handle = (event: WheelEvent) => latest.current(event)
    element.addEventListener('wheel', handle, { passive: false })
    return () => element.removeEventListener('wheel', handle)
  }, [target])
}
