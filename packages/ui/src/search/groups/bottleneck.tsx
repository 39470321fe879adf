import { formatDuration } from '@spoor/otlp'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { BottleneckResponse } from 'spoor/api'
import { useState } from 'react'
import { formatCount, formatCounted, formatShare } from '../../format/numbers.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { slotOf } from '../../service-color/kept-colors.ts'
import { withSpan } from '../query-text.ts'
import type { SearchUrl } from '../search-url.ts'
import { Answer } from './answer.tsx'
import styles from './groups.module.css'
import { bottleneckQuery } from './queries.ts'

const maxRows = 100

type Share = BottleneckResponse['services'][number] & { readonly name?: string }

/** Where the time of all requests went that match: what they waited for, by service or by operation. */
export function Bottleneck({ url }: { url: SearchUrl }) {
  const [by, setBy] = useState<'services' | 'operations'>('services')
  const result = useQuery(bottleneckQuery(url, maxRows))
  return (
    <Answer label="Bottleneck" result={result}>
      {(data) => (
        <table className={styles.table}>
          <caption className="visually-hidden">
            What {formatCounted(data.traces, 'request')} waited for: {formatDuration(data.requestNs)} together
          </caption>
          <thead>
            <tr>
              <th scope="col">
                <button type="button" onClick={() => setBy(by === 'services' ? 'operations' : 'services')}>
                  {by === 'services' ? 'Service' : 'Operation'} (show {by === 'services' ? 'operations' : 'services'})
                </button>
              </th>
              <th
                scope="col"
                className={styles.figure}
                aria-sort="descending"
                title="On the critical paths: what requests would be shorter without"
              >
                Waited for
              </th>
              <th scope="col" className={styles.figure}>
                Share
              </th>
              <th scope="col" className={styles.figure} title="Of the requests that match, how many waited for it">
                Requests
              </th>
              <th
                scope="col"
                className={styles.figure}
                title="Time in none of its spans' children, whether somebody waited or not"
              >
                Self time
              </th>
              <th scope="col" className={styles.figure}>
                Spans
              </th>
              <th scope="col" className={styles.figure}>
                Worst trace
              </th>
            </tr>
          </thead>
          <tbody>
            {(data[by] as readonly Share[]).map((share) => (
              <Row key={`${share.service} ${share.name ?? ''}`} share={share} data={data} url={url} />
            ))}
          </tbody>
        </table>
      )}
    </Answer>
  )
}

function Row({ share, data, url }: { share: Share; data: BottleneckResponse; url: SearchUrl }) {
  const { service, name, criticalNs, exemplar } = share
  const q = withSpan(url.q ?? '', { service, ...(name !== undefined && { name }) })
  return (
    <tr className={styles.group}>
      <th scope="row">
        <Link to="/search" search={{ ...url, q }} preload={false} title={`${service}  ${name ?? ''}`}>
          <i className={`hue ${styles.stripe}`} style={hueStyle(slotOf(service))} />
          <b>{service || 'no service'}</b> {name !== undefined && <bdi>{name || 'no name'}</bdi>}
        </Link>
      </th>
      <td className={styles.figure}>{formatDuration(criticalNs)}</td>
      <td className={styles.figure}>{formatShare(criticalNs / (data.requestNs || 1))}</td>
      <td className={styles.figure}>{formatCount(share.criticalTraces)}</td>
      <td className={styles.figure}>{formatDuration(share.selfNs)}</td>
      <td className={styles.figure}>{formatCount(share.spans)}</td>
      <td className={styles.figure}>
        {exemplar && (
          <Link to="/trace/$id" params={{ id: exemplar.traceId }} search={{}} preload={false}>
            {formatDuration(exemplar.criticalNs)}
          </Link>
        )}
      </td>
    </tr>
  )
}
