import styles from './loading.module.css'

/** A line that moves while something is on its way; `label` says what, to those who do not see it. */
export function Loading({ label }: { label: string }) {
  return (
    <div className={styles.loading} role="status">
      <span className="visually-hidden">{label}</span>
      <div />
    </div>
  )
}
