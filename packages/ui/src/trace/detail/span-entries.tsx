import { formatDuration, type SpanEvent, type SpanLink } from '@spoor/otlp'
import { rowOfSpanId, type Trace } from '@spoor/trace'
import { getRouteApi, Link } from '@tanstack/react-router'
import { sourceOf } from '../../files/opened-files.ts'
import { shown } from '../../format/outside.ts'
import { AttributeTable } from './attribute-table.tsx'
import styles from './detail.module.css'

const route = getRouteApi('/trace/$id')

/** An event of a span, with its attributes when it is open. */
export function EventEntry({ event, offsetNs, open }: { event: SpanEvent; offsetNs: number; open: boolean }) {
  return (
    <details className={styles.event} open={open && event.attributes.length > 0}>
      <summary>
        <span className={styles.offset}>{formatDuration(offsetNs)}</span>
        {shown(event.name) || 'no name'}
      </summary>
      {event.attributes.length > 0 ? (
        <AttributeTable attributes={event.attributes} level="event" />
      ) : (
        <p className={styles.none}>No attributes</p>
      )}
    </details>
  )
}

/** A link, which leads to the span that it names. */
export function LinkEntry({ link, trace }: { link: SpanLink; trace: Trace }) {
  const { file } = route.useSearch()
  // A trace that the same file has is looked at there, others in the store.
  const isHere = sourceOf(file)?.traces.some(({ traceId }) => traceId === link.traceId)
  const row = link.traceId === trace.traceId ? rowOfSpanId(trace, link.spanId) : -1
  return (
    <div className={styles.link}>
      <Link
        to="/trace/$id"
        params={{ id: link.traceId }}
        search={{ span: link.spanId, ...(isHere && file && { file }) }}
        className="mono"
      >
        {row >= 0
          ? `${trace.services[trace.service[row]!]}: ${trace.names[trace.name[row]!]}`
          : link.traceId === trace.traceId
            ? `span ${link.spanId} of this trace`
            : `${link.traceId.slice(0, 16)}… span ${link.spanId}`}
      </Link>
      {link.attributes.length > 0 && <AttributeTable attributes={link.attributes} level="link" />}
    </div>
  )
}
