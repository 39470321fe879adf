import type { ErrorComponentProps } from '@tanstack/react-router'
import { FailureNotice } from '../widgets/failure-notice.tsx'

/** What stands in place of a page that came upon an error of its own; the bar above still works. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  return (
    <FailureNotice
      title="This page came upon an error"
      error={error instanceof Error ? error : new Error(String(error))}
      onAgain={reset}
    >
      <button type="button" onClick={() => location.reload()}>
        Reload the page
      </button>
    </FailureNotice>
  )
}
