import styles from './loading.module.css'

/** Widths of the lines that stand for what is on its way. Per cent. */
const lines = [62, 38, 71, 54, 29, 66, 47, 58]

/** A line that moves while something is on its way, and grey ones in its place where that takes longer; `label` says what, to those who do not see it. */
export function Loading({ label }: { label: string }) {
  return (
    <div className={styles.loading} role="status">
      <span className="visually-hidden">{label}</span>
      <div className={styles.line} />
      <div className={styles.skeleton} aria-hidden="true">
        {lines.map((width) => (
          <i key={width} style={{ width: `${width}%` }} />
        ))}
      </div>
    </div>
  )
}
