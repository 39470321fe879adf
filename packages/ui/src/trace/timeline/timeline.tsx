import { type CSSProperties, type PointerEvent, type RefObject, useEffect, useMemo, useRef } from 'react'
import { offsetTicks } from '../../axis/ticks.ts'
import { useRows } from '../../canvas/use-rows.ts'
import { useSize } from '../../canvas/use-size.ts'
import { useSettings } from '../../settings/settings.ts'
import { Resizer } from '../../widgets/resizer.tsx'
import { Notice } from '../../widgets/notice.tsx'
import {
  setWindow,
  toggleCollapsed,
  selectRow,
  type TraceViewStore,
  useTraceStore,
  useTraceView,
  wholeWindow,
  zoomedWindow,
} from '../trace-view.ts'
import { indexOfRow } from '../visible-rows.ts'
import { AnswerMark, TimeAxis } from './time-axis.tsx'
import { MeasuredBand } from './measured.tsx'
import { TimelineRow } from './timeline-row.tsx'
import styles from './timeline.module.css'
import { useTimelineKeys } from './timeline-keys.ts'
import { useMeasure } from './use-measure.ts'

/** Pixels; timeline.module.css has the same. */
const timelineRowHeight = 24
const headHeight = 28

/** The waterfall: a row a span, names on the left, bars on the right. Only rows in sight are in the document. */
export function Timeline() {
  const scroller = useRef<HTMLDivElement>(null)
  const size = useSize(scroller)
  const store = useTraceStore()
  const loaded = useTraceView((view) => view.loaded)
  const rows = useTraceView((view) => view.rows)
  const window = useTraceView((view) => view.window)
  const selected = useTraceView((view) => view.selected)
  const collapsed = useTraceView((view) => view.collapsed)
  const matches = useTraceView((view) => view.matches)
  const setSettings = useSettings((settings) => settings.set)
  const remembered = useSettings((settings) => settings.nameWidth)
  const wanted = remembered || Math.min(440, Math.round(size.width * 0.42))
  const nameWidth = Math.min(wanted, Math.max(160, size.width - 200))
  const barWidth = Math.max(100, size.width - nameWidth)

  const { first, end, height, topOf, reveal } = useRows(scroller, {
    count: rows.length,
    rowHeight: timelineRowHeight,
    headHeight,
  })
  const path = useMemo(() => new Set(loaded.verdict.path), [loaded])
  useTimelineKeys(scroller)
  const measure = useMeasure(nameWidth, barWidth)
  useEffect(() => {
    if (selected < 0) return
    reveal(indexOfRow(rows, selected))
    // The rows may change without the selection: then the view stays where it is.
  }, [selected, reveal])

  const ticks = offsetTicks(window.from, window.to, Math.max(2, Math.floor(barWidth / 110)))
  const moveCursor = (event: PointerEvent<HTMLDivElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - nameWidth
    event.currentTarget.style.setProperty('--cursor', x >= 0 ? `${nameWidth + x}px` : '-9px')
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

  if (rows.length === 0) return <Notice title="The trace has no spans" />
  return (
    <div
      className={styles.timeline}
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
        onPointerLeave={(event) => {
          event.currentTarget.style.setProperty('--cursor', '-9px')
          store.setState({ hovered: -1 })
        }}
      >
        <TimeAxis ticks={ticks} window={window} />
        <div
          className={styles.rows}
          style={{ height }}
          role="treegrid"
          aria-label="Spans"
          aria-rowcount={rows.length}
          aria-activedescendant={selected >= 0 ? `span-${selected}` : undefined}
          tabIndex={0}
        >
          <div className={styles.grid} aria-hidden="true">
            {ticks.map((tick) => (
              <i key={tick.at} style={{ left: `${((tick.at - window.from) / (window.to - window.from)) * 100}%` }} />
            ))}
            <AnswerMark />
            <MeasuredBand />
          </div>
          {Array.from({ length: end - first }, (_, place) => {
            const index = first + place
            const row = rows[index]!
            return (
              <TimelineRow
                key={row}
                row={row}
                index={index}
                top={topOf(index)}
                loaded={loaded}
                window={window}
                barWidth={barWidth}
                collapsed={collapsed[row] === 1}
                selected={row === selected}
                lit={path.has(row)}
                match={matches === undefined ? 'none' : matches[row] ? 'match' : 'other'}
                onSelect={(row) => {
                  selectRow(store, row)
                  setSettings({ detailOpen: true })
                }}
                onZoom={(row) => zoomToSpan(store, row)}
                onToggle={(row) => toggleCollapsed(store, row)}
                onHover={(row) => store.setState({ hovered: row })}
              />
            )
          })}
        </div>
      </div>
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

/** The span fills nine tenths of the width. */
function zoomToSpan(store: TraceViewStore, row: number): void {
  const { trace } = store.getState().loaded
  const start = trace.startNs[row]!
  const margin = trace.durationsNs[row]! / 18
  setWindow(store, start - margin, start + trace.durationsNs[row]! + margin)
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
