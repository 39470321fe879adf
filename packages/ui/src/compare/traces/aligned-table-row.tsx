import { formatDuration } from '@spoor/otlp'
import { spanIdOf } from '@spoor/trace'
import { Link } from '@tanstack/react-router'
import { formatCount, formatCounted, formatShare } from '../../format/numbers.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { initialsOf } from '../../service-color/service-color.ts'
import { slotOf } from '../../service-color/kept-colors.ts'
import type { LoadedTrace } from '../../trace/loaded-trace.ts'
import type { AlignedRow, Place } from './align.ts'
import styles from './two-traces.module.css'

/** Pixels; two-traces.module.css has the same. */
export const rowHeight = 24

/** One place of both traces: what is there in each, and the difference. */
export function AlignedTableRow(props: {
  row: AlignedRow
  index: number
  left: LoadedTrace
  right: LoadedTrace
  scaleNs: number
}) {
  const { row, scaleNs } = props
  const delta = row.right.waitNs - row.left.waitNs
  const share = Math.abs(delta) / scaleNs
  const only = row.left.spans === 0 ? 'B' : row.right.spans === 0 ? 'A' : undefined
  return (
    <div
      className={`hue ${styles.row}`}
      role="row"
      aria-rowindex={props.index + 2}
      data-only={only}
      style={{ ...hueStyle(slotOf(row.service)), transform: `translateY(${props.index * rowHeight}px)` }}
    >
      <div
        role="rowheader"
        className={styles.name}
        style={{ paddingLeft: 8 + Math.min(row.depth, 24) * 12 }}
        title={`${row.service}  ${row.name}`}
      >
        <i className={styles.chip}>{initialsOf(row.service)}</i>
        <b>{row.service || 'no service'}</b>
        <bdi>{row.name || 'no name'}</bdi>
        {only && <small>only in {only}</small>}
      </div>
      <Figures place={row.left} loaded={props.left} />
      <Figures place={row.right} loaded={props.right} />
      <div role="cell" className={styles.delta} data-small={share < 0.01}>
        {Math.abs(delta) >= 1 && (
          <>
            <i
              data-more={delta > 0}
              style={{
                width: `${share * 36}%`,
                ...(delta > 0 ? { left: '50%' } : { right: '50%' }),
              }}
            />
            <span
              style={
                delta > 0 ? { left: `calc(50% + ${share * 36}% + 6px)` } : { right: `calc(50% + ${share * 36}% + 6px)` }
              }
            >
              <DeltaText ns={delta} />
            </span>
          </>
        )}
      </div>
    </div>
  )
}

function Figures({ place, loaded: { trace, verdict } }: { place: Place; loaded: LoadedTrace }) {
  if (place.row < 0) return <div role="cell" className={styles.figure} />
  return (
    <div role="cell" className={styles.figure}>
      <Link
        to="/trace/$id"
        params={{ id: trace.traceId }}
        search={{ span: spanIdOf(trace, place.row) }}
        preload={false}
        title={`The longest of them. The request waited ${formatDuration(place.waitNs)} for ${place.spans === 1 ? 'it' : 'them'}, ${formatShare(place.waitNs / (verdict.requestNs || 1))} of its time`}
      >
        {formatDuration(place.ns)}
      </Link>
      {place.spans > 1 && <small>{formatCount(place.spans)}×</small>}
      {place.errors > 0 && (
        <em title={formatCounted(place.errors, 'error')} aria-label={formatCounted(place.errors, 'error')}>
          !
        </em>
      )}
    </div>
  )
}

/** `+12 ms` */
export function DeltaText({ ns }: { ns: number }) {
  return (
    <>
      {ns > 0 ? '+' : '−'}
      {formatDuration(Math.abs(ns))}
    </>
  )
}
