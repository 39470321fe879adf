import { useEffect, useMemo, useRef } from 'react'
import { useRows } from '../../canvas/use-rows.ts'
import { shown } from '../../format/outside.ts'
import { formatBytes, formatCount, formatCounted } from '../../format/numbers.ts'
import { CopyIcon, DownloadIcon } from '../../widgets/icons.tsx'
import { useCopy } from '../../widgets/copy.tsx'
import { FailureNotice } from '../../widgets/failure-notice.tsx'
import { useWorker } from '../../worker/use-worker.ts'
import { useTraceView } from '../trace-view.ts'
import type { JsonReply } from './json.worker.ts'
import styles from './json-view.module.css'

const startJson = () => new Worker(new URL('./json.worker.ts', import.meta.url), { type: 'module' })

/** The trace as OTLP/JSON, to read, copy or download. */
export function JsonView() {
  const { trace } = useTraceView((view) => view.loaded)
  const state = useWorker<JsonReply>(startJson, trace.bytes, 'writes JSON')
  if (state.kind === 'failed') {
    return <FailureNotice title="The trace cannot be shown as JSON" error={state.error} onAgain={state.again} />
  }
  const reply = state.kind === 'done' ? state.reply : undefined
  return (
    <div className={styles.view}>
      <div className={styles.bar}>{reply ? <JsonBar reply={reply} traceId={trace.traceId} /> : 'Converting'}</div>
      {reply && <Lines lines={reply.lines} />}
    </div>
  )
}

function JsonBar({ reply, traceId }: { reply: JsonReply; traceId: string }) {
  const url = useMemo(() => URL.createObjectURL(reply.blob), [reply])
  useEffect(() => () => URL.revokeObjectURL(url), [url])
  const { copied, copy } = useCopy()
  return (
    <>
      <span>
        OTLP/JSON, {formatBytes(reply.blob.size)}, {formatCounted(reply.lineCount, 'line')}
        {reply.lines.length < reply.lineCount &&
          `; the first ${formatCount(reply.lines.length)} are shown, the download has all`}
      </span>
      <button type="button" onClick={() => void reply.blob.text().then(copy)}>
        <CopyIcon /> {copied ? 'Copied' : 'Copy'}
      </button>
      <a href={url} download={`trace-${traceId}.json`}>
        <DownloadIcon /> Download
      </a>
    </>
  )
}

/** Pixels; json-view.module.css has the same. */
const lineHeight = 18

function Lines({ lines }: { lines: readonly string[] }) {
  const scroller = useRef<HTMLDivElement>(null)
  const { first, end } = useRows(scroller, { count: lines.length, rowHeight: lineHeight })
  return (
    <div ref={scroller} className={styles.scroller} tabIndex={0} role="document" aria-label="OTLP/JSON">
      <div style={{ height: lines.length * lineHeight, position: 'relative' }}>
        {lines.slice(first, end).map((line, place) => (
          <div
            key={first + place}
            className={styles.line}
            style={{ transform: `translateY(${(first + place) * lineHeight}px)` }}
          >
            <Line text={line} />
          </div>
        ))}
      </div>
    </div>
  )
}

/** Of a longer line the rest is not drawn. Characters. */
const maxLine = 2_000

/** A line of laid out JSON, its key apart from its value. */
function Line({ text: whole }: { text: string }) {
  const text = shown(whole, maxLine)
  const match = /^(\s*)("(?:[^"\\]|\\.)*")(: ?)(.*)$/.exec(text)
  if (!match) return text
  return (
    <>
      {match[1]}
      <span className={styles.key}>{match[2]}</span>
      {match[3]}
      {match[4]}
    </>
  )
}
