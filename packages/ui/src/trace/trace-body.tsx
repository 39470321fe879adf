import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import { useKeys } from '../keyboard/use-keys.ts'
import { useSettings } from '../settings/settings.ts'
import { without } from '../url/without.ts'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Notice } from '../widgets/notice.tsx'
import { DetailPanel } from './detail/detail-panel.tsx'
import { useFind } from './find/use-find.ts'
import { Minimap } from './minimap/minimap.tsx'
import { Timeline } from './timeline/timeline.tsx'
import { TraceHeader } from './trace-header.tsx'
import styles from './trace-page.module.css'
import type { TraceViewName } from './trace-url.ts'
import { useTraceStore } from './trace-view.ts'
import { useSelectedSpan } from './use-selected-span.ts'

const TreeView = lazyPart(async () => (await import('../tree/tree-view.tsx')).TreeView, {
  name: 'The tree',
  waiting: () => <Notice title="Laying out" />,
})
const JsonView = lazyPart(async () => (await import('./json/json-view.tsx')).JsonView, {
  name: 'The JSON view',
  waiting: () => <div className={styles.view} />,
})

const route = getRouteApi('/trace/$id')

/** The views of a loaded trace, with the detail panel beside them. */
export function TraceBody() {
  const { view = 'timeline' } = route.useSearch()
  const navigate = useNavigate({ from: '/trace/$id' })
  const detailOpen = useSettings((settings) => settings.detailOpen)
  const setSettings = useSettings((settings) => settings.set)
  const find = useFind()
  useSelectedSpan()

  const show = useCallback(
    (next: TraceViewName) =>
      void navigate({ search: (url) => ({ ...without(url, ['view']), ...(next !== 'timeline' && { view: next }) }) }),
    [navigate],
  )
  const store = useTraceStore()
  useKeys({
    '1': () => show('timeline'),
    '2': () => show('tree'),
    '3': () => show('json'),
    i: () => setSettings({ detailOpen: !detailOpen }),
    Escape: () => store.setState({ selected: -1 }),
  })

  return (
    <div className={styles.page}>
      <TraceHeader view={view} find={find} />
      {view === 'json' ? (
        <JsonView />
      ) : (
        <>
          {view === 'timeline' && <Minimap />}
          <div className={styles.split}>
            <div className={styles.view}>{view === 'timeline' ? <Timeline /> : <TreeView />}</div>
            {detailOpen && <DetailPanel />}
          </div>
        </>
      )}
    </div>
  )
}
