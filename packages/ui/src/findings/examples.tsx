import { Link } from '@tanstack/react-router'
import type { AttentionRow } from 'spoor/api'
import styles from './examples.module.css'

/** Traces that are named, each by the first of its spans. */
const MAX_TRACES = 10

/** The traces that show something, each at a span that does. */
export function Examples(props: { spans: AttentionRow['spans'] | undefined; onLeave: (() => void) | undefined }) {
  const { spans, onLeave } = props
  const traces = [...new Map((spans ?? []).toReversed().map((span) => [span.traceId, span])).values()].reverse()
  if (traces.length === 0) return null
  return (
    <p className={styles.examples}>
      Shown by{' '}
      {traces.slice(0, MAX_TRACES).map(({ traceId, spanId }) => (
        <Link
          key={traceId}
          to="/trace/$id"
          params={{ id: traceId }}
          search={{ span: spanId }}
          preload={false}
          aria-label={`trace ${traceId.slice(0, 8)}`}
          {...(onLeave && { onClick: onLeave })}
        >
          {traceId.slice(0, 8)}
        </Link>
      ))}
    </p>
  )
}
