import { formatDuration } from '@spoor/otlp'
import type { ServiceNode } from '@spoor/trace'
import { formatCount, formatCounted, formatShare } from '../format/numbers.ts'
import styles from '../graph/graph.module.css'
import { hueStyle } from '../service-color/hue.ts'
import type { LoadedTrace } from '../trace/loaded-trace.ts'
import { useTraceView } from '../trace/trace-view.ts'
import { criticalNs } from './tree-graph.ts'

/** A span in the tree; what is filled is its share of what the request waited for. */
export function SpanNodeBox(props: { loaded: LoadedTrace; row: number }) {
  const { row } = props
  const hovered = useTraceView((view) => view.hovered === row)
  const { trace, slots, critical, verdict } = props.loaded
  const service = trace.service[row]!
  const duration = trace.durationsNs[row]!
  const waitedNs = criticalNs(critical, row)
  const share = verdict.requestNs > 0 ? Math.min(1, waitedNs / verdict.requestNs) : 0
  const name = trace.names[trace.name[row]!]!
  return (
    <div
      className={`hue ${styles.node}`}
      style={hueStyle(slots[service]!)}
      data-failed={trace.status[row] === 2}
      data-hovered={hovered}
      title={`${trace.services[service]}  ${name}\nself ${formatDuration(trace.selfNs[row]!)}${waitedNs > 0 ? `\nthe request waited ${formatDuration(waitedNs)} for it (${formatShare(share)})` : ''}`}
    >
      <i className={styles.fill} style={{ width: `calc(${share * 100}% - 4px)` }} />
      <b>
        <bdi>{trace.services[service] || 'no service'}</bdi>
        {trace.status[row] === 2 && <em aria-label="error">!</em>}
      </b>
      <bdi>{name || 'no name'}</bdi>
      <small>
        <span>{formatDuration(duration)}</span>
        {waitedNs > 0 && <span>{formatShare(share)}</span>}
      </small>
    </div>
  )
}

/** A service in the folded tree; what is filled is its share of the trace's self time. */
export function ServiceNodeBox(props: { loaded: LoadedTrace; node: ServiceNode; totalSelfNs: number }) {
  const { loaded, node, totalSelfNs } = props
  const { trace, slots } = loaded
  const share = totalSelfNs > 0 ? node.selfNs / totalSelfNs : 0
  return (
    <div className={`hue ${styles.node}`} style={hueStyle(slots[node.service]!)} data-failed={node.errors > 0}>
      <i className={styles.fill} style={{ width: `calc(${share * 100}% - 4px)` }} />
      <b>
        <bdi>{trace.services[node.service] || 'no service'}</bdi>
        {node.errors > 0 && <em aria-label={formatCounted(node.errors, 'error')}>{formatCount(node.errors)}</em>}
      </b>
      <span>{formatCounted(node.spans, 'span')}</span>
      <small>
        <span>self {formatDuration(node.selfNs)}</span>
        <span>{formatShare(share)}</span>
      </small>
    </div>
  )
}
