import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { formatCounted } from '../format/numbers.ts'
import styles from './files.module.css'
import { keepInStore } from './keep-in-store.ts'
import { closeOpened, type OpenedFile } from './opened-files.ts'

type Keeping =
  | { readonly kind: 'not' | 'kept' }
  | { readonly kind: 'under way'; readonly done: number }
  | { readonly kind: 'failed'; readonly error: Error }

/** Above what is shown of a file: where it is from, and the ways to keep it and to put it away. `traceId`: the only trace that is shown of it. */
export function FileBar({ file, traceId }: { file: OpenedFile; traceId?: string }) {
  const navigate = useNavigate()
  const [keeping, setKeeping] = useState<Keeping>({ kind: 'not' })
  const { name, traces, refusals } = file
  const keep = async () => {
    setKeeping({ kind: 'under way', done: 0 })
    try {
      await keepInStore(
        traces.map(({ bytes }) => bytes),
        (done) => setKeeping({ kind: 'under way', done }),
      )
      setKeeping({ kind: 'kept' })
    } catch (error) {
      setKeeping({ kind: 'failed', error: error as Error })
    }
  }
  const count = formatCounted(traces.length, 'trace')
  return (
    <p className={styles.bar} role="status">
      <span>
        <b>{name}</b>, shown by this browser alone:{' '}
        {traceId && traces.length > 1 ? (
          <Link to="/file" search={{ name }}>
            one of {count}
          </Link>
        ) : (
          count
        )}
      </span>
      {traceId && refusals.length > 0 && (
        <Link to="/file" search={{ name }}>
          A part of it cannot be shown
        </Link>
      )}
      {keeping.kind === 'kept' ? (
        <span>
          It is in the store.{' '}
          {traceId && (
            <Link to="/trace/$id" params={{ id: traceId }} search={{}}>
              Show it from there
            </Link>
          )}
        </span>
      ) : (
        traces.length > 0 && (
          <button type="button" disabled={keeping.kind === 'under way'} onClick={() => void keep()}>
            {keeping.kind === 'under way'
              ? `Putting it into the store: ${keeping.done} of ${traces.length}`
              : traces.length > 1
                ? `Keep all ${count} in the store`
                : 'Keep it in the store'}
          </button>
        )
      )}
      {keeping.kind === 'failed' && <span>It could not be kept: {keeping.error.message}</span>}
      <button
        type="button"
        onClick={() => {
          closeOpened(name)
          void navigate({ to: '/search', search: {} })
        }}
      >
        Close it
      </button>
    </p>
  )
}
