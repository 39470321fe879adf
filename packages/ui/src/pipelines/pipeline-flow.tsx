import { formatCount, formatRate, formatShare } from '../format/numbers.ts'
import styles from './pipelines.module.css'
import { ratesOf, stagesOf, type CollectorLook, type Component } from './rates.ts'

/** Of each signal, in words. */
const ITEMS = { traces: 'spans', metrics: 'points', logs: 'records' } as const

type Pipeline = CollectorLook['pipelines'][number]
type Looks = { readonly now: CollectorLook; readonly before: CollectorLook | undefined }

/** One pipeline from left to right: receivers, processors, exporters. */
export function PipelineFlow({ pipeline, now, before }: Looks & { pipeline: Pipeline }) {
  return (
    <section className={styles.pipeline} aria-label={`Pipeline ${pipeline.id}`}>
      <h3>{pipeline.id}</h3>
      <ol className={styles.stages}>
        {stagesOf(pipeline.components).map((stage) => (
          <li key={stage.map(({ id }) => id).join()} className={styles.stage}>
            {stage.map((component) => (
              <Box
                key={`${component.kind} ${component.id}`}
                component={component}
                pipeline={pipeline}
                now={now}
                before={before}
              />
            ))}
          </li>
        ))}
      </ol>
    </section>
  )
}

function Box({ component, pipeline, now, before }: Looks & { component: Component; pipeline: Pipeline }) {
  const { kind, id, place, status, figures, listening } = component
  const rates = ratesOf(pipeline.id, component, now, before)
  // What counts of a receiver is what it hands on, of a processor what it is handed, of an exporter what was taken.
  const [rate, total] = place === 'processor' ? [rates.in, figures.in] : [rates.out, figures.out]
  const failed = Object.entries(figures.failed).filter(([, items]) => items > 0)
  const items = ITEMS[pipeline.signal]
  return (
    <article
      className={styles.component}
      data-state={stateOf(status.status, failed.length > 0)}
      aria-label={`${kind} ${id}`}
    >
      <header>
        <span className={styles.dot} title={status.status.replaceAll('_', ' ')} />
        <b>{id}</b>
        <span className={styles.kind}>{kind}</span>
      </header>
      <p className={styles.rate}>
        {rate !== undefined && (
          <>
            <b>{formatRate(rate)}</b> {items}/s
          </>
        )}
        {total !== undefined && (
          <span>
            {formatCount(total)} {items}
          </span>
        )}
      </p>
      {listening.length > 0 && <p className={styles.addresses}>{listening.map(({ address }) => address).join(', ')}</p>}
      {figures.queue && <Queue {...figures.queue} />}
      {figures.kept !== undefined && figures.kept > 0 && (
        <p>
          {formatCount(figures.kept)} {items} wait for it, which others have taken
        </p>
      )}
      {failed.map(([reason, count]) => (
        <p key={reason} className={styles.failed}>
          {formatCount(count)} {items} lost or refused: {reason.replaceAll('_', ' ')}
        </p>
      ))}
      {status.message !== '' && (
        <p className={styles.failed}>
          <bdi>{status.message}</bdi>
        </p>
      )}
    </article>
  )
}

function Queue({ size, capacity }: { size: number; capacity: number }) {
  const share = capacity > 0 ? size / capacity : 0
  return (
    <p className={styles.queue}>
      <meter min={0} max={1} high={0.8} optimum={0} value={share} aria-label="Sending queue" />
      queue {formatCount(size)} of {formatCount(capacity)} ({formatShare(share)})
    </p>
  )
}

function stateOf(status: Component['status']['status'], hasFailed: boolean): 'ok' | 'trouble' | 'still' {
  if (status.endsWith('_error')) return 'trouble'
  if (status !== 'ok') return 'still'
  return hasFailed ? 'trouble' : 'ok'
}
