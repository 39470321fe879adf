import type { TraceRow } from 'spoor/api'
import { type CSSProperties, type RefObject, useEffect, useLayoutEffect, useMemo } from 'react'
import { useRows } from '../canvas/use-rows.ts'
import { useSize } from '../canvas/use-size.ts'
import { useSettings } from '../settings/settings.ts'
import { barScale } from './bar-scale.ts'
import { chosenColumns, columns } from './columns.ts'
import styles from './trace-list.module.css'
import { TraceListRow } from './trace-list-row.tsx'

/** Of a row; of one of two lines, in a list that is no wider than {@link narrowWidth}. Pixels. */
const rowHeights = { wide: 32, narrow: 48 }
const narrowWidth = 560

/** How far lists were scrolled, by what was searched, so that Back leads to where one was. */
const places = new Map<string, number>()

/** The traces found, as rows; only those in sight are in the document. Asks for more as the end comes near. */
export function TraceList(props: {
  rows: readonly TraceRow[]
  scroller: RefObject<HTMLDivElement | null>
  selected: number
  /** Ids of those that are to be compared. */
  picked: readonly string[]
  onPick: (traceId: string) => void
  hovered: string | undefined
  onHover: (traceId: string | undefined) => void
  /** What was searched. */
  search: string
  hasMore: boolean
  /** Why more did not come; it is asked for again only when somebody wants it. */
  moreFailure: Error | undefined
  onMore: () => void
}) {
  const zone = useSettings((settings) => settings.zone)
  const setSettings = useSettings((settings) => settings.set)
  const { scroller, rows, hasMore, moreFailure, onMore, selected } = props
  const { width } = useSize(scroller)
  const isNarrow = width > 0 && width <= narrowWidth
  const rowHeight = rowHeights[isNarrow ? 'narrow' : 'wide']
  const { first, end, reveal } = useRows(scroller, { count: rows.length, rowHeight })
  const last = end - 1
  const { search } = props
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return undefined
    element.scrollTop = places.get(search) ?? 0
    const keep = () => places.set(search, element.scrollTop)
    element.addEventListener('scroll', keep, { passive: true })
    return () => element.removeEventListener('scroll', keep)
  }, [search, rowHeight])
  useEffect(() => {
    if (hasMore && !moreFailure && last >= rows.length - 20) onMore()
  }, [hasMore, moreFailure, last, rows.length, onMore])
  useEffect(() => {
    if (selected < 0) return
    reveal(selected)
    // In a low window it is below the rest of the page.
    scroller.current?.scrollIntoView({ block: 'nearest' })
  }, [selected, reveal])

  const kept = useSettings((settings) => settings.columns)
  const chosen = useMemo(() => chosenColumns(kept), [kept])
  const tracks = (width: 1 | 2) => chosen.map((key) => columns[key][width]).join(' ')
  const scale = useMemo(() => barScale(rows), [rows])
  return (
    <div
      className={styles.list}
      data-narrow={isNarrow}
      style={
        { '--columns': tracks(1), '--narrow-columns': tracks(2), '--row-height': `${rowHeight}px` } as CSSProperties
      }
    >
      <div className={styles.head}>
        <span>Root</span>
        {chosen.map((key) => (
          <span key={key} className={key === 'duration' ? undefined : styles.right} data-column={key}>
            {isNarrow && key === 'duration' ? 'Duration' : columns[key][0]}{' '}
            {key === 'start' && (
              <button
                type="button"
                className={styles.zone}
                onClick={() => setSettings({ zone: zone === 'utc' ? 'local' : 'utc' })}
                title={zone === 'utc' ? 'Times are in UTC. Show local times' : 'Times are local. Show UTC'}
              >
                {zone === 'utc' ? 'UTC' : 'local'}
              </button>
            )}
          </span>
        ))}
      </div>
      <div className={styles.scroller} ref={scroller} role="list" aria-label="Traces">
        <div role="presentation" style={{ height: rows.length * rowHeight, position: 'relative' }}>
          {rows.slice(first, end).map((row, place) => {
            const index = first + place
            return (
              <div
                key={row.traceId}
                role="listitem"
                className={styles.item}
                style={{ transform: `translateY(${index * rowHeight}px)` }}
                aria-posinset={index + 1}
                aria-setsize={hasMore ? -1 : rows.length}
              >
                <PickButton place={props.picked.indexOf(row.traceId)} onPick={() => props.onPick(row.traceId)} />
                <TraceListRow
                  row={row}
                  columns={chosen}
                  scale={scale}
                  selected={index === selected}
                  picked={props.picked.includes(row.traceId)}
                  hovered={row.traceId === props.hovered}
                  zone={zone}
                  onHover={props.onHover}
                />
              </div>
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

/** Picks a trace to be compared. `place`: among those that are; -1 none of them. */
function PickButton({ place, onPick }: { place: number; onPick: () => void }) {
  return (
    <button
      type="button"
      className={styles.pick}
      aria-pressed={place >= 0}
      aria-label="Pick to compare"
      title="Pick to compare (space)"
      onClick={onPick}
    >
      {'AB'[place] ?? '+'}
    </button>
  )
}
