import { memo, type RefObject, useEffect, useMemo } from 'react'
import type { Tick } from '../../axis/ticks.ts'
import { useRows } from '../../canvas/use-rows.ts'
import { useSettings } from '../../settings/settings.ts'
import {
  selectRow,
  setWindow,
  type TimeWindow,
  toggleCollapsed,
  type TraceViewStore,
  useTraceStore,
  useTraceView,
} from '../trace-view.ts'
import { indexOfRow } from '../visible-rows.ts'
import { MeasuredBand } from './measured.tsx'
import { AnswerMark } from './time-axis.tsx'
import { TimelineRow } from './timeline-row.tsx'
import styles from './timeline.module.css'

/** Pixels; timeline.module.css has the same. */
const timelineRowHeight = 24
const headHeight = 28

/** The spans in sight, a row each. Scrolling draws this anew and nothing else, and of it the rows that have come. */
export function TimelineRows(props: {
  scroller: RefObject<HTMLElement | null>
  ticks: readonly Tick[]
  window: TimeWindow
  barWidth: number
  /** Height of the scroller, pixels. */
  room: number
  onHover: (row: number) => void
}) {
  const { scroller, window, barWidth, room, onHover } = props
  const store = useTraceStore()
  const loaded = useTraceView((view) => view.loaded)
  const rows = useTraceView((view) => view.rows)
  const selected = useTraceView((view) => view.selected)
  const collapsed = useTraceView((view) => view.collapsed)
  const matches = useTraceView((view) => view.matches)
  const setSettings = useSettings((settings) => settings.set)
  const { first, end, height, topOf, moved, reveal } = useRows(scroller, {
    count: rows.length,
    rowHeight: timelineRowHeight,
    headHeight,
    room,
  })
  const path = useMemo(() => new Set(loaded.verdict.path), [loaded])
  useEffect(() => {
    if (selected < 0) return
    reveal(indexOfRow(rows, selected))
    // The rows may change without the selection: then the view stays where it is.
  }, [selected, reveal])

  return (
    <div
      className={styles.rows}
      style={{ height }}
      role="treegrid"
      aria-label="Spans"
      aria-rowcount={rows.length}
      aria-activedescendant={selected >= 0 ? `span-${selected}` : undefined}
      tabIndex={0}
    >
      <Grid ticks={props.ticks} window={window} />
      <div
        role="rowgroup"
        className={styles.group}
        style={moved === 0 ? undefined : { transform: `translateY(${moved}px)` }}
      >
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
              onHover={onHover}
            />
          )
        })}
      </div>
    </div>
  )
}

const Grid = memo(function Grid({ ticks, window }: { ticks: readonly Tick[]; window: TimeWindow }) {
  return (
    <div className={styles.grid} aria-hidden="true">
      {ticks.map((tick) => (
        <i key={tick.at} style={{ left: `${((tick.at - window.from) / (window.to - window.from)) * 100}%` }} />
      ))}
      <AnswerMark />
      <MeasuredBand />
    </div>
  )
})

/** The span fills nine tenths of the width. */
function zoomToSpan(store: TraceViewStore, row: number): void {
  const { trace } = store.getState().loaded
  const start = trace.startNs[row]!
  const margin = trace.durationsNs[row]! / 18
  setWindow(store, start - margin, start + trace.durationsNs[row]! + margin)
}
