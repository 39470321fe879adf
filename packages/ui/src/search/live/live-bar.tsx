import type { TraceRow } from 'spoor/api'
import { type RefObject, useEffect, useReducer, useRef, useState } from 'react'
import { formatCount, formatCounted } from '../../format/numbers.ts'
import { useKeys } from '../../keyboard/use-keys.ts'
import { searchParameters, type SearchUrl } from '../search-url.ts'
import { followTail } from './follow-tail.ts'
import styles from './live-bar.module.css'
import { arrived, found, type LiveRows, maxShown, maxWaiting, noRows, withWaiting } from './live-rows.ts'

/** Traces that are told at a time: as many as the server gives, which is twice a second. */
const mostAtOnce = 500

type Action =
  | { readonly type: 'arrived' | 'found'; readonly rows: readonly TraceRow[]; readonly onTop: boolean }
  | { readonly type: 'show' }

function reduce(live: LiveRows, action: Action): LiveRows {
  if (action.type === 'show') return withWaiting(live)
  return (action.type === 'arrived' ? arrived : found)(live, action.rows, action.onTop)
}

type Connection = { readonly kind: 'beginning' | 'open' } | { readonly kind: 'broken'; readonly error: Error }

/** Keeps the list up to date with what is stored, and tells what waits, what was missed, and whether anything comes. */
export function LiveBar(props: {
  url: SearchUrl
  /** What searches have found, the newest first. */
  rows: readonly TraceRow[]
  /** What the list is scrolled in. */
  scroller: RefObject<HTMLElement | null>
  onRows: (rows: readonly TraceRow[], cut: boolean) => void
  /** Searches once more, for what came while nobody listened. */
  onSearch: () => void
}) {
  const { url, rows, scroller, onRows } = props
  const [live, act] = useReducer(reduce, rows, (rows) => found(noRows, rows, true))
  const [connection, setConnection] = useState<Connection>({ kind: 'beginning' })
  const [paused, setPaused] = useState(false)
  const [missed, setMissed] = useState<{ readonly spans: number; readonly sinceMs: number }>()
  const isPaused = useRef(paused)
  isPaused.current = paused
  const isOnTop = () => !isPaused.current && (scroller.current?.scrollTop ?? 0) < 1
  const search = useRef(props.onSearch)
  search.current = props.onSearch

  const { q, minTraceDuration, maxTraceDuration } = searchParameters(url)
  useEffect(() => {
    const stop = new AbortController()
    const listener = {
      onBegin: () => {
        setConnection({ kind: 'open' })
        // What was stored before it began is found by a search.
        search.current()
      },
      onRows: (rows: readonly TraceRow[]) => act({ type: 'arrived', rows, onTop: isOnTop() }),
      onMissed: (spans: number) =>
        setMissed((before) => ({ spans: (before?.spans ?? 0) + spans, sinceMs: before?.sinceMs ?? Date.now() })),
      onBroken: (error: Error) => setConnection({ kind: 'broken', error }),
    }
    void followTail({ q, minTraceDuration, maxTraceDuration, limit: mostAtOnce }, listener, stop.signal)
    return () => stop.abort()
  }, [q, minTraceDuration, maxTraceDuration])
  useEffect(() => act({ type: 'found', rows, onTop: isOnTop() }), [rows])
  useEffect(() => onRows(live.shown, live.cut), [live, onRows])

  const show = () => {
    setPaused(false)
    act({ type: 'show' })
    scroller.current?.scrollTo({ top: 0 })
  }
  useKeys('Live', [{ help: 'Pause; show what is new', on: { p: () => setPaused(!paused), '.': show } }])
  const waiting = live.waiting.size
  return (
    <p className={styles.bar} data-waiting={waiting > 0}>
      {waiting > 0 ? (
        <button type="button" className={styles.new} onClick={show} title="Show them on top (.)">
          {live.leftOut ? `more than ${formatCount(maxWaiting)}` : formatCount(waiting)} new
        </button>
      ) : (
        <span>{paused ? 'Nothing new' : connection.kind === 'open' ? 'Shown as they come' : ''}</span>
      )}
      <button type="button" onClick={() => setPaused(!paused)} aria-pressed={paused} title="Pause, go on (p)">
        {paused ? 'Go on' : 'Pause'}
      </button>
      {connection.kind === 'broken' && (
        <span role="status" className={styles.broken}>
          Nothing comes: {connection.error.message} It is tried again.
        </span>
      )}
      {missed && (
        <span role="status">
          {formatCounted(missed.spans, 'span')} came and were not looked at: they were too many at once.{' '}
          <button
            type="button"
            onClick={() => {
              setMissed(undefined)
              search.current()
            }}
          >
            Search for them
          </button>
        </span>
      )}
      {live.cut && <span>The newest {formatCount(maxShown)}; with Live off there are the older ones, too</span>}
    </p>
  )
}
