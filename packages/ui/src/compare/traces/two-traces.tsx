import { formatDuration } from '@spoor/otlp'
import { Link } from '@tanstack/react-router'
import { useMemo, useRef } from 'react'
import { useRows } from '../../canvas/use-rows.ts'
import { formatCount, formatCounted } from '../../format/numbers.ts'
import { formatStart } from '../../format/time.ts'
import { useSettings } from '../../settings/settings.ts'
import type { LoadedTrace } from '../../trace/loaded-trace.ts'
import { useTrace } from '../../trace/trace-query.ts'
import { FailureNotice } from '../../widgets/failure-notice.tsx'
import { Loading } from '../../widgets/loading.tsx'
import page from '../../widgets/page.module.css'
import { type AlignedRow, alignTraces, largestDifferences } from './align.ts'
import { AlignedTableRow, DeltaText, rowHeight } from './aligned-table-row.tsx'
import styles from './two-traces.module.css'

/** Places that are named in the verdict. */
const named = 3

/** Two traces laid over each other: at each place, what B waited for longer, or shorter, than A. */
export function TwoTraces(props: { left: string; right: string }) {
  const left = useTrace(props.left)
  const right = useTrace(props.right)
  const failed = [left, right].find(({ error, data }) => error && !data)
  if (failed?.error) {
    return (
      <FailureNotice
        title="The traces cannot be compared"
        error={failed.error}
        onAgain={() => void failed.refetch()}
        busy={failed.isFetching}
      />
    )
  }
  if (!left.data || !right.data) return <Loading label="Loading both traces" />
  return <Aligned left={left.data} right={right.data} />
}

function Aligned({ left, right }: { left: LoadedTrace; right: LoadedTrace }) {
  const rows = useMemo(() => alignTraces(left, right), [left, right])
  const first = useMemo(() => largestDifferences(rows, named), [rows])
  const scaleNs = useMemo(
    () => rows.reduce((most, row) => Math.max(most, Math.abs(row.right.waitNs - row.left.waitNs)), 1),
    [rows],
  )
  const scroller = useRef<HTMLDivElement>(null)
  const shown = useRows(scroller, { count: rows.length, rowHeight, headHeight: 28 })
  const by = right.verdict.requestNs - left.verdict.requestNs
  return (
    <div className={page.page}>
      <header className={styles.header}>
        <h1>Compare</h1>
        <Side name="A" loaded={left} />
        <Side name="B" loaded={right} />
        <Link
          to="/compare"
          search={{ left: right.trace.traceId, right: left.trace.traceId }}
          preload={false}
          className={styles.swap}
        >
          Swap
        </Link>
      </header>
      <p className={styles.verdict}>
        {Math.abs(by) < 1000 ? (
          'Both requests took as long'
        ) : (
          <>
            B took <b>{formatDuration(Math.abs(by))}</b> {by > 0 ? 'longer' : 'less'}
          </>
        )}
        {first.map((row) => (
          <span key={`${row.depth} ${row.service} ${row.name} ${row.left.row} ${row.right.row}`}>
            <DeltaText ns={row.right.waitNs - row.left.waitNs} /> in{' '}
            <button type="button" onClick={() => shown.reveal(rows.indexOf(row))}>
              <bdi>{row.service || 'no service'}</bdi> › <bdi>{row.name || 'no name'}</bdi>
            </button>
            {timesText(row)}
          </span>
        ))}
      </p>
      <div
        ref={scroller}
        className={styles.scroller}
        role="table"
        tabIndex={0}
        aria-label="Both traces by structure"
        aria-rowcount={rows.length + 1}
      >
        <div className={styles.head} role="row">
          <span role="columnheader">service · operation</span>
          <span role="columnheader">A</span>
          <span role="columnheader">B</span>
          <span
            role="columnheader"
            title="How much longer the request waited for it in B than in A. All of them add up to the difference of the requests."
          >
            waited in B, against A
          </span>
        </div>
        <div role="rowgroup" style={{ position: 'relative', height: rows.length * rowHeight }}>
          {rows.slice(shown.first, shown.end).map((row, place) => (
            <AlignedTableRow
              key={shown.first + place}
              row={row}
              index={shown.first + place}
              left={left}
              right={right}
              scaleNs={scaleNs}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

/** `, 34 times in place of 1`. */
function timesText({ left, right }: AlignedRow): string {
  if (left.spans === right.spans) return ''
  if (left.spans === 0) return ', only in B'
  if (right.spans === 0) return ', only in A'
  return `, ${formatCounted(right.spans, 'time')} in place of ${formatCount(left.spans)}`
}

function Side({ name, loaded: { trace, verdict } }: { name: string; loaded: LoadedTrace }) {
  const zone = useSettings((settings) => settings.zone)
  const { root } = verdict
  return (
    <Link to="/trace/$id" params={{ id: trace.traceId }} search={{}} preload={false} className={styles.side}>
      <b data-side={name}>{name}</b>
      <bdi>{trace.services[trace.service[root]!] || 'no service'}</bdi>
      <bdi>{trace.names[trace.name[root]!] || 'no name'}</bdi>
      <strong>{formatDuration(verdict.requestNs)}</strong>
      <small>
        {formatCounted(trace.size, 'span')} · {formatStart(trace.start, zone)}
      </small>
    </Link>
  )
}
