import { Link } from '@tanstack/react-router'
import { formatDuration } from '@spoor/otlp'
import { endOf, type Problem, rootRow, rowOfSpanId } from '@spoor/trace'
import { formatCounted } from '../format/numbers.ts'
import { formatInstant, formatStart } from '../format/time.ts'
import { hueStyle } from '../service-color/hue.ts'
import { useSettings } from '../settings/settings.ts'
import { without } from '../url/without.ts'
import { Copyable } from '../widgets/copy.tsx'
import { PanelIcon } from '../widgets/icons.tsx'
import { MenuButton } from '../widgets/menu-button.tsx'
import { hasTail } from '../search/tail.ts'
import { SaveMenu } from '../files/save-menu.tsx'
import { keyOf } from '../findings/seen.ts'
import { useFindingsOf } from '../findings/of-trace.ts'
import { FindBox } from './find/find-box.tsx'
import type { Find } from './find/use-find.ts'
import styles from './trace-header.module.css'
import { traceViews } from './views.tsx'
import { selectRow, useTraceStore, useTraceView } from './trace-view.ts'

/** What the trace is, its figures, its problems in words, the find box and the views. */
export function TraceHeader(props: { view: string; find: Find }) {
  const { trace, problems, slots } = useTraceView((view) => view.loaded)
  const zone = useSettings((settings) => settings.zone)
  const detailOpen = useSettings((settings) => settings.detailOpen)
  const setSettings = useSettings((settings) => settings.set)
  const root = Math.max(0, rootRow(trace))
  const service = trace.service[root]!
  const requestDurationNs = trace.durationsNs[root]!
  const tailNs = Math.max(0, trace.durationNs - endOf(trace, root))
  return (
    <header className={styles.header}>
      <h1 className={styles.title}>
        <i className={`hue ${styles.stripe}`} style={hueStyle(slots[service]!)} />
        <b>{trace.services[service] || 'no service'}</b>
        <span title={trace.names[trace.name[root]!]}>{trace.names[trace.name[root]!] || 'no name'}</span>
      </h1>
      <div className={styles.figures}>
        <span className={styles.time}>{formatDuration(requestDurationNs)}</span>
        {hasTail({ requestDurationNs, tailNs }) && (
          <span className={styles.time} title={`${formatDuration(tailNs)} of work after the answer`}>
            + {formatDuration(tailNs)}
          </span>
        )}
        <span>{formatCounted(trace.size, 'span')}</span>
        <span>{formatCounted(trace.services.length, 'service')}</span>
        <span className={styles.start} title={formatInstant(trace.start, zone)}>
          {formatStart(trace.start, zone)}
        </span>
        <Copyable text={trace.traceId} label="Copy the trace id" className={styles.id}>
          {trace.traceId.slice(0, 8)}
        </Copyable>
      </div>
      <Problems problems={problems} />
      <FindBox find={props.find} />
      <nav className={styles.tabs} aria-label="Views">
        {traceViews.map(({ name, label, key }) => (
          <Link
            key={name}
            title={`${label} (${key})`}
            from="/trace/$id"
            to="/trace/$id"
            search={(url) => ({ ...without(url, ['view']), ...(name !== 'timeline' && { view: name }) })}
            aria-current={name === props.view ? 'page' : undefined}
            activeOptions={{ exact: true, includeSearch: true }}
            preload={false}
          >
            {label}
          </Link>
        ))}
      </nav>
      <SaveMenu className={styles.save} />
      <button
        type="button"
        className={styles.icon}
        aria-pressed={detailOpen}
        aria-label="Detail panel"
        title="Detail panel (i)"
        onClick={() => setSettings({ detailOpen: !detailOpen })}
      >
        <PanelIcon />
      </button>
    </header>
  )
}

const ranks = { error: 0, warning: 1, info: 2 }

function Problems({ problems }: { problems: readonly Problem[] }) {
  const store = useTraceStore()
  const trace = useTraceView((view) => view.loaded.trace)
  const findings = useFindingsOf(trace.traceId)
  const told = [...problems, ...findings]
  if (told.length === 0) return null
  const worst = told.reduce(
    (worst, { severity }) => (ranks[severity] < ranks[worst] ? severity : worst),
    'info' as Problem['severity'],
  )
  return (
    <MenuButton
      className={`${styles.problems} ${styles[worst]}`}
      label={formatCounted(told.length, 'problem')}
      title="Problems of the trace"
      wide
      items={[
        ...problems.map((problem, index) => ({
          key: String(index),
          label: (
            <span className={styles.problem}>
              <Severity severity={problem.severity} />
              {problem.text}
            </span>
          ),
          onSelect: () => selectRow(store, problem.rows[0] ?? -1),
        })),
        // What many traces show, and this one is an example of.
        ...findings.map((row, index) => ({
          key: keyOf(row),
          separated: index === 0 && problems.length > 0,
          label: (
            <span className={styles.problem}>
              <Severity severity={row.severity} />
              <span>
                {row.what} {row.mend}
              </span>
            </span>
          ),
          onSelect: () => {
            const span = row.spans?.find(({ traceId }) => traceId === trace.traceId)
            selectRow(store, span ? rowOfSpanId(trace, span.spanId) : -1)
          },
        })),
      ]}
    />
  )
}

const signs = { error: '!', warning: '▲', info: 'i' }

export function Severity({ severity }: { severity: Problem['severity'] }) {
  return (
    <span className={styles.severity} data-severity={severity} role="img" aria-label={severity}>
      {signs[severity]}
    </span>
  )
}
