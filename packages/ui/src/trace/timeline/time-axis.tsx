import type { Tick } from '../../axis/ticks.ts'
import { useBrush } from '../../canvas/use-brush.ts'
import { allCollapsed } from '../visible-rows.ts'
import { setCollapsed, setWindow, type TimeWindow, useTraceStore, useTraceView } from '../trace-view.ts'
import styles from './timeline.module.css'

/** The head of the timeline: what the columns are, and the times. Dragging along the times zooms to that stretch. */
export function TimeAxis({ ticks, window }: { ticks: readonly Tick[]; window: TimeWindow }) {
  const store = useTraceStore()
  const { trace } = useTraceView((view) => view.loaded)
  const length = window.to - window.from
  const { brush, handlers } = useBrush(({ from, to }) => {
    if (to - from > 0.003) setWindow(store, window.from + from * length, window.from + to * length)
  })
  return (
    <div className={styles.head}>
      <div className={styles.nameHead}>
        <span>service · operation</span>
        <button
          type="button"
          title="Expand all ([)"
          aria-label="Expand all"
          onClick={() => setCollapsed(store, new Uint8Array(trace.size))}
        >
          +
        </button>
        <button
          type="button"
          title="Collapse all (])"
          aria-label="Collapse all"
          onClick={() => setCollapsed(store, allCollapsed(trace))}
        >
          −
        </button>
      </div>
      <div className={styles.axis} {...handlers}>
        {ticks.map((tick, index) => {
          const share = (tick.at - window.from) / length
          return (
            <span
              key={tick.at}
              data-edge={share > 0.94 ? 'end' : index === 0 && share < 0.04 ? 'start' : undefined}
              style={{ left: `${share * 100}%` }}
            >
              {tick.label}
            </span>
          )
        })}
        {brush && (
          <div
            className={styles.brush}
            style={{ left: `${brush.from * 100}%`, width: `${(brush.to - brush.from) * 100}%` }}
          />
        )}
      </div>
    </div>
  )
}
