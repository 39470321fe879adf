import type { SendersResponse } from 'spoor/api'
import { formatCount } from '../format/numbers.ts'
import { formatStart } from '../format/time.ts'
import { useSettings } from '../settings/settings.ts'
import table from '../pipelines/pipelines.module.css'

type Process = SendersResponse['processes'][number]

const states: Readonly<Record<Process['state'], string>> = {
  running: 'runs',
  ended: 'has ended',
  gone: 'gone without goodbye',
}

/** What processes with `@spoor/instrument` know of themselves and their spans do not say. Only text here, whatever it is. */
export function Processes({ processes }: Pick<SendersResponse, 'processes'>) {
  const { zone } = useSettings()
  if (processes.length === 0) return null
  return (
    <section className={table.collector} aria-label="Processes">
      <h2>What processes say of themselves</h2>
      <div className={table.scroller}>
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col">Process</th>
              <th scope="col">State</th>
              <th scope="col">Patched</th>
              <th scope="col">Sampler, propagators</th>
              <th scope="col" className={table.figure}>
                Sent
              </th>
              <th scope="col">Not sent</th>
            </tr>
          </thead>
          <tbody>
            {processes.map((process) => (
              <tr key={process.id}>
                <td>
                  <bdi>{process.service}</bdi>
                  <p className={table.quiet}>
                    <bdi>
                      {process.pid} on {process.host}, {process.runtime}
                    </bdi>
                  </p>
                </td>
                <td>
                  {states[process.state]}
                  {process.state === 'ended' && process.exitCode !== 0 && ` with exit code ${process.exitCode}`}
                  {process.state !== 'running' && (
                    <p className={table.quiet}>{formatStart(BigInt(process.lastSeenMs) * 1_000_000n, zone)}</p>
                  )}
                </td>
                <td>
                  <bdi>{process.patched.join(', ') || 'nothing'}</bdi>
                  {process.awaited.length > 0 && (
                    <p className={table.quiet}>
                      <bdi>when loaded: {process.awaited.join(', ')}</bdi>
                    </p>
                  )}
                </td>
                <td>
                  <bdi>{process.sampler}</bdi>
                  <p className={table.quiet}>
                    <bdi>{process.propagators}</bdi>
                  </p>
                </td>
                <td className={table.figure}>{formatCount(process.exported)}</td>
                <td>{notSentOf(process).join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function notSentOf(process: Process): string[] {
  const parts: readonly (readonly [number, string])[] = [
    [process.failed, 'lost'],
    [process.dropped, 'dropped'],
    [process.notSampled, 'traces not sampled'],
    [process.notSampledByCaller, 'not sampled by the caller'],
    [process.state === 'running' ? 0 : process.open, 'never ended'],
  ]
  return parts.filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`)
}
