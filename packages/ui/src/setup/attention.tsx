import type { AttentionRow } from 'spoor/api'
import { Examples } from '../findings/examples.tsx'
import { keyOf } from '../findings/seen.ts'
import { formatCount } from '../format/numbers.ts'
import { formatStart } from '../format/time.ts'
import { useSettings } from '../settings/settings.ts'
import { CopyBlock } from '../widgets/copy.tsx'
import styles from './setup.module.css'

/** Where the lines of a way out go. */
const places: Readonly<Record<AttentionRow['lines'][number]['kind'], string>> = {
  env: 'In the environment of the sender',
  shell: 'In a shell here',
  yaml: 'In the configuration of the collector',
  code: 'In the code of the sender',
}

const signs = { error: '!', warning: '▲', info: 'i' } as const

/** What is wrong with what comes, each with the line that mends it. Whatever a sender says of itself is only text here. */
export function Attention({
  rows,
  isNew,
  onLeave,
}: {
  rows: readonly AttentionRow[]
  /** Which of them are marked. */
  isNew?: (row: AttentionRow) => boolean
  /** When a trace is opened. */
  onLeave?: () => void
}) {
  const { zone } = useSettings()
  if (rows.length === 0) return null
  return (
    <section className={styles.attention} aria-label="What needs attention">
      <h2>What needs attention</h2>
      <ul>
        {rows.map((row) => (
          <li key={row.id === undefined ? `${keyOf(row)}\n${row.what}` : row.id} data-severity={row.severity}>
            <p className={styles.what}>
              <span className={styles.sign} role="img" aria-label={row.severity}>
                {signs[row.severity]}
              </span>
              <b>
                <bdi>{row.what}</bdi>
              </b>
              {isNew?.(row) && <span className={styles.new}>new</span>}
            </p>
            <p className={styles.where}>
              <bdi>{row.where}</bdi> · {row.count === 1 ? 'once, ' : `${formatCount(row.count)} times, last `}
              <time>{formatStart(BigInt(Math.round(row.lastSeenMs)) * 1_000_000n, zone)}</time>
            </p>
            <Examples spans={row.spans} onLeave={onLeave} />
            <p>
              <bdi>{row.mend}</bdi>
            </p>
            {row.lines.map(({ kind, text }, index) => (
              <div key={kind + text}>
                {/* Each mends it alone. */}
                <h3>{index === 0 ? places[kind] : `Or ${places[kind].toLowerCase()}`}</h3>
                <CopyBlock text={text} />
              </div>
            ))}
          </li>
        ))}
      </ul>
    </section>
  )
}
