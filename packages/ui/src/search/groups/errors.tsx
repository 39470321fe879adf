import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ErrorGroupRow } from 'spoor/api'
import { useState } from 'react'
import { formatCount, formatCounted } from '../../format/numbers.ts'
import { formatInstant, formatStart } from '../../format/time.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { slotOf } from '../../service-color/kept-colors.ts'
import { useSettings } from '../../settings/settings.ts'
import type { SearchUrl } from '../search-url.ts'
import { Answer } from './answer.tsx'
import styles from './groups.module.css'
import { errorGroupsQuery, everQuery } from './queries.ts'
import { isTold, toldFirst } from './told-errors.ts'
import { Sparkline } from './sparkline.tsx'

const maxGroups = 200
const namedServices = 3

/** The errors among all that matches, the same ones together. A click opens the latest trace that has one, at the span that failed. */
export function Errors({ url }: { url: SearchUrl }) {
  const result = useQuery(errorGroupsQuery(url, maxGroups))
  const isAll = url.range === 'all' && url.from === undefined
  const [asked, setAsked] = useState(false)
  const ever = useQuery({ ...everQuery(url), enabled: asked && !isAll })
  const firsts = ever.data && new Map(ever.data.groups.map(({ id, firstSeen }) => [id, firstSeen]))
  return (
    <Answer label="Errors" result={result}>
      {(data) =>
        data.groups.length === 0 ? (
          <p className={styles.none}>No span that matches tells of an error.</p>
        ) : (
          <table className={styles.table}>
            <caption className="visually-hidden">Errors of spans that match, the same ones together</caption>
            <thead>
              <tr>
                <th scope="col">Error</th>
                <th scope="col">Services</th>
                <th scope="col" className={styles.figure} aria-sort="descending">
                  Spans
                </th>
                <th
                  scope="col"
                  className={styles.figure}
                  title={isAll || firsts ? 'Ever, in what is kept' : 'In the time range that is searched'}
                >
                  First seen{' '}
                  {!isAll && !firsts && (
                    <button
                      type="button"
                      className={styles.more}
                      disabled={ever.isFetching}
                      title="Look for them in all time"
                      onClick={() => setAsked(true)}
                    >
                      {ever.isFetching ? 'looking' : ever.error ? 'failed: again' : 'ever?'}
                    </button>
                  )}
                </th>
                <th scope="col" className={styles.figure}>
                  Last seen
                </th>
                <th scope="col">Over time</th>
              </tr>
            </thead>
            <tbody>
              {toldFirst(data.groups).map((group) => (
                <ErrorGroup
                  key={group.id}
                  group={group}
                  bucketNs={data.bucketNs}
                  firstEver={firsts?.get(group.id)}
                  isNew={firsts !== undefined && BigInt(firsts.get(group.id) ?? 0) >= BigInt(data.from)}
                />
              ))}
            </tbody>
            {data.moreGroups > 0 && (
              <tfoot>
                <tr>
                  <th scope="row" colSpan={6}>
                    {formatCounted(data.moreGroups, 'more error')}
                  </th>
                </tr>
              </tfoot>
            )}
          </table>
        )
      }
    </Answer>
  )
}

function ErrorGroup(props: {
  group: ErrorGroupRow
  bucketNs: number
  /** Undefined: it was not looked for. */
  firstEver: string | undefined
  isNew: boolean
}) {
  const { group, bucketNs } = props
  const { type, message, frame, services, count, buckets = [] } = group
  const [latest] = group.exemplars
  const words = isTold(group) ? (
    <>
      {props.isNew && <em className={styles.new}>new</em>} <b>{type || 'error'}</b> <bdi>{message || 'no message'}</bdi>{' '}
      {frame && <bdi className={styles.frame}>{frame}</bdi>}
    </>
  ) : (
    <>
      {props.isNew && <em className={styles.new}>new</em>} failed without a message or an exception: often as what it
      called has
    </>
  )
  return (
    <tr className={styles.group}>
      <th scope="row" title={[type, message, frame].filter(Boolean).join('\n')}>
        {latest ? (
          <Link to="/trace/$id" params={{ id: latest.traceId }} search={{ span: latest.spanId }} preload={false}>
            {words}
          </Link>
        ) : (
          words
        )}
      </th>
      <td title={services.map(({ name, spans }) => `${name}  ${formatCounted(spans, 'span')}`).join('\n')}>
        {services.slice(0, namedServices).map(({ name }) => (
          <span key={name} className={styles.service}>
            <i className={`hue ${styles.stripe}`} style={hueStyle(slotOf(name))} />
            <bdi>{name || 'no service'}</bdi>
          </span>
        ))}
        {services.length > namedServices && `+ ${services.length - namedServices}`}
      </td>
      <td className={styles.figure}>{formatCount(count)}</td>
      <Seen at={props.firstEver ?? group.firstSeen} />
      <Seen at={group.lastSeen} />
      <td>
        <Sparkline counts={buckets} errors={buckets} bucketNs={bucketNs} />
      </td>
    </tr>
  )
}

function Seen({ at }: { at: string }) {
  const zone = useSettings((settings) => settings.zone)
  return (
    <td className={styles.figure} title={formatInstant(BigInt(at), zone)}>
      {formatStart(BigInt(at), zone)}
    </td>
  )
}
