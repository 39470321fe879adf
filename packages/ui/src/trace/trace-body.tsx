import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import { useKeys } from '../keyboard/use-keys.ts'
import { useSettings } from '../settings/settings.ts'
import { without } from '../url/without.ts'
import { DetailPanel } from './detail/detail-panel.tsx'
import { useFind } from './find/use-find.ts'
import { Minimap } from './minimap/minimap.tsx'
import { TraceHeader } from './trace-header.tsx'
import styles from './trace-page.module.css'
import { useTraceStore } from './trace-view.ts'
import { useSelectedSpan } from './use-selected-span.ts'
import { useSharedWindow } from './use-shared-window.ts'
import { VerdictLine } from './verdict/verdict-line.tsx'
import { traceViews } from './views.tsx'

const route = getRouteApi('/trace/$id')

/** The views of a loaded trace, with the detail panel beside them. */
export function TraceBody() {
  const { view: name } = route.useSearch()
  const view = traceViews.find((view) => view.name === name) ?? traceViews[0]
  const navigate = useNavigate({ from: '/trace/$id' })
  const detailOpen = useSettings((settings) => settings.detailOpen)
  const setSettings = useSettings((settings) => settings.set)
  const find = useFind()
  useSelectedSpan()
  useSharedWindow()

  const show = useCallback(
    (next: string) =>
      void navigate({ search: (url) => ({ ...without(url, ['view']), ...(next !== 'timeline' && { view: next }) }) }),
    [navigate],
  )
  const store = useTraceStore()
  useKeys('Trace', [
    ...traceViews.map(({ key, name, label }) => ({ help: label, on: { [key]: () => show(name) } })),
    { help: 'Detail panel on, off', on: { i: () => setSettings({ detailOpen: !detailOpen }) } },
    { help: 'Deselect', on: { Escape: () => store.setState({ selected: -1, measured: undefined }) } },
  ])

  return (
    <div className={styles.page}>
      <TraceHeader view={view.name} find={find} />
      <VerdictLine />
      {view.minimap && <Minimap />}
      <div className={styles.split}>
        <div className={styles.view}>
          <view.Content />
        </div>
        {view.panel && detailOpen && <DetailPanel />}
      </div>
    </div>
  )
}
