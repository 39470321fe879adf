import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useCallback } from 'react'
import { useKeys } from '../keyboard/use-keys.ts'
import { useSettings } from '../settings/settings.ts'
import { without } from '../url/without.ts'
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

const TreeView = lazy(async () => ({ default: (await import('../tree/tree-view.tsx')).TreeView }))
const JsonView = lazy(async () => ({ default: (await import('./json/json-view.tsx')).JsonView }))

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
        <Suspense fallback={<div className={styles.view} />}>
          <JsonView />
        </Suspense>
      ) : (
        <>
          {view === 'timeline' && <Minimap />}
          <div className={styles.split}>
            <div className={styles.view}>
              {view === 'timeline' ? (
                <Timeline />
              ) : (
                <Suspense fallback={<Notice title="Laying out" />}>
                  <TreeView />
                </Suspense>
              )}
            </div>
            {detailOpen && <DetailPanel />}
          </div>
        </>
      )}
    </div>
  )
}
