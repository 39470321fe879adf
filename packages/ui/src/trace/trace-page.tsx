import { getRouteApi } from '@tanstack/react-router'
import { useEffect, useMemo, useRef } from 'react'
import { ApiFailure } from '../api/client.ts'
import { Notice } from '../widgets/notice.tsx'
import type { LoadedTrace } from './loaded-trace.ts'
import { TraceBody } from './trace-body.tsx'
import styles from './trace-page.module.css'
import { useTrace } from './trace-query.ts'
import { createTraceView, TraceViewContext, type TraceViewStore } from './trace-view.ts'

const route = getRouteApi('/trace/$id')

/** One trace: loads it, and says so where it cannot. */
export function TracePage() {
  const { id } = route.useParams()
  const { data, error } = useTrace(id.toLowerCase().padStart(32, '0'))
  useEffect(() => {
    document.title = data ? `${titleOf(data)} - Spoor` : `Trace ${id.slice(0, 8)} - Spoor`
  }, [data, id])
  if (data && data.trace.size > 0) return <LoadedPage loaded={data} />
  if (error) return <TraceFailure id={id} error={error} />
  return (
    <div className={styles.loading} role="status">
      <span className="visually-hidden">Loading the trace</span>
      <div />
    </div>
  )
}

function LoadedPage({ loaded }: { loaded: LoadedTrace }) {
  const last = useRef<TraceViewStore>(undefined)
  const store = useMemo(() => createTraceView(loaded, last.current?.getState()), [loaded])
  last.current = store
  return (
    <TraceViewContext value={store}>
      <TraceBody />
    </TraceViewContext>
  )
}

function TraceFailure({ id, error }: { id: string; error: Error }) {
  const code = error instanceof ApiFailure ? error.code : ''
  if (code === 'not_found') {
    return (
      <Notice title="No such trace">
        <p>
          There is no trace <code>{id}</code> in the store. When it was only just made, its spans may still be on their
          way: an SDK sends them every few seconds. This page looks again by itself. It may also have been older than
          what is kept.
        </p>
      </Notice>
    )
  }
  return (
    <Notice title="The trace cannot be shown" tone="error">
      <p>{error.message}</p>
    </Notice>
  )
}

/** `client: classify dog.jpg`: the first row's service and name. */
function titleOf({ trace }: LoadedTrace): string {
  return `${trace.services[trace.service[0]!]}: ${trace.names[trace.name[0]!]}`
}
