import { formatDuration } from '@spoor/otlp'
import type { VerdictShare } from '@spoor/trace'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { hasServer } from '../../files/opened-files.ts'
import { formatCounted, formatShare } from '../../format/numbers.ts'
import { useSettings } from '../../settings/settings.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { without } from '../../url/without.ts'
import { firstWindow, selectRow, setWindow, useTraceStore, useTraceView, wholeWindow } from '../trace-view.ts'
import { typicalTrace } from './typical.ts'
import { clocksText, timesText } from './verdict-words.ts'
import styles from './verdict-line.module.css'

const route = getRouteApi('/trace/$id')

/** The cause in one line: where the request's time went, where it failed, what ran on. Each part leads to its evidence. */
export function VerdictLine() {
  const loaded = useTraceView((view) => view.loaded)
  const store = useTraceStore()
  const setSettings = useSettings((settings) => settings.set)
  const { verdict, trace } = loaded
  const { file } = route.useSearch()
  const isInStore = file === undefined && hasServer()
  const { root, requestNs, shares, error, tail } = verdict
  if (root === -1) return null
  const show = (row: number) => {
    selectRow(store, row)
    setSettings({ detailOpen: true })
  }
  const toSpan = (row: number) => ({ title: 'To the span', onClick: () => show(row) })
  return (
    <p className={styles.line} aria-label="Verdict">
      <Part
        title="To the span of the request"
        onClick={() => {
          const { from, to } = firstWindow(loaded)
          setWindow(store, from, to)
          show(root)
        }}
      >
        <b>{formatDuration(requestNs)}</b>
      </Part>
      {shares.map((share, index) => (
        <Share key={share.row} share={share} isFirst={index === 0} onSpan={() => show(share.row)} />
      ))}
      {error && (
        <span className={styles.part} data-tone="error">
          {error.failedRequest ? 'failed in ' : 'an error on the way in '}
          <Part {...toSpan(error.row)}>
            <bdi>{trace.services[trace.service[error.row]!] || 'no service'}</bdi> ›{' '}
            <bdi>{trace.names[trace.name[error.row]!] || 'no name'}</bdi>
          </Part>
          {error.message && (
            <>
              : <bdi title={error.message}>{error.message.slice(0, 200)}</bdi>
            </>
          )}
        </span>
      )}
      {tail && (
        <span className={styles.part}>
          then{' '}
          <Part
            title="Show what ran on after the request"
            onClick={() => {
              const { from, to } = wholeWindow(loaded)
              setWindow(store, from, to)
              show(tail.row)
            }}
          >
            worked {formatDuration(tail.ns)} more, {formatCounted(tail.spans, 'span')}
          </Part>
        </span>
      )}
      <Clocks />
      {isInStore && <CompareTypical />}
    </p>
  )
}

/** Where clocks are apart: moves the spans to the clock of the request, and back. */
function Clocks() {
  const { clocksApart, aheadNs } = useTraceView((view) => view.loaded)
  const { clocks } = route.useSearch()
  const navigate = useNavigate({ from: '/trace/$id' })
  if (clocksApart.length === 0) return null
  const isAligned = aheadNs !== undefined
  const isChanging = isAligned !== (clocks === 'aligned')
  const count = formatCounted(clocksApart.length, 'clock')
  const toggle = () =>
    void navigate({
      search: (url) => ({ ...without(url, ['clocks', 'zoom']), ...(!isAligned && { clocks: 'aligned' as const }) }),
    })
  return (
    <span className={styles.part} title={clocksText(clocksApart)}>
      {count} {isAligned ? 'aligned ' : `${clocksApart.length === 1 ? 'is' : 'are'} apart `}
      <button
        type="button"
        className={styles.link}
        disabled={isChanging}
        title={isAligned ? 'Show the times that were sent' : 'Show each span when it was by the clock of the request'}
        onClick={toggle}
      >
        {isAligned ? 'Show as sent' : 'Align'}
      </button>
    </span>
  )
}

function Share(props: { share: VerdictShare; isFirst: boolean; onSpan: () => void }) {
  const { share } = props
  const { trace, slots } = useTraceView((view) => view.loaded)
  const navigate = useNavigate({ from: '/trace/$id' })
  const service = trace.service[share.row]!
  const times = timesText(share)
  return (
    <span className={styles.part} title={`${formatDuration(share.ns)} of what the request waited for`}>
      {formatShare(share.share)} {props.isFirst && 'in '}
      <Part
        title="To the shares of all operations"
        onClick={() => void navigate({ search: (url) => ({ ...url, view: 'table' }) })}
      >
        <i className={`hue ${styles.stripe}`} style={hueStyle(slots[service]!)} />
        <bdi>{trace.services[service] || 'no service'}</bdi>
      </Part>{' '}
      ›{' '}
      <Part title="To the span" onClick={props.onSpan}>
        <bdi>{trace.names[trace.name[share.row]!] || 'no name'}</bdi>
      </Part>
      {times && ` ${times}`}
    </span>
  )
}

function Part(props: { title: string; onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" className={styles.link} title={props.title} onClick={props.onClick}>
      {props.children}
    </button>
  )
}

/** Finds a trace that is as usual, and lays this one over it. */
function CompareTypical() {
  const loaded = useTraceView((view) => view.loaded)
  const navigate = useNavigate()
  const [state, setState] = useState<'ready' | 'looking' | 'none'>('ready')
  const compare = async () => {
    setState('looking')
    const typical = await typicalTrace(loaded, AbortSignal.timeout(30_000)).catch(() => undefined)
    setState(typical ? 'ready' : 'none')
    if (typical) void navigate({ to: '/compare', search: { left: typical, right: loaded.trace.traceId } })
  }
  return (
    <button
      type="button"
      className={styles.compare}
      disabled={state !== 'ready'}
      title="With a trace of the same operation that took about the median of the hour around"
      onClick={() => void compare()}
    >
      {state === 'ready'
        ? 'Compare with a typical one'
        : state === 'looking'
          ? 'Looking for one'
          : 'No other was found'}
    </button>
  )
}
