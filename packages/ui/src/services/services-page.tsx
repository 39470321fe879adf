import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { DependenciesResponse } from 'spoor/api'
import { useEffect } from 'react'
import { dependenciesQuery } from '../api/queries.ts'
import { formatCounted } from '../format/numbers.ts'
import { TimeRange } from '../search/time-range.tsx'
import { FailureNotice, StaleBar } from '../widgets/failure-notice.tsx'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Loading } from '../widgets/loading.tsx'
import { Notice } from '../widgets/notice.tsx'
import page from '../widgets/page.module.css'
import { without } from '../url/without.ts'
import { useLastFailure } from '../widgets/use-last-failure.ts'
import styles from './services.module.css'
import type { ServicesUrl } from './services-url.ts'

const ServiceMap = lazyPart(async () => (await import('./service-map.tsx')).ServiceMap, {
  name: 'The map',
})

const ServiceList = lazyPart(async () => (await import('./service-list.tsx')).ServiceList, {
  name: 'The list',
})

const ServicePanel = lazyPart(async () => (await import('./service-panel.tsx')).ServicePanel, {
  name: 'The service',
})

const route = getRouteApi('/services')

/** Which service calls which, how often, how fast, and how often in vain; a service that is selected is told of below. */
export function ServicesPage() {
  const url = route.useSearch()
  const navigate = useNavigate({ from: '/services' })
  const range = url.range ?? '1h'
  const isList = url.show === 'list'
  const { data, error, isFetching, refetch } = useQuery(dependenciesQuery(range === 'all' ? undefined : range))
  const failure = useLastFailure(error, data !== undefined, range)
  const again = () => void refetch()
  const select = (service: string | undefined) =>
    void navigate({
      search: service === undefined ? without(url, ['service', 'around']) : { ...url, service },
      replace: url.service !== undefined,
    })
  const show = (how: Pick<ServicesUrl, 'around' | 'all'>) =>
    void navigate({ search: { ...without(url, ['around', 'all']), ...how } })
  useEffect(() => {
    document.title = 'Services - Spoor'
  }, [])
  return (
    <div className={page.page}>
      <header className={`${page.header} ${styles.header}`}>
        <h1>Services</h1>
        <nav className={styles.switch} aria-label="How they are shown">
          {(['map', 'list'] as const).map((show) => (
            <Link
              key={show}
              to="/services"
              search={{ ...without(url, ['show']), ...(show === 'list' && { show }) }}
              replace
              preload={false}
              activeOptions={{ exact: true }}
              aria-current={isList === (show === 'list') ? 'true' : undefined}
            >
              {show === 'map' ? 'Map' : 'List'}
            </Link>
          ))}
        </nav>
        {data && <span className={styles.summary}>{summary(data.edges)}</span>}
        <TimeRange
          url={url}
          fixed={false}
          onChange={({ range }) => void navigate({ search: { ...without(url, ['range']), ...(range && { range }) } })}
        />
      </header>
      {failure && !data && (
        <FailureNotice title="The services cannot be shown" error={failure} onAgain={again} busy={isFetching} />
      )}
      {failure && data && <StaleBar error={failure} onAgain={again} busy={isFetching} />}
      {!failure && !data && <Loading label="Looking for calls between services" />}
      {isList && (
        <div className={styles.canvas}>
          <ServiceList range={range} service={url.service} />
        </div>
      )}
      {!isList && data?.edges.length === 0 && (
        <Notice title="No calls between services">
          <p>In this time no span had a parent in another service. A longer time range may have some.</p>
        </Notice>
      )}
      {data && (
        <>
          {!data.complete && (
            <p className={styles.warning} role="status">
              Not complete: it took too long or a part of the store is damaged, so the numbers are too small.
            </p>
          )}
          {!isList && data.edges.length > 0 && (
            <div className={styles.canvas}>
              <ServiceMap edges={data.edges} url={url} onSelect={select} onShow={show} />
            </div>
          )}
          {url.service !== undefined && (
            <ServicePanel
              key={url.service}
              service={url.service}
              edges={data.edges}
              range={url.range}
              onClose={() => select(undefined)}
            />
          )}
        </>
      )}
    </div>
  )
}

function summary(edges: DependenciesResponse['edges']): string {
  const services = new Set(edges.flatMap((edge) => [edge.parent, edge.child])).size
  const calls = edges.reduce((sum, edge) => sum + edge.calls, 0)
  return `${formatCounted(calls, 'call')} between ${formatCounted(services, 'service')}`
}
