import { formatDuration } from '@spoor/otlp'
import { formatCount } from '../../format/numbers.ts'
import styles from './groups.module.css'
import { sparkPath } from './spark.ts'

const width = 120
const height = 18

/** How many by time, to the scale of its own peak; of them errors in red. */
export function Sparkline(props: { counts: readonly number[]; errors?: readonly number[]; bucketNs: number }) {
  const { counts, errors, bucketNs } = props
  const peak = Math.max(0, ...counts)
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`At most ${formatCount(peak)} in ${formatDuration(bucketNs)}`}
    >
      <path d={sparkPath(counts, peak, width, height)} />
      {errors && <path className={styles.failed} d={sparkPath(errors, peak, width, height)} />}
    </svg>
  )
}
