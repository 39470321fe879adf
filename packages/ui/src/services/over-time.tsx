import { formatDuration } from '@spoor/otlp'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { AggregateResponse } from 'spoor/api'
import { type MouseEvent, useState } from 'react'
import { formatCount, formatShare } from '../format/numbers.ts'
import { formatStart } from '../format/time.ts'
import { overTimeQuery } from '../search/groups/queries.ts'
import { rateText } from '../search/groups/rate-text.ts'
import { sparkPath } from '../search/groups/spark.ts'
import type { SearchUrl } from '../search/search-url.ts'
import { useSettings } from '../settings/settings.ts'
import styles from './over-time.module.css'

type Bucket = NonNullable<AggregateResponse['total']['buckets']>[number]

interface Chart {
  readonly label: string
  readonly valueOf: (bucket: Bucket) => number
  readonly textOf: (bucket: Bucket, bucketNs: number) => string
  /** The search that a point leads to. */
  readonly search: (url: SearchUrl) => SearchUrl
  readonly tone?: 'error'
}

const charts: readonly Chart[] = [
  {
    label: 'Rate',
    valueOf: ({ count }) => count,
    textOf: ({ count }, bucketNs) => `${rateText(count / (bucketNs / 1e9))}, ${formatCount(count)}`,
    search: (url) => url,
  },
  {
    label: 'Errors',
    valueOf: ({ errors }) => errors,
    textOf: ({ errors, count }) => `${formatCount(errors)} failed, ${formatShare(errors / (count || 1))}`,
    search: (url) => ({ ...url, q: `${url.q} status:error` }),
    tone: 'error',
  },
  {
    label: 'p95',
    valueOf: ({ percentilesNs }) => percentilesNs[1] ?? 0,
    textOf: ({ percentilesNs }) =>
      `p95 ${formatDuration(percentilesNs[1] ?? 0)}, p99 ${formatDuration(percentilesNs[2] ?? 0)}`,
    search: (url) => ({ ...url, order: 'longest_match' }),
  },
]

const [width, height] = [300, 40]

/** Rate, errors and duration of a service over time. A click on a point leads to the traces of that time. */
export function OverTime({ url }: { url: SearchUrl }) {
  const { data } = useQuery(overTimeQuery(url))
  if (!data?.total.buckets) return <div className={styles.charts} aria-busy="true" />
  return (
    <div className={styles.charts}>
      {charts.map((chart) => (
        <ChartBox key={chart.label} chart={chart} data={data} buckets={data.total.buckets ?? []} url={url} />
      ))}
    </div>
  )
}

function ChartBox(props: { chart: Chart; data: AggregateResponse; buckets: readonly Bucket[]; url: SearchUrl }) {
  const { chart, data, buckets } = props
  const navigate = useNavigate()
  const zone = useSettings((settings) => settings.zone)
  const [hovered, setHovered] = useState(-1)
  const values = buckets.map(chart.valueOf)
  const peak = values.reduce((most, value) => Math.max(most, value), 0)
  const at = (event: MouseEvent) => {
    const bounds = event.currentTarget.getBoundingClientRect()
    return Math.min(
      buckets.length - 1,
      Math.max(0, Math.floor(((event.clientX - bounds.left) / bounds.width) * buckets.length)),
    )
  }
  const fromOf = (index: number) => BigInt(data.bucketsFrom) + BigInt(index) * BigInt(data.bucketNs)
  const shown = buckets[hovered]
  const most = buckets[values.indexOf(peak)]
  return (
    <figure className={styles.chart}>
      <figcaption>
        <b>{chart.label}</b>{' '}
        {shown ? (
          <>
            {chart.textOf(shown, data.bucketNs)} <small>{formatStart(fromOf(hovered), zone)}</small>
          </>
        ) : (
          most && peak > 0 && <>at most {chart.textOf(most, data.bucketNs)}</>
        )}
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${chart.label} over time. A click shows the traces of a point.`}
        data-tone={chart.tone}
        onPointerMove={(event) => setHovered(at(event))}
        onPointerLeave={() => setHovered(-1)}
        onClick={(event) => {
          const from = fromOf(at(event))
          const { range: _, ...rest } = chart.search(props.url)
          void navigate({
            to: '/search',
            search: { ...rest, from: String(from), to: String(from + BigInt(data.bucketNs) - 1n) },
          })
        }}
      >
        {hovered >= 0 && (
          <rect
            className={styles.here}
            x={(hovered * width) / buckets.length}
            width={width / buckets.length}
            height={height}
          />
        )}
        <path d={sparkPath(values, peak || 1, width, height)} />
      </svg>
    </figure>
  )
}
