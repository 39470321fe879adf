import type { SendersResponse } from 'spoor/api'
import { formatCount } from '../format/numbers.ts'
import { formatStart } from '../format/time.ts'
import { useSettings } from '../settings/settings.ts'
import styles from './pipelines.module.css'

type Sender = SendersResponse['senders'][number]

/** Who sends, and with what success: the ledger of this Spoor's receivers. Whatever a sender says of itself is only text here. */
export function Senders({ senders, forgotten, nowMs }: SendersResponse & { nowMs: number }) {
  const { zone } = useSettings()
  return (
    <section className={styles.collector} aria-label="Senders">
      <h2>Who sends here</h2>
      {senders.length === 0 && <p className={styles.quiet}>Nobody has sent anything since the start.</p>}
      {senders.length > 0 && (
        <div className={styles.scroller}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">Sender</th>
                <th scope="col">Services</th>
                <th scope="col">To</th>
                <th scope="col">Last seen</th>
                <th scope="col" className={styles.figure}>
                  A minute
                </th>
                <th scope="col" className={styles.figure}>
                  In all
                </th>
                <th scope="col">Refused</th>
              </tr>
            </thead>
            <tbody>
              {senders.map((sender) => (
                <tr key={[sender.receiver, sender.transport, sender.peer, sender.userAgent].join(' ')}>
                  <td>
                    <bdi>{sender.peer || 'unknown'}</bdi>
                    <bdi className={styles.quiet}>{sender.userAgent}</bdi>
                  </td>
                  <td>{servicesOf(sender)}</td>
                  <td>
                    {sender.receiver} {sender.transport}
                  </td>
                  <td>
                    {nowMs - sender.lastSeenMs < 5_000
                      ? 'now'
                      : formatStart(BigInt(sender.lastSeenMs) * 1_000_000n, zone)}
                  </td>
                  <td className={styles.figure}>{formatCount(sender.itemsPerMinute)}</td>
                  <td className={styles.figure}>{formatCount(sender.items)}</td>
                  <td>
                    {Object.entries(sender.outcomes)
                      .filter(([reason]) => reason !== 'preflight')
                      .map(([reason, { count, detail }]) => (
                        <p key={reason} className={styles.failed}>
                          {formatCount(count)} × {reason.replaceAll('_', ' ')}: <bdi>{detail}</bdi>
                        </p>
                      ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {forgotten > 0 && (
        <p className={styles.quiet}>
          {formatCount(forgotten)} more, which were seen longest ago, are not known any more.
        </p>
      )}
    </section>
  )
}

function servicesOf({ sampled: { resources } }: Sender) {
  return resources.toReversed().map(({ service, instance, language, sdkVersion }) => (
    <p key={`${service} ${instance} ${language}`}>
      <bdi>{service || 'without a name'}</bdi>{' '}
      <bdi className={styles.quiet}>{[language, sdkVersion].filter((part) => part !== '').join(' ')}</bdi>
    </p>
  ))
}
