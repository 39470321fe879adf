import { formatDuration } from '@spoor/otlp'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo, useRef } from 'react'
import { useRows } from '../../canvas/use-rows.ts'
import { formatCount, formatShare } from '../../format/numbers.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { useSettings } from '../../settings/settings.ts'
import { without } from '../../url/without.ts'
import { selectRow, useTraceStore, useTraceView } from '../trace-view.ts'
import { operationFigures, type OperationFigures } from './operation-figures.ts'
import styles from './table-view.module.css'

const route = getRouteApi('/trace/$id')

/** Pixels; table-view.module.css has the same. */
const rowHeight = 28

interface Column {
  readonly key: keyof OperationFigures
  readonly label: string
  readonly help: string
}

const columns: readonly Column[] = [
  { key: 'waitNs', label: 'Waited for', help: 'On the critical path: what the request would be shorter without' },
  { key: 'selfNs', label: 'Self', help: 'In none of their children' },
  { key: 'totalNs', label: 'Total', help: 'Sum of their durations' },
  { key: 'longestNs', label: 'Longest', help: 'The longest of them: a click on the row leads to it' },
  { key: 'spans', label: 'Spans', help: 'How many' },
  { key: 'errors', label: 'Errors', help: 'Spans with status error' },
]

/** Operation by operation: what the request waited for, self time, how many, how many failed. */
export function TableView() {
  const { trace, critical, slots, verdict } = useTraceView((view) => view.loaded)
  const selected = useTraceView((view) => view.selected)
  const { sort: asked } = route.useSearch()
  const navigate = useNavigate({ from: '/trace/$id' })
  const store = useTraceStore()
  const setSettings = useSettings((settings) => settings.set)
  const sort = (columns.find(({ key }) => key === asked) ?? columns[0]!).key
  const figures = useMemo(() => operationFigures(trace, critical), [trace, critical])
  const sorted = useMemo(() => figures.toSorted((a, b) => b[sort] - a[sort] || b.selfNs - a.selfNs), [figures, sort])
  const scroller = useRef<HTMLDivElement>(null)
  const { first, end } = useRows(scroller, { count: sorted.length, rowHeight, headHeight: rowHeight })
  const requestNs = verdict.requestNs || 1
  const sortBy = (key: string) =>
    void navigate({
      replace: true,
      search: (url) => ({ ...without(url, ['sort']), ...(key !== columns[0]!.key && { sort: key }) }),
    })
  return (
    <div
      ref={scroller}
      className={styles.scroller}
      role="table"
      tabIndex={0}
      aria-label="Operations"
      aria-rowcount={sorted.length + 1}
    >
      <div className={styles.head} role="row">
        <span role="columnheader">Operation</span>
        {columns.map(({ key, label, help }) => (
          <span key={key} role="columnheader" aria-sort={key === sort ? 'descending' : undefined}>
            <button type="button" title={help} onClick={() => sortBy(key)}>
              {key === sort && '↓ '}
              {label}
            </button>
          </span>
        ))}
      </div>
      <div role="rowgroup" style={{ position: 'relative', height: sorted.length * rowHeight }}>
        {sorted.slice(first, end).map((figure, place) => (
          <div
            key={`${figure.service} ${figure.name}`}
            className={`hue ${styles.row}`}
            role="row"
            aria-rowindex={first + place + 2}
            data-selected={figure.row === selected}
            style={{ ...hueStyle(slots[figure.service]!), transform: `translateY(${(first + place) * rowHeight}px)` }}
          >
            <span role="rowheader" className={styles.name}>
              <button
                type="button"
                title="To the longest of them"
                onClick={() => {
                  selectRow(store, figure.row)
                  setSettings({ detailOpen: true })
                }}
              >
                <i />
                <b>{trace.services[figure.service] || 'no service'}</b>{' '}
                <bdi>{trace.names[figure.name] || 'no name'}</bdi>
              </button>
            </span>
            <span role="cell" className={styles.wait}>
              <i style={{ width: `${Math.min(1, figure.waitNs / requestNs) * 100}%` }} />
              {figure.waitNs > 0 && (
                <span>
                  {formatDuration(figure.waitNs)} · {formatShare(figure.waitNs / requestNs)}
                </span>
              )}
            </span>
            <span role="cell">{formatDuration(figure.selfNs)}</span>
            <span role="cell">{formatDuration(figure.totalNs)}</span>
            <span role="cell">{formatDuration(figure.longestNs)}</span>
            <span role="cell">{formatCount(figure.spans)}</span>
            <span role="cell" data-errors={figure.errors > 0}>
              {figure.errors > 0 && formatCount(figure.errors)}
            </span>
          </div>
        ))}
      </div>
    </div>
  )
}
