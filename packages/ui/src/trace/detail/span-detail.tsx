import { getRouteApi, Link } from '@tanstack/react-router'
import { formatDuration, type SpanEvent, type SpanLink } from '@spoor/otlp'
import { rowOfSpanId, SpanFlag, spanOf, type Trace } from '@spoor/trace'
import { type ReactNode, useMemo } from 'react'
import { sourceOf } from '../../files/opened-files.ts'
import { formatCount, formatCounted, formatShare } from '../../format/numbers.ts'
import { shown } from '../../format/outside.ts'
import { formatInstant } from '../../format/time.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { useSettings } from '../../settings/settings.ts'
import { Copyable } from '../../widgets/copy.tsx'
import { CloseIcon } from '../../widgets/icons.tsx'
import { Severity } from '../trace-header.tsx'
import { useTraceStore, useTraceView } from '../trace-view.ts'
import { AttributeTable } from './attribute-table.tsx'
import styles from './detail.module.css'

const route = getRouteApi('/trace/$id')

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const statuses = ['unset', 'ok', 'error']

/** Everything that was sent of one span, decoded when it is looked at. */
export function SpanDetailView({ row }: { row: number }) {
  const { trace, slots, aheadNs } = useTraceView((view) => view.loaded)
  const ahead = aheadNs?.[row] ?? 0
  const store = useTraceStore()
  const zone = useSettings((settings) => settings.zone)
  const { span, resource, scope } = useMemo(() => spanOf(trace, row), [trace, row])
  const service = trace.service[row]!
  const duration = trace.durationsNs[row]!
  const self = trace.selfNs[row]!
  return (
    <>
      <header className={styles.head}>
        <p className={styles.service}>
          <i className={`hue ${styles.stripe}`} style={hueStyle(slots[service]!)} />
          {trace.services[service] || 'no service'}
          <button
            type="button"
            className={styles.close}
            aria-label="Deselect"
            title="Deselect (Esc)"
            onClick={() => store.setState({ selected: -1 })}
          >
            <CloseIcon />
          </button>
        </p>
        <h2 className={styles.name}>{shown(span.name) || 'no name'}</h2>
        <p className={styles.figures}>
          <b>{formatDuration(duration)}</b>
          <span>
            self {formatDuration(self)}
            {duration > 0 && ` (${formatShare(self / duration)})`}
          </span>
          <span>{kinds[span.kind] ?? `kind ${span.kind}`}</span>
        </p>
      </header>
      <Warnings trace={trace} row={row} />
      {(span.status.code !== 0 || span.status.message !== '') && (
        <p className={styles.status} data-code={span.status.code}>
          <b>{statuses[span.status.code] ?? `status ${span.status.code}`}</b>
          {span.status.message && <Copyable text={span.status.message}>{shown(span.status.message)}</Copyable>}
        </p>
      )}
      <Section title="Attributes" count={span.attributes.length} dropped={span.droppedAttributesCount} open>
        <AttributeTable attributes={span.attributes} level="span" />
      </Section>
      {(span.events.length > 0 || span.droppedEventsCount > 0) && (
        <Section title="Events" count={span.events.length} dropped={span.droppedEventsCount} open>
          {span.events.map((event, index) => (
            // Events have no id, and their order in a span never changes.
            <EventEntry
              key={index}
              event={event}
              offsetNs={Number(event.timeUnixNano - span.startTimeUnixNano)}
              open={span.events.length <= 3}
            />
          ))}
        </Section>
      )}
      {(span.links.length > 0 || span.droppedLinksCount > 0) && (
        <Section title="Links" count={span.links.length} dropped={span.droppedLinksCount} open>
          {span.links.map((link) => (
            <LinkEntry key={link.traceId + link.spanId} link={link} trace={trace} />
          ))}
        </Section>
      )}
      <Section title="Resource" count={resource.attributes.length} dropped={resource.droppedAttributesCount} open>
        <AttributeTable attributes={resource.attributes} level="resource" />
      </Section>
      {scope.name !== '' && (
        <Section title="Scope" count={scope.attributes.length} dropped={scope.droppedAttributesCount} open>
          <p className={styles.scope}>
            <Copyable text={scope.name}>{shown(scope.name)}</Copyable> <span>{shown(scope.version)}</span>
          </p>
          {scope.attributes.length > 0 && <AttributeTable attributes={scope.attributes} level="scope" />}
        </Section>
      )}
      <Section title="Identity" open>
        <dl className={styles.fields}>
          <Field name="span id">
            <Copyable text={span.spanId} />
          </Field>
          <Field name="parent id">{span.parentSpanId ? <Copyable text={span.parentSpanId} /> : 'none: a root'}</Field>
          <Field name="trace id">
            <Copyable text={trace.traceId} />
          </Field>
          {span.traceState && (
            <Field name="trace state">
              <Copyable text={span.traceState}>{shown(span.traceState)}</Copyable>
            </Field>
          )}
          {span.flags !== 0 && <Field name="flags">0x{span.flags.toString(16).padStart(8, '0')}</Field>}
          <Field name="start">{formatInstant(span.startTimeUnixNano, zone)}</Field>
          <Field name="end">{formatInstant(span.endTimeUnixNano, zone)}</Field>
          {ahead !== 0 && (
            <Field name="clock">
              {formatDuration(Math.abs(ahead))} {ahead > 0 ? 'ahead' : 'behind'}, aligned in the views
            </Field>
          )}
          <Field name="offset">{formatDuration(trace.startNs[row]!)}</Field>
          <Field name="children">{formatCount(trace.childCount[row]!)}</Field>
        </dl>
      </Section>
    </>
  )
}

