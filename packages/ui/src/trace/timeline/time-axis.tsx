import { formatDuration } from '@spoor/otlp'
import type { Tick } from '../../axis/ticks.ts'
import { useBrush } from '../../canvas/use-brush.ts'
import { allCollapsed } from '../visible-rows.ts'
import { formatCounted } from '../../format/numbers.ts'
import {
  firstWindow,
  isSameWindow,
  setCollapsed,
  setWindow,
  type TimeWindow,
  useTraceStore,
  useTraceView,
  wholeWindow,
} from '../trace-view.ts'
import { MeasuredText } from './measured.tsx'
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
        <TailBreak window={window} />
        <MeasuredText />
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

/** At the end of the request: what ran on after it is behind this break, and behind it again once it is open. */
function TailBreak({ window }: { window: TimeWindow }) {
  const store = useTraceStore()
  const loaded = useTraceView((view) => view.loaded)
  const { tail } = loaded.verdict
  if (!tail) return null
  const first = firstWindow(loaded)
  const whole = wholeWindow(loaded)
  const isFolded = isSameWindow(window, first)
  if (!isFolded && !isSameWindow(window, whole)) return null
  const next = isFolded ? whole : first
  return (
    <button
      type="button"
      className={styles.break}
      data-folded={isFolded}
      style={isFolded ? undefined : { left: `${(first.to / whole.to) * 100}%` }}
      title={isFolded ? 'Show what ran on after the request' : 'Fold away what ran on after the request'}
      onPointerDown={(event) => event.stopPropagation()}
      onClick={() => setWindow(store, next.from, next.to)}
    >
      {isFolded ? `⌇ +${formatDuration(tail.ns)}, ${formatCounted(tail.spans, 'span')}` : '⌇ fold'}
    </button>
  )
}

/** A line where the request ends, when more is in view. */
export function AnswerMark() {
  const { verdict } = useTraceView((view) => view.loaded)
  const window = useTraceView((view) => view.window)
  const share = (verdict.window.toNs - window.from) / (window.to - window.from)
  if (!verdict.tail || share <= 0 || share > 1) return null
  return <i className={styles.answer} style={{ left: `${Math.min(share * 100, 100)}%` }} />
}
