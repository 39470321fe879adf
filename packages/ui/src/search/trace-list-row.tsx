import { Link } from '@tanstack/react-router'
import { formatDuration } from '@spoor/otlp'
import type { TraceRow } from 'spoor/api'
import { memo } from 'react'
import { formatCount, formatCounted, formatShare } from '../format/numbers.ts'
import { formatInstant, formatStart, type Zone } from '../format/time.ts'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import { type BarScale, barShare } from './bar-scale.ts'
import { hasTail } from './tail.ts'
import styles from './trace-list.module.css'

/** One trace: its root, how its time divides among services (to one scale in the whole list), and its figures. */
export const TraceListRow = memo(function TraceListRow(props: {
  row: TraceRow
  /** Of all bars of the list. */
  scale: BarScale
  selected: boolean
  picked: boolean
  hovered: boolean
  zone: Zone
  onHover: (traceId: string | undefined) => void
}) {
  const { row, zone } = props
  const start = BigInt(row.start)
  return (
    <Link
      to="/trace/$id"
      params={{ id: row.traceId }}
      search={{}}
      preload={false}
      className={styles.row}
      data-selected={props.selected}
      data-picked={props.picked}
      data-hovered={props.hovered}
      onPointerEnter={() => props.onHover(row.traceId)}
      onPointerLeave={() => props.onHover(undefined)}
    >
      <span className={styles.root} title={`${row.rootService}  ${row.rootName}\n${row.traceId}`}>
        <i className={`hue ${styles.stripe}`} style={hueStyle(slotOf(row.rootService))} />
        <b>{row.rootService || 'no service'}</b>
        <span className={styles.name}>{row.rootName || 'no name'}</span>
        {row.matched && <Matched matched={row.matched} />}
        {row.orphans > 0 && (
          <span className={styles.orphans} title={`${formatCounted(row.orphans, 'span')} without their parent`}>
            incomplete
          </span>
        )}
      </span>
      <span className={styles.duration}>
        <ServiceBar row={row} scale={props.scale} />
        <b>{formatDuration(row.requestDurationNs)}</b>
        {hasTail(row) && (
          <span className={styles.tailText} title={`${formatDuration(row.tailNs)} of work after the answer`}>
            +{formatDuration(row.tailNs)}
          </span>
        )}
      </span>
      <span className={styles.right}>
        {formatCount(row.spans)} <Unit>spans</Unit>
      </span>
      <span className={styles.right}>
        {formatCount(row.services.length)} <Unit>services</Unit>
      </span>
      <span className={styles.right} data-errors={row.errors > 0}>
        {row.errors > 0 && formatCount(row.errors)}
        {row.errors > 0 && <Unit>errors</Unit>}
      </span>
      <span className={`${styles.right} ${styles.start}`} title={formatInstant(start, zone)}>
        {formatStart(start, zone)}
      </span>
    </Link>
  )
})

/** How many spans the query is about; where a word of it was found, in what. */
function Matched({ matched }: { matched: NonNullable<TraceRow['matched']> }) {
  const count = `${matched.exact ? '' : 'at least '}${formatCounted(matched.spans, 'span')}`
  const key = matched.first.find((span) => span.key !== undefined)?.key
  return (
    <span className={styles.matched} title={`${count} matched, the longest ${formatDuration(matched.longestNs)}`}>
      {key === undefined || key === 'name' || key === 'service' ? `${formatCount(matched.spans)} matched` : `in ${key}`}
    </span>
  )
}

/** The head of the column says it to the eye; a screen reader hears it with the number. */
function Unit({ children }: { children: string }) {
  return <span className="visually-hidden">{children}</span>
}

/** Services with most self time that have a part of their own in a bar. */
const namedServices = 3

function ServiceBar({ row, scale }: { row: TraceRow; scale: BarScale }) {
  const total = row.services.reduce((sum, service) => sum + service.selfTimeNs, 0) || 1
  const shares = row.services
    .map((service) => ({ ...service, share: service.selfTimeNs / total }))
    .sort((a, b) => b.selfTimeNs - a.selfTimeNs)
  const rest = shares.slice(namedServices).reduce((sum, { share }) => sum + share, 0)
  const words = shares.map(({ name, share, selfTimeNs, errors }) => {
    return `${name}  ${formatDuration(selfTimeNs)}  ${formatShare(share)}${errors > 0 ? `  ${formatCounted(errors, 'error')}` : ''}`
  })
  return (
    <span
      className={styles.bar}
      style={{ '--share': barShare(row.durationNs, scale) } as object}
      title={`Self time by service\n${words.join('\n')}`}
    >
      {shares.slice(0, namedServices).map(({ name, share }) => (
        <i
          key={name}
          className="hue"
          style={{ ...hueStyle(slotOf(name)), flexGrow: share * (row.durationNs - row.tailNs) }}
        />
      ))}
      {rest > 0 && <i className={styles.rest} style={{ flexGrow: rest * (row.durationNs - row.tailNs) }} />}
      {hasTail(row) && <i className={styles.tail} style={{ flexGrow: row.tailNs }} />}
    </span>
  )
}
