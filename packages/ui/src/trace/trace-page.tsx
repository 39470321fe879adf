import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useMemo, useRef } from 'react'
import { ApiFailure } from '../api/api-failure.ts'
import { hasServer, openedFile } from '../files/opened-files.ts'
import { FailureNotice, StaleBar } from '../widgets/failure-notice.tsx'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Loading } from '../widgets/loading.tsx'
import { Notice } from '../widgets/notice.tsx'
import notice from '../widgets/notice.module.css'
import { useLastFailure } from '../widgets/use-last-failure.ts'
import type { LoadedTrace } from './loaded-trace.ts'
import { TraceBody } from './trace-body.tsx'
import styles from './trace-page.module.css'
import { useTrace } from './trace-query.ts'
import { createTraceView, TraceViewContext, type TraceViewStore } from './trace-view.ts'

const route = getRouteApi('/trace/$id')

const FileBar = lazyPart(async () => (await import('../files/file-bar.tsx')).FileBar, { name: 'What the file is' })
const NotOpen = lazyPart(async () => (await import('../files/file-page.tsx')).NotOpen, { name: 'The hint' })

/** One trace: loads it, and says so where it cannot. */
export function TracePage() {
  const { id } = route.useParams()
  const { file: fileName, clocks } = route.useSearch()
  const file = openedFile(fileName)
  const traceId = id.toLowerCase().padStart(32, '0')
  const { data, error, isFetching, refetch } = useTrace(traceId, fileName, clocks === 'aligned')
  const failure = useLastFailure(error, data !== undefined, traceId)
  const again = () => void refetch()
  useEffect(() => {
    document.title = data ? `${titleOf(data)} - Spoor` : `Trace ${id.slice(0, 8)} - Spoor`
  }, [data, id])
  if (data && data.trace.size > 0) {
    return (
      <div className={styles.page}>
        {file && hasServer() && <FileBar file={file} traceId={traceId} />}
        {failure && <StaleBar error={failure} onAgain={again} busy={isFetching} />}
        <LoadedPage loaded={data} />
      </div>
    )
  }
  const shown = failure ?? (data && new Error('The store answered with no span of it.'))
  if (shown instanceof ApiFailure && shown.code === 'not_open') return <NotOpen name={fileName} />
  if (shown) return <TraceFailure id={id} error={shown} onAgain={again} busy={isFetching} />
  return <Loading label="Loading the trace" />
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

function TraceFailure(props: { id: string; error: Error; onAgain: () => void; busy: boolean }) {
  const { id, error } = props
  const code = error instanceof ApiFailure ? error.code : ''
  if (code === 'not_found') {
    const short = id.replace(/^0+/, '')
    return (
      <Notice title="No such trace">
        <p>
          There is no trace <code>{id}</code> in the store. When it was only just made, its spans may still be on their
          way: an SDK sends them every few seconds. This page looks again by itself. It may also have been older than
          what is kept.
        </p>
        {short.length < 16 && (
          <p className={notice.ways}>
            <Link to="/search" search={{ q: short, range: 'all' }}>
              Look for {short} in all spans
            </Link>
          </p>
        )}
      </Notice>
    )
  }
  return (
    <FailureNotice title="The trace cannot be shown" error={error} onAgain={props.onAgain} busy={props.busy}>
      <Link to="/search">Search for others</Link>
    </FailureNotice>
  )
}

/** `client: classify dog.jpg`: the first row's service and name. */
function titleOf({ trace }: LoadedTrace): string {
  return `${trace.services[trace.service[0]!]}: ${trace.names[trace.name[0]!]}`
}
