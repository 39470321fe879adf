import { Link } from '@tanstack/react-router'
import { without } from '../../url/without.ts'
import { ChevronDown, ChevronUp } from '../../widgets/icons.tsx'
import type { SearchUrl } from '../search-url.ts'
import styles from './groups.module.css'
import { Operations } from './operations.tsx'

const tabs = [{ key: 'operations', label: 'Operations', Content: Operations }] as const

/** What all that matches is, group by group, computed by the store; folded it asks for nothing. */
export function GroupsPanel(props: { url: SearchUrl; onChange: (url: SearchUrl) => void }) {
  const { url } = props
  const open = url.panel ?? 'operations'
  const folded = open === 'none'
  const shown = tabs.find(({ key }) => key === open)
  const rest = without(url, ['panel'])
  return (
    <section className={styles.panel} aria-label="All that matches">
      <div className={styles.bar}>
        {tabs.map(({ key, label }) => (
          <Link
            key={key}
            to="/search"
            search={key === 'operations' ? rest : { ...rest, panel: key }}
            replace
            preload={false}
            activeOptions={{ exact: true }}
            className={styles.tab}
            aria-current={key === open ? 'true' : undefined}
          >
            {label}
          </Link>
        ))}
        <button
          type="button"
          className={styles.fold}
          aria-expanded={!folded}
          aria-label="Groups of all that matches"
          title={folded ? 'Show' : 'Fold away'}
          onClick={() => props.onChange(folded ? rest : { ...rest, panel: 'none' })}
        >
          {folded ? <ChevronDown /> : <ChevronUp />}
        </button>
      </div>
      {shown && <shown.Content url={url} onChange={props.onChange} />}
    </section>
  )
}
