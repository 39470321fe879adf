import type { ErrorComponentProps } from '@tanstack/react-router'
import { FailureNotice } from '../widgets/failure-notice.tsx'

/** What stands in place of a page that came upon an error of its own; the bar above still works. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const cause = error instanceof Error ? error.message : String(error)
  const told = new Error(`An answer of Spoor, or this page itself, is not as it should be: ${cause}`)
  return (
    <FailureNotice title="This page came upon an error" error={told} onAgain={reset}>
      <button type="button" onClick={() => location.reload()}>
        Reload the page
      </button>
    </FailureNotice>
  )
}
