import { formatDuration } from '@spoor/otlp'
import { spanOf } from '@spoor/trace'
import { type ReactNode, useMemo } from 'react'
import { formatCount, formatShare } from '../../format/numbers.ts'
import { shown } from '../../format/outside.ts'
import { formatInstant } from '../../format/time.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { useSettings } from '../../settings/settings.ts'
import { Copyable } from '../../widgets/copy.tsx'
import { CloseIcon } from '../../widgets/icons.tsx'
import { useTraceStore, useTraceView } from '../trace-view.ts'
import { AttributeTable } from './attribute-table.tsx'
import styles from './detail.module.css'
import { EventEntry, LinkEntry } from './span-entries.tsx'
import { SpanWarnings } from './span-warnings.tsx'

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
      <SpanWarnings trace={trace} row={row} />
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
