import { type FormEvent, useState } from 'react'
import type { Zone } from '../format/time.ts'
import { Dialog } from '../widgets/dialog.tsx'
import styles from './range-dialog.module.css'
import type { SearchUrl } from './search-url.ts'

/** A range of times by its ends, in the zone that the page shows. */
export function RangeDialog(props: {
  url: SearchUrl
  zone: Zone
  onClose: () => void
  onChoose: (times: { from: string; to?: string }) => void
}) {
  const { url, zone } = props
  const [from, setFrom] = useState(
    fieldValue(url.from ? Number(BigInt(url.from) / 1_000_000n) : Date.now() - 3_600_000, zone),
  )
  const [to, setTo] = useState(url.to ? fieldValue(Number(BigInt(url.to) / 1_000_000n), zone) : '')
  const backwards = from !== '' && to !== '' && to <= from
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (from === '' || backwards) return
    props.onChoose({ from: nanoseconds(from, zone), ...(to !== '' && { to: nanoseconds(to, zone) }) })
  }
  return (
    <Dialog title="Time range" description="The first and the last start of a span" onClose={props.onClose}>
      <form className={styles.form} onSubmit={submit}>
        <label>
          From
          <input
            type="datetime-local"
            step="1"
            required
            value={from}
            onChange={(event) => setFrom(event.target.value)}
          />
        </label>
        <label>
          To
          <input type="datetime-local" step="1" value={to} onChange={(event) => setTo(event.target.value)} />
        </label>
        <p className={styles.note} data-error={backwards}>
          {backwards
            ? 'The end has to be after the start'
            : `${zone === 'utc' ? 'In UTC' : 'In local time'}; without an end, until now`}
        </p>
        <button type="submit" className={styles.submit} disabled={from === '' || backwards}>
          Search
        </button>
      </form>
    </Dialog>
  )
}

/** What a `datetime-local` field holds for a time in milliseconds since 1970. */
function fieldValue(ms: number, zone: Zone): string {
  const shift = zone === 'utc' ? 0 : new Date(ms).getTimezoneOffset() * 60_000
  return new Date(ms - shift).toISOString().slice(0, 19)
}

function nanoseconds(field: string, zone: Zone): string {
  const ms = new Date(zone === 'utc' ? `${field}Z` : field).getTime()
  return `${ms}000000`
}
