import { Link } from '@tanstack/react-router'
import { formatDuration } from '@spoor/otlp'
import type { TraceRow } from 'spoor/api'
import { memo } from 'react'
import { formatCount, formatCounted, formatShare } from '../format/numbers.ts'
import { formatInstant, formatStart, type Zone } from '../format/time.ts'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import { type BarScale, barShare } from './bar-scale.ts'
import type { ColumnKey } from './columns.ts'
import { hasTail } from './tail.ts'
import styles from './trace-list.module.css'

/** One trace: its root, and what is in the columns that were chosen. */
export const TraceListRow = memo(function TraceListRow(props: {
  row: TraceRow
  columns: readonly ColumnKey[]
  /** Of all bars of the list. */
  scale: BarScale
  selected: boolean
  picked: boolean
  hovered: boolean
  zone: Zone
  onHover: (traceId: string | undefined) => void
}) {
  const { row, zone, scale } = props
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
      {props.columns.map((key) => (
        <Cell key={key} column={key} row={row} scale={scale} zone={zone} />
      ))}
    </Link>
  )
})

function Cell({ column, row, scale, zone }: { column: ColumnKey; row: TraceRow; scale: BarScale; zone: Zone }) {
  if (column === 'duration') {
    return (
      <span className={styles.duration}>
        <ServiceBar row={row} scale={scale} />
        <b>{formatDuration(row.requestDurationNs)}</b>
        {hasTail(row) && (
          <span className={styles.tailText} title={`${formatDuration(row.tailNs)} of work after the answer`}>
            +{formatDuration(row.tailNs)}
          </span>
        )}
      </span>
    )
  }
  if (column === 'start') {
    const start = BigInt(row.start)
    return (
      <span className={`${styles.right} ${styles.start}`} data-column={column} title={formatInstant(start, zone)}>
        {formatStart(start, zone)}
      </span>
    )
  }
  const [text, unit] = figureOf(column, row)
  return (
    <span className={styles.right} data-column={column} data-errors={column === 'errors' && row.errors > 0}>
      {text} {unit && <Unit>{unit}</Unit>}
    </span>
  )
}

/** What stands in a column, and what a screen reader hears behind it. */
function figureOf(
  column: Exclude<ColumnKey, 'duration' | 'start'>,
  row: TraceRow,
): readonly [text: string, unit?: string] {
  switch (column) {
    case 'spans':
      return [formatCount(row.spans), 'spans']
    case 'services':
      return [formatCount(row.services.length), 'services']
    case 'errors':
      return row.errors > 0 ? [formatCount(row.errors), 'errors'] : ['']
    case 'tail':
      return row.tailNs > 0 ? [formatDuration(row.tailNs), 'after the answer'] : ['']
    case 'whole':
      return [formatDuration(row.durationNs), 'in all']
    case 'orphans':
      return row.orphans > 0 ? [formatCount(row.orphans), 'without their parent'] : ['']
    default:
      return [row.traceId.slice(0, 8)]
  }
}

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
