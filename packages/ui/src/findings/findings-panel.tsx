import { useQuery } from '@tanstack/react-query'
import type { AttentionRow, FindingsResponse } from 'spoor/api'
import { useEffect, useState } from 'react'
import { getJson } from '../api/client.ts'
import { Attention } from '../setup/attention.tsx'
import { Dialog } from '../widgets/dialog.tsx'
import styles from './findings-panel.module.css'
import { keyOf, unseenOf, useSeen } from './seen.ts'

/** All that is to be mended: of senders, of what they sent, and what could be better. Who opens it has seen it. */
export function FindingsPanel(props: { attention: readonly AttentionRow[]; onClose: () => void }) {
  const { attention } = props
  const { data, error } = useQuery({
    queryKey: ['findings'],
    queryFn: ({ signal }) => getJson<FindingsResponse>('findings', {}, signal),
    retry: false,
  })
  // What is told of a sender is not told again of what it sent.
  const more = (data?.findings ?? []).filter(
    (row) => !attention.some((told) => keyOf(told) === keyOf(row) || told.code === row.code),
  )
  const rows = [...attention, ...more]
  // As it was when it was opened: what is new stays marked while it is read.
  const [seenBefore] = useState(() => useSeen.getState().at)
  const fresh = new Set(unseenOf(rows, seenBefore).map(keyOf))
  const see = useSeen((seen) => seen.see)
  const keys = rows.map(keyOf).join('\n')
  useEffect(() => {
    see(rows)
    // oxlint-disable-next-line react/exhaustive-deps -- what it shows is told by its keys; the figures change all the time.
  }, [see, keys])
  return (
    <Dialog
      title="To mend"
      description="What is wrong with what comes, what shows it, and what mends it"
      onClose={props.onClose}
      wide
    >
      {rows.length === 0 && (
        <p className={styles.none}>
          {data || error ? 'Nothing, by what has come so far.' : 'Looking at what has come…'}
        </p>
      )}
      {error && <p className={styles.none}>What the traces show cannot be told now: {error.message}</p>}
      <div className={styles.rows}>
        <Attention rows={rows} isNew={(row) => fresh.has(keyOf(row))} onLeave={props.onClose} />
      </div>
    </Dialog>
  )
}
