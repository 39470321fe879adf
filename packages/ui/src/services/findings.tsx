import { queryOptions, useQuery } from '@tanstack/react-query'
import type { FindingsResponse } from 'spoor/api'
import { getJson } from '../api/client.ts'
import { formatCounted } from '../format/numbers.ts'
import { Attention } from '../setup/attention.tsx'
import styles from './service-panel.module.css'

function findingsQuery(service: string, range: string | undefined) {
  const from = range === 'all' ? undefined : range
  return queryOptions({
    queryKey: ['findings', service, from],
    queryFn: ({ signal }) => getJson<FindingsResponse>('findings', { service, from }, signal),
    retry: false,
  })
}

/** What the service's traces show that somebody can mend; nothing where there is nothing, or it cannot be told. */
export function Findings({ service, range }: { service: string; range: string | undefined }) {
  const { data } = useQuery(findingsQuery(service, range))
  if (!data || data.findings.length === 0) return null
  return (
    <details className={styles.findings}>
      <summary>{formatCounted(data.findings.length, 'thing')} to mend, by what its traces show</summary>
      <Attention rows={data.findings} />
    </details>
  )
}
