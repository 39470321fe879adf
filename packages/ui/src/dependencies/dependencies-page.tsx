import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import type { DependenciesResponse } from 'spoor/api'
import { lazy, Suspense, useEffect } from 'react'
import { dependenciesQuery } from '../api/queries.ts'
import { formatCounted } from '../format/numbers.ts'
import { TimeRange } from '../search/time-range.tsx'
import { Notice } from '../widgets/notice.tsx'
import styles from './dependencies.module.css'

const DependencyCanvas = lazy(async () => ({ default: (await import('./dependency-canvas.tsx')).DependencyCanvas }))

const route = getRouteApi('/dependencies')

/** Which service calls which, how often, and how often in vain. */
export function DependenciesPage() {
  const url = route.useSearch()
  const navigate = useNavigate({ from: '/dependencies' })
  const range = url.range ?? '1h'
  const { data, error } = useQuery(dependenciesQuery(range === 'all' ? undefined : range))
  useEffect(() => {
    document.title = 'Dependencies - Spoor'
  }, [])
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <h1>Dependencies</h1>
        {data && <span>{summary(data.edges)}</span>}
        <TimeRange
          url={url}
          fixed={false}
          onChange={(times) => void navigate({ search: times.range ? { range: times.range } : {} })}
        />
      </header>
      {error && (
        <Notice title="The dependencies cannot be shown" tone="error">
          <p>{error.message}</p>
        </Notice>
      )}
      {data?.edges.length === 0 && (
        <Notice title="No calls between services">
          <p>In this time no span had a parent in another service. A longer time range may have some.</p>
        </Notice>
      )}
      {data && data.edges.length > 0 && (
        <div className={styles.canvas}>
          <Suspense>
            <DependencyCanvas edges={data.edges} />
          </Suspense>
        </div>
      )}
    </div>
  )
}

function summary(edges: DependenciesResponse['edges']): string {
  const services = new Set(edges.flatMap((edge) => [edge.parent, edge.child])).size
  const calls = edges.reduce((sum, edge) => sum + edge.calls, 0)
  return `${formatCounted(services, 'service')}, ${formatCounted(calls, 'call')}`
}
