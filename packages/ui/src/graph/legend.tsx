import type { EdgeStyle } from './graph-model.ts'
import styles from './graph.module.css'

const dashes: Readonly<Record<EdgeStyle, string | undefined>> = { call: undefined, async: '7 5', link: '1.5 4' }
const words: Readonly<Record<EdgeStyle, string>> = { call: 'call', async: 'outlives its parent', link: 'link' }

/** What the lines mean; only those that are there. */
export function Legend({ edges }: { edges: readonly { readonly style: EdgeStyle }[] }) {
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
    </p>
  )
}
