import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { formatCount } from '../../format/numbers.ts'
import { FailureNotice, StaleBar } from '../../widgets/failure-notice.tsx'
import { Loading } from '../../widgets/loading.tsx'
import styles from './groups.module.css'

/** Where an answer over all that matches stands: on its way, failed, cut short, or there. */
export function Answer<T extends { readonly complete: boolean; readonly elapsedMs: number }>(props: {
  label: string
  result: UseQueryResult<T>
  children: (data: T) => ReactNode
}) {
  const { data, error, isFetching, isPlaceholderData, refetch } = props.result
  const again = () => void refetch()
  if (!data) {
    return error ? (
      <FailureNotice title={`${props.label} failed`} error={error} onAgain={again} busy={isFetching} />
    ) : (
      <Loading label={props.label} />
    )
  }
  return (
    <>
      {error && <StaleBar error={error} onAgain={again} busy={isFetching} />}
      {!data.complete && (
        <p className={styles.warning} role="status">
          Not complete: stopped after {formatCount(Math.round(data.elapsedMs))} ms, so the numbers are too small. A
          shorter time range or a service makes it quicker.
        </p>
      )}
      <div
        className={styles.scroller}
        aria-busy={isPlaceholderData}
        role="region"
        tabIndex={0}
        aria-label={props.label}
      >
        {props.children(data)}
      </div>
    </>
  )
}