function Section(props: { title: string; count?: number; dropped?: number; open?: boolean; children: ReactNode }) {
  return (
    <details className={styles.section} open={props.open}>
      <summary>
        {props.title}
        {props.count !== undefined && <span>{formatCount(props.count)}</span>}
        {props.dropped !== undefined && props.dropped > 0 && (
          <em title="The sender had more and left them out">{formatCount(props.dropped)} dropped by the sender</em>
        )}
      </summary>
      {props.children}
    </details>
  )
}

function Field({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function EventEntry({ event, offsetNs, open }: { event: SpanEvent; offsetNs: number; open: boolean }) {
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

function LinkEntry({ link, trace }: { link: SpanLink; trace: Trace }) {
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

const warnings: readonly (readonly [flag: number, text: string])[] = [
  [SpanFlag.orphan, 'Its parent is not in the trace: not sent, not sampled, or not here yet.'],
  [SpanFlag.startsBeforeParent, 'It starts before its parent: the clocks of two machines disagree.'],
  [SpanFlag.negativeDuration, 'It ended before it started, by its own clock; it is shown without length.'],
  [SpanFlag.duplicateId, 'Another span of the trace has the same id.'],
  [SpanFlag.cycle, 'Its parents lead back to itself; it is shown as a root.'],
]

function Warnings({ trace, row }: { trace: Trace; row: number }) {
  const flags = trace.flags[row]!
  const texts = warnings.filter(([flag]) => (flags & flag) !== 0).map(([, text]) => text)
  const parent = trace.parent[row]!
  if (flags & SpanFlag.async && parent >= 0) {
    const after = trace.startNs[row]! + trace.durationsNs[row]! - trace.startNs[parent]! - trace.durationsNs[parent]!
    if (after > 0) texts.push(`It ran on for ${formatDuration(after)} after its parent had ended.`)
  }
  if (texts.length === 0) return null
  return (
    <ul className={styles.warnings} aria-label={formatCounted(texts.length, 'warning')}>
      {texts.map((text) => (
        <li key={text}>
          <Severity severity={flags & SpanFlag.async && text.startsWith('It ran on') ? 'info' : 'warning'} />
          {text}
        </li>
      ))}
    </ul>
  )
}
