import { formatDuration } from '@spoor/otlp'
import { useMemo } from 'react'
import { formatCounted } from '../../format/numbers.ts'
import { pieceOf } from '../timeline-geometry.ts'
import { type TimeWindow, useTraceView } from '../trace-view.ts'
import styles from './timeline.module.css'

/** The stretch of time that was measured, over the bars. */
export function MeasuredBand() {
  const piece = usePiece()
  if (!piece) return null
  return <i className={styles.measured} style={{ left: `${piece.left * 100}%`, width: `${piece.width * 100}%` }} />
}

/** How long it is, and how many spans are at work in it, over the times. */
export function MeasuredText() {
  const measured = useTraceView((view) => view.measured)
  const { trace } = useTraceView((view) => view.loaded)
  const piece = usePiece()
  const spans = useMemo(() => (measured ? spansIn(trace, measured) : 0), [trace, measured])
  if (!measured || !piece) return null
  const middle = piece.left + piece.width / 2
  return (
    <b
      role="status"
      className={styles.measuredText}
      data-edge={middle > 0.85 ? 'end' : middle < 0.15 ? 'start' : undefined}
      style={{ left: `${middle * 100}%` }}
    >
      {formatDuration(measured.to - measured.from)}, {formatCounted(spans, 'span')}
    </b>
  )
}

function usePiece() {
  const measured = useTraceView((view) => view.measured)
  const window = useTraceView((view) => view.window)
  return measured && pieceOf(window, measured.from, measured.to)
}

/** How many spans are at work at any time of a stretch. */
export function spansIn(
  trace: { readonly size: number; readonly startNs: Float64Array; readonly durationsNs: Float64Array },
  { from, to }: TimeWindow,
): number {
  let count = 0
  for (let row = 0; row < trace.size; row++) {
    const start = trace.startNs[row]!
    if (start <= to && start + trace.durationsNs[row]! >= from) count++
  }
  return count
}
