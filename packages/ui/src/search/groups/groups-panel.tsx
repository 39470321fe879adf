import { Link } from '@tanstack/react-router'
import { without } from '../../url/without.ts'
import button from '../../widgets/icon-button.module.css'
import { ChevronDown, ChevronUp } from '../../widgets/icons.tsx'
import type { SearchUrl } from '../search-url.ts'
import { Bottleneck } from './bottleneck.tsx'
import { Errors } from './errors.tsx'
import styles from './groups.module.css'
import { Operations } from './operations.tsx'
import { lazyPart } from '../../widgets/lazy-part.tsx'
import { Loading } from '../../widgets/loading.tsx'

const Flame = lazyPart(async () => (await import('./flame.tsx')).Flame, {
  name: 'The flame graph',
  waiting: () => <Loading label="Flame graph" />,
})

const tabs = [
  { key: 'operations', label: 'Operations', Content: Operations },
  { key: 'errors', label: 'Errors', Content: Errors },
  { key: 'bottleneck', label: 'Bottleneck', Content: Bottleneck },
  { key: 'flame', label: 'Flame', Content: Flame },
] as const

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
          className={`${button.icon} ${styles.fold}`}
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
