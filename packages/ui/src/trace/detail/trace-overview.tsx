import { formatDuration } from '@spoor/otlp'
import { useMemo } from 'react'
import { formatCount, formatShare } from '../../format/numbers.ts'
import { formatInstant } from '../../format/time.ts'
import { hueStyle } from '../../service-color/hue.ts'
import { useSettings } from '../../settings/settings.ts'
import { Copyable } from '../../widgets/copy.tsx'
import { Severity } from '../trace-header.tsx'
import { selectRow, useTraceStore, useTraceView } from '../trace-view.ts'
import styles from './detail.module.css'
import { serviceFigures } from './service-figures.ts'

/** The trace as a whole: its problems in words, where the time went by service, and its identity. */
export function TraceOverview() {
  const { trace, problems, slots } = useTraceView((view) => view.loaded)
  const store = useTraceStore()
  const zone = useSettings((settings) => settings.zone)
  const figures = useMemo(() => serviceFigures(trace), [trace])
  const total = figures.reduce((sum, figure) => sum + figure.selfNs, 0) || 1
  return (
    <>
      {problems.length > 0 && (
        <section className={styles.section}>
          <h2>Problems</h2>
          <ul className={styles.problems}>
            {problems.map((problem) => (
              <li key={problem.code + problem.text}>
                <button type="button" onClick={() => selectRow(store, problem.rows[0] ?? -1)}>
                  <Severity severity={problem.severity} />
                  {problem.text}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section className={styles.section}>
        <h2>Self time by service</h2>
        <table className={styles.services}>
          <thead>
            <tr>
              <th scope="col">service</th>
              <th scope="col">self</th>
              <th scope="col">share</th>
              <th scope="col">spans</th>
              <th scope="col">errors</th>
            </tr>
          </thead>
          <tbody>
            {figures.map(({ service, spans, errors, selfNs }) => (
              <tr key={service} className="hue" style={hueStyle(slots[service]!)}>
                <th scope="row">
                  <i className={styles.share} style={{ width: `${(selfNs / total) * 100}%` }} />
                  <span title={trace.services[service]}>{trace.services[service] || 'no service'}</span>
                </th>
                <td>{formatDuration(selfNs)}</td>
                <td>{formatShare(selfNs / total)}</td>
                <td>{formatCount(spans)}</td>
                <td data-errors={errors > 0}>{errors > 0 ? formatCount(errors) : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section className={styles.section}>
        <h2>Identity</h2>
        <dl className={styles.fields}>
          <div>
            <dt>trace id</dt>
            <dd>
              <Copyable text={trace.traceId} />
            </dd>
          </div>
          <div>
            <dt>start</dt>
            <dd>{formatInstant(trace.start, zone)}</dd>
          </div>
          <div>
            <dt>duration</dt>
            <dd>{formatDuration(trace.durationNs)}</dd>
          </div>
        </dl>
      </section>
    </>
  )
}
