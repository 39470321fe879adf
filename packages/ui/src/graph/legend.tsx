import type { EdgeStyle } from './graph-model.ts'
import styles from './graph.module.css'

const dashes: Readonly<Record<EdgeStyle, string | undefined>> = { call: undefined, async: '7 5', link: '1.5 4' }
const meanings: Readonly<Record<EdgeStyle, string>> = { call: 'call', async: 'outlives its parent', link: 'link' }

/** What the lines mean; only those that are there. */
export function Legend(props: {
  edges: readonly { readonly style: EdgeStyle; readonly isCritical?: boolean }[]
  /** Other words than {@link meanings}. */
  words?: Partial<Record<EdgeStyle, string>>
}) {
  const { edges } = props
  const words = { ...meanings, ...props.words }
  const shown = (['call', 'async', 'link'] as const).filter((style) => edges.some((edge) => edge.style === style))
  return (
    <p className={styles.legend}>
      {shown.map((style) => (
        <span key={style}>
          <svg aria-hidden="true">
            <line
              x1="0"
              y1="1"
              x2="24"
              y2="1"
              strokeDasharray={dashes[style]}
              strokeLinecap={style === 'link' ? 'round' : 'butt'}
            />
          </svg>
          {words[style]}
        </span>
      ))}
      {edges.some(({ isCritical }) => isCritical) && (
        <span>
          <svg aria-hidden="true" className={styles.critical}>
            <line x1="0" y1="1" x2="24" y2="1" />
          </svg>
          what was waited for
        </span>
      )}
    </p>
  )
}
