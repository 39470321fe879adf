import { formatDuration } from '@spoor/otlp'
import { Link } from '@tanstack/react-router'
import type { DependenciesResponse } from 'spoor/api'
import { formatCount, formatShare } from '../format/numbers.ts'
import { rateText } from '../search/groups/rate-text.ts'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import groups from '../search/groups/groups.module.css'
import styles from './service-panel.module.css'

type Edge = DependenciesResponse['edges'][number]

/** Who is at the other end of a service's edges: how often, how fast, how often in vain. The most frequent first. */
export function Peers(props: { title: string; edges: readonly Edge[]; end: 'parent' | 'child' }) {
  const { title, end } = props
  const edges = props.edges.toSorted((a, b) => b.calls - a.calls)
  return (
    <table className={`${groups.table} ${styles.peers}`}>
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">Service</th>
          {['Calls', 'Rate', 'p50', 'p95', 'p99', 'Errors'].map((column) => (
            <th key={column} scope="col" className={groups.figure}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {edges.length === 0 && (
          <tr>
            <td colSpan={7}>No other service in this time.</td>
          </tr>
        )}
        {edges.map((edge) => (
          <tr key={`${edge[end]} ${edge.kind}`} className={groups.group}>
            <th scope="row">
              <Link to="/services" search={(url) => ({ ...url, service: edge[end] })} preload={false}>
                <i className={`hue ${groups.stripe}`} style={hueStyle(slotOf(edge[end]))} />
                <bdi>{edge[end]}</bdi>
                {edge.kind === 'messaging' && <small>messages</small>}
              </Link>
            </th>
            <td className={groups.figure}>{formatCount(edge.calls)}</td>
            <td className={groups.figure}>{rateText(edge.perSecond)}</td>
            <td className={groups.figure}>{formatDuration(edge.p50Ns)}</td>
            <td className={groups.figure}>{formatDuration(edge.p95Ns)}</td>
            <td className={groups.figure}>{formatDuration(edge.p99Ns)}</td>
            <td className={groups.figure} data-errors={edge.errors > 0}>
              {edge.errors > 0 && `${formatCount(edge.errors)} · ${formatShare(edge.errors / edge.calls)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
