import type { StatusResponse } from 'spoor/api'
import { formatBytes, formatCounted } from '../format/numbers.ts'
import { formatStart } from '../format/time.ts'
import { useSettings } from '../settings/settings.ts'
import { Attention } from '../setup/attention.tsx'
import { Dialog } from '../widgets/dialog.tsx'
import styles from './health-panel.module.css'
import { troublesOf } from './health-state.ts'

/** The server's words begin in lower case, as a log has them. */
const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

const nsOf = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n

/** How intake and store are: what is wrong, since when, what to do, and what the store told lately. */
export function HealthPanel(props: { status: StatusResponse | undefined; onClose: () => void }) {
  const { zone } = useSettings()
  const { status } = props
  const troubles = status ? troublesOf(status) : []
  return (
    <Dialog
      title="Intake and store"
      description="What is wrong, since when, and what to do about it"
      onClose={props.onClose}
      wide
    >
      {!status && (
        <p className={styles.verdict} data-state="trouble">
          Spoor does not answer. Is it still running?
        </p>
      )}
      {status && troubles.length === 0 && (
        <p className={styles.verdict}>
          {status.phase === 'running' ? 'Spans are taken and queries answered.' : `Spoor is ${status.phase}.`}
        </p>
      )}
      <ul className={styles.troubles}>
        {troubles.map(({ text, sinceMs, advice }) => (
          <li key={text} className={styles.trouble}>
            <p className={styles.verdict} data-state="trouble">
              {sentence(text)}
            </p>
            {sinceMs !== undefined && (
              <p className={styles.since}>
                Since <time>{formatStart(nsOf(sinceMs), zone)}</time>
              </p>
            )}
            <p>{advice}</p>
          </li>
        ))}
      </ul>
      {status && <Attention rows={status.attention} />}
      {status && (
        <>
          <h3 className={styles.heading}>Figures</h3>
          <dl className={styles.figures}>
            {figuresOf(status).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <h3 className={styles.heading}>What the store told lately</h3>
          {status.health.recent.length === 0 && <p className={styles.since}>Nothing.</p>}
          <ol className={styles.events}>
            {status.health.recent.map((event, index) => (
              <li key={`${event.atMs} ${index}`} data-severity={event.severity}>
                <time>{formatStart(nsOf(event.atMs), zone)}</time>
                <span className={styles.code}>{event.code.replaceAll('_', ' ')}</span>
                <span>{event.text}</span>
              </li>
            ))}
          </ol>
        </>
      )}
    </Dialog>
  )
}

function figuresOf({ spansAccepted, spansRefused, store, health }: StatusResponse): [string, string][] {
  const dropped = Object.values(health.droppedSpans).reduce((sum, spans) => sum + spans, 0)
  const figures: [string, string | false][] = [
    ['Accepted since start', formatCounted(spansAccepted, 'span')],
    ['Refused since start', spansRefused > 0 && formatCounted(spansRefused, 'span')],
    [
      store.stale ? 'Stored, when last known' : 'Stored',
      `${formatCounted(store.spans, 'span')} in ${formatBytes(store.diskBytes)}`,
    ],
    ['Deleted by the limits', dropped > 0 && formatCounted(dropped, 'span')],
    [
      'Damaged',
      health.damagedPieces > 0 &&
        `${formatCounted(health.damagedPieces, 'piece')}, ${formatBytes(health.damagedBytes)}, at most ${formatCounted(health.damagedSpans, 'span')}`,
    ],
  ]
  return figures.filter((figure): figure is [string, string] => figure[1] !== false)
}
