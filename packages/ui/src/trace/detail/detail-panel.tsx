import { useEffect } from 'react'
import { useSettings } from '../../settings/settings.ts'
import { lazyPart } from '../../widgets/lazy-part.tsx'
import { Resizer } from '../../widgets/resizer.tsx'
import { useTraceView } from '../trace-view.ts'
import styles from './detail.module.css'

const SpanDetailView = lazyPart(async () => (await import('./span-detail.tsx')).SpanDetailView, {
  name: 'The span’s details',
})

const TraceOverview = lazyPart(async () => (await import('./trace-overview.tsx')).TraceOverview, {
  name: 'The trace’s overview',
})

/** Beside the views: the selected span, or the trace as a whole when none is. */
export function DetailPanel() {
  const remembered = useSettings((settings) => settings.detailWidth)
  const width = remembered || Math.round(Math.min(400, Math.max(280, innerWidth * 0.3)))
  const set = useSettings((settings) => settings.set)
  const selected = useTraceView((view) => view.selected)
  useEffect(() => void SpanDetailView.preload(), [])
  return (
    <aside
      className={styles.panel}
      style={{ width: `min(${width}px, 60vw)` }}
      aria-label={selected >= 0 ? 'Span' : 'Trace'}
    >
      <Resizer
        className={styles.resizer}
        label="Width of the detail panel"
        value={width}
        min={240}
        max={900}
        direction={-1}
        onChange={(detailWidth) => set({ detailWidth })}
      />
      <div className={styles.scroller}>
        {selected >= 0 ? <SpanDetailView key={selected} row={selected} /> : <TraceOverview />}
      </div>
    </aside>
  )
}
