import { formatDuration } from '@spoor/otlp'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useRows } from '../canvas/use-rows.ts'
import { formatCount, formatCounted } from '../format/numbers.ts'
import { formatInstant, formatStart, type Zone } from '../format/time.ts'
import { hasTail } from '../search/tail.ts'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import { useSettings } from '../settings/settings.ts'
import { Notice } from '../widgets/notice.tsx'
import page from '../widgets/page.module.css'
import { FileBar } from './file-bar.tsx'
import styles from './files.module.css'
import { type FileTrace, openedFile, type OpenedFile } from './opened-files.ts'

const route = getRouteApi('/file')

/** Pixels; files.module.css has the same. */
const rowHeight = 32

/** What is in a file that was opened: its traces, and what of it cannot be shown. */
export function FilePage() {
  const { name } = route.useSearch()
  const file = openedFile(name)
  useEffect(() => {
    document.title = `${name ?? 'No file'} - Spoor`
  }, [name])
  if (!file) return <NotOpen name={name} />
  return (
    <div className={page.page}>
      <h1 className="visually-hidden">The file {file.name}</h1>
      <FileBar file={file} />
      {file.refusals.length > 0 && <Refusals file={file} />}
      {file.traces.length > 0 && <Traces file={file} />}
    </div>
  )
}

/** A file is open as long as the page is: after a reload it is not any more. */
export function NotOpen({ name }: { name: string | undefined }) {
  return (
    <Notice title={name === undefined ? 'No file is open' : `${name} is not open`}>
      <p>
        A file is shown by this browser alone, and is forgotten when the page is closed or loaded again. Drop it here,
        or open it with the button above: OTLP as JSON, JSON lines or protobuf, or Jaeger’s JSON, plain or with gzip.
      </p>
    </Notice>
  )
}

function Refusals({ file }: { file: OpenedFile }) {
  return (
    <section className={styles.refusals}>
      <h2>{file.traces.length > 0 ? 'A part of it cannot be shown' : 'Nothing of it can be shown'}</h2>
      <ul>
        {file.refusals.map(({ reason, spans, pieces, first }) => (
          <li key={reason}>
            {reason}{' '}
            <span>
              ({spans > 0 && `${formatCounted(spans, 'span')}, `}
              {pieces > 0 && `${formatCounted(pieces, 'piece')}, `}first at {first})
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Traces({ file }: { file: OpenedFile }) {
  const scroller = useRef<HTMLDivElement>(null)
  const zone = useSettings((settings) => settings.zone)
  const { traces } = file
  const { first, end } = useRows(scroller, { count: traces.length, rowHeight })
  return (
    <>
      <div className={styles.head}>
        <span>Root</span>
        <span className={styles.figure}>Duration</span>
        <span className={styles.figure}>Spans</span>
        <span className={styles.figure}>Services</span>
        <span className={styles.figure}>Errors</span>
        <span className={styles.figure}>Start</span>
      </div>
      <div className={styles.scroller} ref={scroller} role="list" aria-label="Traces of the file">
        <div role="presentation" style={{ height: traces.length * rowHeight, position: 'relative' }}>
          {traces.slice(first, end).map((trace, place) => (
            <div
              key={trace.traceId}
              role="listitem"
              className={styles.item}
              style={{ transform: `translateY(${(first + place) * rowHeight}px)` }}
              aria-posinset={first + place + 1}
              aria-setsize={traces.length}
            >
              <Row trace={trace} file={file.name} zone={zone} />
            </div>
          ))}
        </div>
      </div>
    </>
  )
}

function Row({ trace, file, zone }: { trace: FileTrace; file: string; zone: Zone }) {
  return (
    <Link
      to="/trace/$id"
      params={{ id: trace.traceId }}
      search={{ file }}
      preload={false}
      className={styles.row}
      title={trace.traceId}
    >
      <span className={styles.root}>
        <i className={`hue ${styles.stripe}`} style={hueStyle(slotOf(trace.rootService))} />
        <b>{trace.rootService || 'no service'}</b>
        <span>{trace.rootName || 'no name'}</span>
      </span>
      <span className={styles.figure}>
        {formatDuration(trace.requestNs)}
        {hasTail({ requestDurationNs: trace.requestNs, tailNs: trace.tailNs }) && ` +${formatDuration(trace.tailNs)}`}
      </span>
      <span className={styles.figure}>{formatCount(trace.spans)}</span>
      <span className={styles.figure}>{formatCount(trace.services)}</span>
      <span className={styles.figure} data-errors={trace.errors > 0}>
        {trace.errors > 0 && formatCount(trace.errors)}
      </span>
      <span className={styles.figure} title={formatInstant(trace.start, zone)}>
        {formatStart(trace.start, zone)}
      </span>
    </Link>
  )
}
