import { type ComponentType, type ReactNode, useEffect, useState } from 'react'
import { FailureNotice } from './failure-notice.tsx'
import styles from './notice.module.css'

export interface LazyOptions<Props> {
  /** The start of "… could not be loaded". */
  readonly name: string
  /** What stands in its place until it is there. Default: nothing. */
  readonly waiting?: (props: Props) => ReactNode
  /** For what opens over the page (menus, dialogs): a failure is told in a box over it, that can be closed. */
  readonly floating?: { readonly onClose: (props: Props) => void }
}

/** A part of the page whose code comes when it is first wanted. */
export type LazyPart<Props> = ((props: Props) => ReactNode) & {
  /** Fetches the code ahead. Never rejects: a failure is told where the part should stand, after another try. */
  preload: () => Promise<void>
}

/**
 * Like React's `lazy`, which keeps a failure for ever and throws it at the page: this one tells it in the part's place, and can try again. Code fails to
 * come when the server is gone, or has been replaced by another version whose files have other names.
 */
export function lazyPart<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  options: LazyOptions<Props>,
): LazyPart<Props> {
  let loaded: ComponentType<Props> | undefined
  let loading: Promise<void> | undefined
  const fetchOnce = () =>
    (loading ??= load().then(
      (component) => {
        loaded = component
      },
      (error: unknown) => {
        loading = undefined
        throw error
      },
    ))

  function Part(props: Props) {
    const [attempt, setAttempt] = useState(0)
    const [outcome, setOutcome] = useState<{ attempt: number; failed: boolean }>()
    useEffect(() => {
      let gone = false
      const settle = (failed: boolean) => {
        if (!gone) setOutcome({ attempt, failed })
      }
      fetchOnce().then(
        () => settle(false),
        () => settle(true),
      )
      return () => {
        gone = true
      }
    }, [attempt])
    if (loaded) {
      const Loaded = loaded
      return <Loaded {...props} />
    }
    const isFailed = outcome?.failed === true
    if (!isFailed) return options.waiting?.(props) ?? null
    const { floating } = options
    const notice = (
      <FailureNotice
        title={`${options.name} could not be loaded`}
        error={
          new Error(`Is Spoor still running at ${location.origin}? When it was updated meanwhile, reload the page.`)
        }
        busy={outcome.attempt !== attempt}
        onAgain={() => setAttempt((count) => count + 1)}
      >
        <button type="button" onClick={() => location.reload()}>
          Reload the page
        </button>
        {floating && (
          <button type="button" onClick={() => floating.onClose(props)}>
            Close
          </button>
        )}
      </FailureNotice>
    )
    if (!floating) return notice
    return (
      <>
        {options.waiting?.(props)}
        <div className={styles.floating}>{notice}</div>
      </>
    )
  }
  return Object.assign(Part, { preload: () => fetchOnce().catch(() => {}) })
}
