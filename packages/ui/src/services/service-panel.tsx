import { Link } from '@tanstack/react-router'
import type { DependenciesResponse } from 'spoor/api'
import { useState } from 'react'
import groups from '../search/groups/groups.module.css'
import { Operations } from '../search/groups/operations.tsx'
import { quote, type SearchUrl } from '../search/search-url.ts'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import button from '../widgets/icon-button.module.css'
import { CloseIcon } from '../widgets/icons.tsx'
import { Findings } from './findings.tsx'
import { OverTime } from './over-time.tsx'
import { Peers } from './peers.tsx'
import styles from './service-panel.module.css'

/** One service: what calls it, what it calls, its operations, and the ways to its traces. */
export function ServicePanel(props: {
  service: string
  edges: DependenciesResponse['edges']
  range: string | undefined
  onClose: () => void
}) {
  const { service, edges, range } = props
  const q = `service:${quote(service)}`
  const [sorted, setSorted] = useState<Pick<SearchUrl, 'groups'>>({})
  const url = { q, ...(range && { range }) }
  const ways: readonly { readonly label: string; readonly search: SearchUrl }[] = [
    { label: 'Traces', search: url },
    { label: 'Slowest', search: { ...url, order: 'longest_match' } },
    { label: 'Failed', search: { ...url, q: `${q} status:error` } },
    { label: 'Errors', search: { ...url, panel: 'errors' } },
  ]
  return (
    <section className={styles.panel} aria-label={`Service ${service}`}>
      <header className={styles.header}>
        <h2>
          <i className={`hue ${groups.stripe}`} style={hueStyle(slotOf(service))} />
          <bdi>{service}</bdi>
        </h2>
        {ways.map(({ label, search }) => (
          <Link key={label} to="/search" search={search} preload={false}>
            {label}
          </Link>
        ))}
        <button type="button" className={button.icon} aria-label="Close" title="Close (Esc)" onClick={props.onClose}>
          <CloseIcon />
        </button>
      </header>
      <OverTime url={url} />
      <Findings service={service} range={range} />
      <div className={styles.body}>
        <div className={styles.edges}>
          <Peers title="Called by" edges={edges.filter(({ child }) => child === service)} end="parent" />
          <Peers title="Calls" edges={edges.filter(({ parent }) => parent === service)} end="child" />
        </div>
        <div className={styles.operations}>
          <Operations
            url={{ ...url, ...sorted }}
            onChange={({ groups }) => setSorted(groups === undefined ? {} : { groups })}
          />
        </div>
      </div>
    </section>
  )
}
