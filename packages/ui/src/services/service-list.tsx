import { formatDuration } from '@spoor/otlp'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { AggregateResponse } from 'spoor/api'
import { formatCount, formatShare } from '../format/numbers.ts'
import { Answer } from '../search/groups/answer.tsx'
import groups from '../search/groups/groups.module.css'
import { serviceGroupsQuery } from '../search/groups/queries.ts'
import { rateText } from '../search/groups/rate-text.ts'
import { Sparkline } from '../search/groups/sparkline.tsx'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'

/** The services by what they were asked, all of it counted by the store. A click tells more of one. */
export function ServiceList({ range, service }: { range: string; service: string | undefined }) {
  const result = useQuery(serviceGroupsQuery({ range }))
  return (
    <Answer label="Services" result={result}>
      {(data) => (
        <table className={groups.table}>
          <caption className="visually-hidden">Services by the spans in which they were asked</caption>
          <thead>
            <tr>
              <th scope="col">Service</th>
              {['Asked', 'Rate', 'p50', 'p95', 'p99', 'Errors'].map((column) => (
                <th key={column} scope="col" className={groups.figure}>
                  {column}
                </th>
              ))}
              <th scope="col">Over time</th>
            </tr>
          </thead>
          <tbody>
            {data.groups.map((group) => (
              <Service key={group.key[0] ?? ''} group={group} bucketNs={data.bucketNs} selected={service} />
            ))}
          </tbody>
        </table>
      )}
    </Answer>
  )
}

function Service(props: {
  group: AggregateResponse['groups'][number]
  bucketNs: number
  selected: string | undefined
}) {
  const { group } = props
  const name = group.key[0] ?? ''
  const [p50 = 0, p95 = 0, p99 = 0] = group.percentilesNs
  const buckets = group.buckets ?? []
  return (
    <tr className={groups.group}>
      <th scope="row">
        <Link
          to="/services"
          search={(url) => ({ ...url, service: name })}
          preload={false}
          activeOptions={{ exact: true }}
          aria-current={name === props.selected ? 'true' : undefined}
        >
          <i className={`hue ${groups.stripe}`} style={hueStyle(slotOf(name))} />
          <b>{name || 'no service'}</b>
        </Link>
      </th>
      <td className={groups.figure}>{formatCount(group.count)}</td>
      <td className={groups.figure}>{rateText(group.perSecond)}</td>
      {[p50, p95, p99].map((ns, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- the percentiles are always these three
        <td key={index} className={groups.figure}>
          {formatDuration(ns)}
        </td>
      ))}
      <td className={groups.figure} data-errors={group.errors > 0}>
        {group.errors > 0 && `${formatCount(group.errors)} · ${formatShare(group.errors / group.count)}`}
      </td>
      <td>
        <Sparkline
          counts={buckets.map(({ count }) => count)}
          errors={buckets.map(({ errors }) => errors)}
          bucketNs={props.bucketNs}
        />
      </td>
    </tr>
  )
}
