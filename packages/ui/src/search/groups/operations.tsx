import { formatDuration } from '@spoor/otlp'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { AggregateResponse, MeasuresRow } from 'spoor/api'
import { useState } from 'react'
import { formatCount, formatCounted, formatShare } from '../../format/numbers.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { slotOf } from '../../service-color/kept-colors.ts'
import { without } from '../../url/without.ts'
import { narrowedTo } from '../query-text.ts'
import type { GroupSort, SearchUrl } from '../search-url.ts'
import { Answer } from './answer.tsx'
import { percentileOf } from './groups.ts'
import styles from './groups.module.css'
import { operationGroupsQuery } from './queries.ts'
import { rateText } from './rate-text.ts'
import { Sparkline } from './sparkline.tsx'

const fewGroups = 20
const manyGroups = 500

/** A column, and what the groups are sorted by at a click on its head. */
const columns: readonly { readonly label: string; readonly sort?: GroupSort; readonly help?: string }[] = [
  { label: 'Spans', sort: 'count' },
  { label: 'Rate', help: 'Spans a second, over the whole time range' },
  { label: 'p50' },
  { label: 'p95', sort: 'p95' },
  { label: 'p99' },
  { label: 'Total', sort: 'total', help: 'Durations of all of them together' },
  { label: 'Errors', sort: 'errors' },
]

/** Operation by operation: how many spans match, how long they took, how often they failed. A click narrows the query to one. */
export function Operations({ url, onChange }: { url: SearchUrl; onChange: (url: SearchUrl) => void }) {
  const sort = url.groups ?? 'count'
  const [limit, setLimit] = useState(fewGroups)
  const result = useQuery(operationGroupsQuery(url, sort, limit))
  const sortBy = (next: GroupSort) =>
    onChange({ ...without(url, ['groups']), ...(next !== 'count' && { groups: next }) })
  return (
    <Answer label="Operations" result={result}>
      {(data) => (
        <table className={styles.table}>
          <caption className="visually-hidden">Spans that match, by service and name</caption>
          <thead>
            <tr>
              <th scope="col">Operation</th>
              {columns.map((column) => (
                <Head key={column.label} {...column} sorted={sort} onSort={sortBy} />
              ))}
              <th scope="col">Over time</th>
            </tr>
          </thead>
          <tbody>
            {data.groups.map((group) => (
              <Operation key={JSON.stringify(group.key)} group={group} url={url} sort={sort} bucketNs={data.bucketNs} />
            ))}
          </tbody>
          <tfoot>
            {data.rest && (
              <tr>
                <th scope="row">
                  {formatCounted(data.rest.groups, 'more operation')}{' '}
                  {limit < manyGroups && (
                    <button type="button" className={styles.more} onClick={() => setLimit(manyGroups)}>
                      Show more
                    </button>
                  )}
                </th>
                <Figures measures={data.rest} sort={sort} bucketNs={data.bucketNs} />
              </tr>
            )}
            <tr>
              <th scope="row">All</th>
              <Figures measures={data.total} sort={sort} bucketNs={data.bucketNs} />
            </tr>
          </tfoot>
        </table>
      )}
    </Answer>
  )
}

function Head(props: (typeof columns)[number] & { sorted: GroupSort; onSort: (sort: GroupSort) => void }) {
  const { label, sort, help, sorted } = props
  if (!sort) {
    return (
      <th scope="col" className={styles.figure} title={help}>
        {label}
      </th>
    )
  }
  return (
    <th scope="col" className={styles.figure} title={help} aria-sort={sort === sorted ? 'descending' : undefined}>
      <button type="button" onClick={() => props.onSort(sort)}>
        {label}
      </button>
    </th>
  )
}

function Operation(props: {
  group: AggregateResponse['groups'][number]
  url: SearchUrl
  sort: GroupSort
  bucketNs: number
}) {
  const { group, url } = props
  const [service = null, name = null] = group.key
  const q = narrowedTo(url.q ?? '', { service, name })
  return (
    <tr className={styles.group}>
      <th scope="row">
        <Link to="/search" search={{ ...url, q }} preload={false} title={`${service ?? ''}  ${name ?? ''}`}>
          <i className={`hue ${styles.stripe}`} style={hueStyle(slotOf(service ?? ''))} />
          <b>{service || 'no service'}</b> <bdi>{name || 'no name'}</bdi>
        </Link>
      </th>
      <Figures measures={group} sort={props.sort} bucketNs={props.bucketNs} />
    </tr>
  )
}

function Figures({ measures, sort, bucketNs }: { measures: MeasuresRow; sort: GroupSort; bucketNs: number }) {
  const { count, errors, perSecond, sumNs, buckets = [] } = measures
  return (
    <>
      <td className={styles.figure}>{formatCount(count)}</td>
      <td className={styles.figure}>{rateText(perSecond)}</td>
      {[0.5, 0.95, 0.99].map((share) => (
        <td key={share} className={styles.figure}>
          {formatDuration(percentileOf(measures, sort, share))}
        </td>
      ))}
      <td className={styles.figure}>{formatDuration(sumNs)}</td>
      <td className={styles.figure} data-errors={errors > 0}>
        {errors > 0 && `${formatCount(errors)} · ${formatShare(errors / count)}`}
      </td>
      <td>
        <Sparkline
          counts={buckets.map((bucket) => bucket.count)}
          errors={buckets.map((bucket) => bucket.errors)}
          bucketNs={bucketNs}
        />
      </td>
    </>
  )
}
