import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { statusQuery } from '../api/queries.ts'
import { formatCounted } from '../format/numbers.ts'
import { lazyPart } from '../widgets/lazy-part.tsx'
import styles from './bell.module.css'
import { unseenOf, useSeen } from './seen.ts'

const FindingsPanel = lazyPart(async () => (await import('./findings-panel.tsx')).FindingsPanel, {
  name: 'The list of what is to be mended',
  floating: { onClose: (props) => props.onClose() },
})

/** More is told as `99+`, as there is no room. */
const MAX_SHOWN = 99

/** How many things are to be mended that nobody has seen; the list of all behind a click. */
export function Bell() {
  const { data, error } = useQuery(statusQuery)
  const seenAt = useSeen((seen) => seen.at)
  const [isOpen, setOpen] = useState(false)
  const rows = data?.attention ?? []
  const unseen = unseenOf(rows, seenAt)
  const worst = unseen.some(({ severity }) => severity === 'error') ? 'error' : 'warning'
  const label = `${formatCounted(rows.length, 'thing')} to mend${unseen.length > 0 ? `, ${unseen.length} new` : ''}`
  return (
    <>
      <button
        type="button"
        className={styles.bell}
        title={error ? 'No answer: what is to be mended is not known' : label}
        aria-label={label}
        aria-haspopup="dialog"
        onPointerEnter={() => void FindingsPanel.preload()}
        onFocus={() => void FindingsPanel.preload()}
        onClick={() => setOpen(true)}
      >
        <svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden>
          <path
            d="M2.5 12h11c-1-1-1.5-2-1.5-4.5a4 4 0 0 0-8 0C4 10 3.5 11 2.5 12ZM6.5 14h3"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
        {unseen.length > 0 && (
          <span className={styles.count} data-severity={worst} aria-hidden>
            {unseen.length > MAX_SHOWN ? `${MAX_SHOWN}+` : unseen.length}
          </span>
        )}
      </button>
      <span className="visually-hidden" role="status">
        {unseen.length > 0 ? `${formatCounted(unseen.length, 'new thing')} to mend` : ''}
      </span>
      {isOpen && <FindingsPanel attention={rows} onClose={() => setOpen(false)} />}
    </>
  )
}
