import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { statusQuery } from '../api/queries.ts'
import { formatCounted } from '../format/numbers.ts'
import { Processes } from '../findings/processes.tsx'
import { sendersQuery } from '../pipelines/queries.ts'
import { Senders } from '../pipelines/senders.tsx'
import { FailureNotice, StaleBar } from '../widgets/failure-notice.tsx'
import { Loading } from '../widgets/loading.tsx'
import page from '../widgets/page.module.css'
import { useLastFailure } from '../widgets/use-last-failure.ts'
import { addressesOf } from './addresses.ts'
import { Attention } from './attention.tsx'
import { Listening } from './listening.tsx'
import styles from './setup.module.css'
import { Steps } from './steps.tsx'

const route = getRouteApi('/setup')

/** Who sends to this Spoor, live; what is wrong with it and what mends it; and how to send more. */
export function SetupPage() {
  const url = route.useSearch()
  const navigate = useNavigate({ from: '/setup' })
  const { data: status, error, isFetching, refetch } = useQuery(statusQuery)
  const senders = useQuery(sendersQuery)
  const failure = useLastFailure(error, status !== undefined, 'setup')
  const again = () => void refetch()
  useEffect(() => {
    document.title = 'Setup - Spoor'
  }, [])
  const addresses = status && addressesOf(status.endpoints, location.hostname)
  return (
    <div className={page.page}>
      <header className={page.header}>
        <h1>Setup</h1>
        {status && status.store.spans > 0 && (
          <span>
            <Link to="/search" search={{}} className={styles.link}>
              {formatCounted(status.store.spans, 'span')}
            </Link>{' '}
            stored
          </span>
        )}
      </header>
      {failure && !status && (
        <FailureNotice title="How it is set up cannot be told" error={failure} onAgain={again} busy={isFetching} />
      )}
      {failure && status && <StaleBar error={failure} onAgain={again} busy={isFetching} />}
      {!failure && !status && <Loading label="Asking Spoor" />}
      {status && addresses && (
        <div className={styles.content}>
          <Listening {...addresses} />
          <Attention rows={status.attention} />
          {senders.data && (
            <Senders
              {...senders.data}
              nowMs={Math.max(senders.dataUpdatedAt, ...senders.data.senders.map((each) => each.lastSeenMs))}
            />
          )}
          {senders.data && <Processes processes={senders.data.processes} />}
          <section className={styles.head}>
            <h2>How to send traces here</h2>
            {(addresses.http ?? addresses.grpc) && (
              <Steps
                addresses={addresses}
                chosen={url.for}
                onChoose={(name) => void navigate({ search: { for: name }, replace: true })}
              />
            )}
          </section>
        </div>
      )}
    </div>
  )
}
