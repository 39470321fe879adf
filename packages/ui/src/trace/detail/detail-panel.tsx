import { useSettings } from '../../settings/settings.ts'
import { Resizer } from '../../widgets/resizer.tsx'
import { useTraceView } from '../trace-view.ts'
import styles from './detail.module.css'
import { SpanDetailView } from './span-detail.tsx'
import { TraceOverview } from './trace-overview.tsx'

/** Beside the views: the selected span, or the trace as a whole when none is. */
export function DetailPanel() {
  const width = useSettings((settings) => settings.detailWidth)
  const set = useSettings((settings) => settings.set)
  const selected = useTraceView((view) => view.selected)
  return (
    <aside className={styles.panel} style={{ width: `min(${width}px, 60vw)` }} aria-label={selected >= 0 ? 'Span' : 'Trace'}>
      <Resizer
        className={styles.resizer}
        label="Width of the detail panel"
        value={width}
        min={240}
        max={900}
        direction={-1}
        onChange={(detailWidth) => set({ detailWidth })}
      />
      <div className={styles.scroller}>{selected >= 0 ? <SpanDetailView key={selected} row={selected} /> : <TraceOverview />}</div>
    </aside>
  )
}
