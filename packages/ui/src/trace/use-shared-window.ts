import { spanIdOf, type Trace } from '@spoor/trace'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useEffect, useLayoutEffect, useRef } from 'react'
import { without } from '../url/without.ts'
import { onSettled } from './on-settled.ts'
import { maxFolded, readZoom, type TraceUrl } from './trace-url.ts'
import { firstWindow, isSameWindow, setCollapsed, setWindow, type TraceView, useTraceStore } from './trace-view.ts'
import { allCollapsed } from './visible-rows.ts'

const route = getRouteApi('/trace/$id')

/** How long a view rests before the URL follows it: a wheel should not write a hundred addresses. Milliseconds. */
const settleMs = 300

/** Keeps what is zoomed to and collapsed, and the `zoom` and `folded` of the URL, the same: a colleague sees what we see. */
export function useSharedWindow(): void {
  const { zoom, folded } = route.useSearch()
  const navigate = useNavigate({ from: '/trace/$id' })
  const store = useTraceStore()
  // What both sides agreed on last: a URL that comes back to us with it is no news.
  const agreed = useRef<Pick<TraceUrl, 'zoom' | 'folded'>>({})

  useLayoutEffect(() => {
    const { loaded } = store.getState()
    const before = agreed.current
    agreed.current = { ...(zoom && { zoom }), ...(folded && { folded }) }
    if (zoom !== before.zoom) {
      const { from, to } = (zoom && readZoom(zoom)) || firstWindow(loaded)
      setWindow(store, from, to)
    }
    if (folded !== before.folded) setCollapsed(store, collapsedOf(loaded.trace, folded))
  }, [zoom, folded, store])

  useEffect(() => {
    const write = () => {
      const next = { ...zoomOf(store.getState()), ...foldedOf(store.getState()) }
      if (next.zoom === agreed.current.zoom && next.folded === agreed.current.folded) return
      agreed.current = next
      void navigate({ replace: true, search: (url) => ({ ...without(url, ['zoom', 'folded']), ...next }) })
    }
    return onSettled(
      store,
      settleMs,
      (view, before) => view.window !== before.window || view.collapsed !== before.collapsed,
      write,
    )
  }, [store, navigate])
}

function zoomOf({ window, loaded }: TraceView): Pick<TraceUrl, 'zoom'> {
  return isSameWindow(window, firstWindow(loaded)) ? {} : { zoom: `${Math.floor(window.from)}-${Math.ceil(window.to)}` }
}

function foldedOf({ collapsed, loaded: { trace } }: TraceView): Pick<TraceUrl, 'folded'> {
  const rows: number[] = []
  for (let row = 0; row < trace.size; row++) if (collapsed[row]) rows.push(row)
  if (rows.length === 0) return {}
  if (rows.length <= maxFolded) return { folded: rows.map((row) => spanIdOf(trace, row)).join(',') }
  return allCollapsed(trace).every((value, row) => value === collapsed[row]) ? { folded: 'all' } : {}
}

/** The rows that an address has collapsed. */
function collapsedOf(trace: Trace, folded: string | undefined): Uint8Array {
  if (folded === 'all') return allCollapsed(trace)
  const collapsed = new Uint8Array(trace.size)
  const ids = new Set(folded?.split(','))
  if (ids.size > 0) for (let row = 0; row < trace.size; row++) if (ids.has(spanIdOf(trace, row))) collapsed[row] = 1
  return collapsed
}
