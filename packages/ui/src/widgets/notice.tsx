import type { ReactNode } from 'react'
import styles from './notice.module.css'

/** A page or a panel with nothing in it yet, or with an error: what is the case, and what to do next. */
export function Notice(props: { title: string; tone?: 'plain' | 'error'; children?: ReactNode }) {
  return (
    <section
      className={styles.notice}
      role={props.tone === 'error' ? 'alert' : undefined}
      data-tone={props.tone ?? 'plain'}
    >
      <h2 className={styles.title}>{props.title}</h2>
      {props.children}
    </section>
  )
}
