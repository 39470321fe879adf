import type { ReactNode } from 'react'
import { Notice } from './notice.tsx'
import styles from './notice.module.css'

/** Something that could not be shown: what happened, and the ways out. Children are further ways, beside "Try again". */
export function FailureNotice(props: {
  title: string
  error: Error
  onAgain: () => void
  /** It is being tried again. */
  busy?: boolean
  children?: ReactNode
}) {
  return (
    <Notice title={props.title} tone="error">
      <p>{props.error.message}</p>
      <p className={styles.ways}>
        <button type="button" onClick={props.onAgain} disabled={props.busy}>
          {props.busy ? 'Trying again' : 'Try again'}
        </button>
        {props.children}
      </p>
    </Notice>
  )
}

/** A line above something that is shown but could not be brought up to date, or completed. */
export function StaleBar(props: { error: Error; onAgain: () => void; busy?: boolean }) {
  return (
    <p className={styles.stale} role="status">
      <span>Not up to date: {props.error.message}</span>
      <button type="button" onClick={props.onAgain} disabled={props.busy}>
        {props.busy ? 'Trying again' : 'Try again'}
      </button>
    </p>
  )
}
