import { useVirtualizer } from '@tanstack/react-virtual'
import type { TraceRow } from 'spoor/api'
import { useEffect, useMemo, useRef } from 'react'
import { useSettings } from '../settings/settings.ts'
import { barScale } from './bar-scale.ts'
import styles from './trace-list.module.css'
import { TraceListRow } from './trace-list-row.tsx'

const rowHeight = 32

/** The traces found, as rows; only those in sight are in the document. Asks for more as the end comes near. */
export function TraceList(props: {
  rows: readonly TraceRow[]
  selected: number
  hovered: string | undefined
  onHover: (traceId: string | undefined) => void
  hasMore: boolean
  /** Why more did not come; it is asked for again only when somebody wants it. */
  moreFailure: Error | undefined
  onMore: () => void
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const zone = useSettings((settings) => settings.zone)
  const setSettings = useSettings((settings) => settings.set)
  const { rows, hasMore, moreFailure, onMore, selected } = props
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && !moreFailure && last >= rows.length - 20) onMore()
  }, [hasMore, moreFailure, last, rows.length, onMore])
  useEffect(() => {
    if (selected >= 0) virtual.scrollToIndex(selected, { align: 'auto' })
  }, [selected, virtual])

  const scaleNs = useMemo(() => barScale(rows), [rows])
  return (
    <div className={styles.list}>
      <div className={styles.head}>
        <span>Root</span>
        <span>Duration, by service</span>
        <span className={styles.right}>Spans</span>
        <span className={styles.right}>Services</span>
        <span className={styles.right}>Errors</span>
        <span className={styles.right}>
          Start{' '}
          <button
            type="button"
            className={styles.zone}
            onClick={() => setSettings({ zone: zone === 'utc' ? 'local' : 'utc' })}
            title={zone === 'utc' ? 'Times are in UTC. Show local times' : 'Times are local. Show UTC'}
          >
            {zone === 'utc' ? 'UTC' : 'local'}
          </button>
        </span>
      </div>
      <div className={styles.scroller} ref={scroller} role="list" aria-label="Traces">
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map((item) => {
            const row = rows[item.index]
            return (
              row && (
                <div
                  key={row.traceId}
                  role="listitem"
                  className={styles.item}
                  style={{ transform: `translateY(${item.start}px)` }}
                  aria-posinset={item.index + 1}
                  aria-setsize={hasMore ? -1 : rows.length}
                >
                  <TraceListRow
                    row={row}
                    scaleNs={scaleNs}
                    selected={item.index === selected}
                    hovered={row.traceId === props.hovered}
                    zone={zone}
                    onHover={props.onHover}
                  />
                </div>
              )
            )
          })}
        </div>
        {hasMore && !moreFailure && <p className={styles.more}>Loading more</p>}
        {hasMore && moreFailure && (
          <p className={styles.more} role="alert">
            More could not be loaded: {moreFailure.message}
            <button type="button" onClick={onMore}>
              Try again
            </button>
          </p>
        )}
      </div>
    </div>
  )
}
