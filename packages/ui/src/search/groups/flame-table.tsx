import { formatDuration } from '@spoor/otlp'
import { Link } from '@tanstack/react-router'
import type { FlameResponse } from 'spoor/api'
import type { CSSProperties, ReactNode } from 'react'
import { formatCount, formatCounted } from '../../format/numbers.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { slotOf } from '../../service-color/kept-colors.ts'
import { withSpan } from '../query-text.ts'
import type { SearchUrl } from '../search-url.ts'
import { type FoldedNode, inDepth } from './folded.ts'
import styles from './groups.module.css'

type Frame = FlameResponse['frames'][number]

/** The flame graph in numbers, path by path. A click finds the traces that have such a span. */
export function FlameTable({
  data,
  nodes,
  url,
}: {
  data: FlameResponse
  nodes: readonly FoldedNode[]
  url: SearchUrl
}) {
  return (
    <table className={styles.table}>
      <caption className="visually-hidden">
        Call paths of {formatCounted(data.traces, 'trace')}, folded into one
      </caption>
      <thead>
        <tr>
          <th scope="col">Call path</th>
          {['Calls', 'Total', 'Self time', 'Waited for', 'Errors', 'Traces', 'Longest trace'].map((label) => (
            <th key={label} scope="col" className={styles.figure}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {inDepth(nodes).map(({ node, depth }, index) => (
          <tr key={node.kind === 'frame' ? node.path : index} className={styles.group}>
            <th scope="row" className={styles.path} style={{ '--depth': depth } as CSSProperties}>
              {depth > 0 && <span className="visually-hidden">{`Level ${depth + 1}: `}</span>}
              {node.kind === 'frame' ? (
                <SearchLink url={url} frame={node.times}>
                  <PathName service={node.times.service} name={node.times.name} />
                </SearchLink>
              ) : (
                formatCounted(node.times.frames, 'more path')
              )}
            </th>
            <td className={styles.figure}>{formatCount(node.times.calls)}</td>
            <td className={styles.figure}>{formatDuration(node.times.totalNs)}</td>
            <td className={styles.figure}>{formatDuration(node.times.selfNs)}</td>
            <td className={styles.figure}>{formatDuration(node.times.criticalNs)}</td>
            <td className={styles.figure} data-errors={node.times.errors > 0}>
              {node.times.errors > 0 && formatCount(node.times.errors)}
            </td>
            <td className={styles.figure}>{node.kind === 'frame' && formatCount(node.times.traces)}</td>
            <td className={styles.figure}>{node.kind === 'frame' && <LongestLink frame={node.times} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Colour, service and name of a path's spans. */
export function PathName({ service, name }: { service: string; name: string }) {
  return (
    <>
      <i className={`hue ${styles.stripe}`} style={hueStyle(slotOf(service))} /> <b>{service || 'no service'}</b>{' '}
      <bdi>{name || 'no name'}</bdi>
    </>
  )
}

/** To the traces that match and have a span of this path's service and name. */
export function SearchLink({ url, frame, children }: { url: SearchUrl; frame: Frame; children: ReactNode }) {
  const { service, name } = frame
  return (
    <Link
      to="/search"
      search={{ ...url, q: withSpan(url.q ?? '', { service, name }) }}
      preload={false}
      title={`${service}  ${name}`}
    >
      {children}
    </Link>
  )
}

/** To the trace that has most of a path's time. */
export function LongestLink({ frame, children }: { frame: Frame; children?: ReactNode }) {
  const [longest] = frame.exemplars
  if (!longest) return null
  return (
    <Link to="/trace/$id" params={{ id: longest.traceId }} search={{}} preload={false} title={longest.traceId}>
      {children} {formatDuration(longest.totalNs)}
    </Link>
  )
}
