import { formatDuration } from '@spoor/otlp'
import { useNavigate } from '@tanstack/react-router'
import type { DependenciesResponse } from 'spoor/api'
import { type CSSProperties, useCallback, useMemo } from 'react'
import { formatCount, formatCounted, formatShare } from '../format/numbers.ts'
import { GraphCanvas } from '../graph/graph-canvas.tsx'
import styles from '../graph/graph.module.css'
import { useLayout } from '../graph/use-layout.ts'
import { useKeys } from '../keyboard/use-keys.ts'
import { rateText } from '../search/groups/rate-text.ts'
import { quote } from '../search/search-url.ts'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import { FailureNotice } from '../widgets/failure-notice.tsx'
import { Loading } from '../widgets/loading.tsx'
import { Legend } from '../graph/legend.tsx'
import { type DependencyNode, dependencyGraph, mostServices, serviceCount, spacing } from './map-graph.ts'
import type { ServicesUrl } from './services-url.ts'

/**
 * The graph itself. A click selects a service, Enter or a second click searches for its traces. Where there are too many services to be read, those with
 * the fewest calls are folded into one; around the selected one are only those that it has to do with.
 */
export function ServiceMap(props: {
  edges: DependenciesResponse['edges']
  url: ServicesUrl
  onSelect: (service: string | undefined) => void
  onShow: (how: Pick<ServicesUrl, 'around' | 'all'>) => void
}) {
  const { edges, url, onShow } = props
  const around = url.around ? url.service : undefined
  const graph = useMemo(() => dependencyGraph(edges, { around, folds: !url.all }), [edges, around, url.all])
  const total = useMemo(() => serviceCount(edges), [edges])
  const layout = useLayout(graph.layout)
  const selected = url.service === undefined ? -1 : graph.placeOf(url.service)
  const navigate = useNavigate()
  const open = (node: number) => {
    const service = graph.services[node]
    if (service && service.folded === 0)
      void navigate({ to: '/search', search: { q: `service:${quote(service.name)}` } })
  }
  const choose = (node: number) => {
    const service = graph.services[node]
    if (service && service.folded > 0) onShow({ all: '1' })
    else if (node === selected) open(node)
    else props.onSelect(service?.name)
  }
  const renderNode = useCallback((node: number) => <ServiceBox service={graph.services[node]!} />, [graph])
  const colourOf = useCallback((node: number) => slotOf(graph.services[node]!.name), [graph])
  useKeys('Services', [
    { help: 'To the traces of the service', on: { Enter: () => open(selected) } },
    { help: 'Deselect', on: { Escape: () => props.onSelect(undefined) } },
  ])
  if (layout.kind === 'failed') {
    return <FailureNotice title="The services cannot be laid out" error={layout.error} onAgain={layout.again} />
  }
  if (layout.kind === 'waiting') return <Loading label="Laying out the services" />
  return (
    <GraphCanvas
      label="Calls between services"
      layout={layout.reply}
      edges={graph.edges}
      spacing={spacing}
      lines={2}
      slotOf={colourOf}
      selected={selected}
      onSelect={choose}
      renderNode={renderNode}
    >
      {url.service !== undefined && (
        <div className={styles.switch}>
          <button
            type="button"
            aria-pressed={around !== undefined}
            title="Only it, and what calls it or is called by it"
            onClick={() => onShow(around === undefined ? { around: '1' } : {})}
          >
            Around <bdi>{url.service}</bdi>
          </button>
        </div>
      )}
      {total > mostServices && around === undefined && (
        <div className={styles.switch} role="group" aria-label="Services">
          <button type="button" aria-pressed={!url.all} onClick={() => onShow({})}>
            {mostServices} with most calls
          </button>
          <button type="button" aria-pressed={url.all === '1'} onClick={() => onShow({ all: '1' })}>
            All {formatCount(total)}
          </button>
        </div>
      )}
      <Legend edges={graph.edges} words={{ async: 'messages' }} />
    </GraphCanvas>
  )
}

function ServiceBox({ service }: { service: DependencyNode }) {
  const { name, calls, errors, hidden, folded } = service
  if (folded > 0) {
    return (
      <div className={styles.node} title="Show them all">
        <b>
          <bdi>{name}</bdi>
        </b>
        <small>{formatCounted(calls, 'call')}</small>
      </div>
    )
  }
  const share = calls > 0 ? errors / calls : 0
  return (
    <div
      className={`hue ${styles.node}`}
      style={hueStyle(slotOf(name))}
      data-failed={errors > 0}
      title={`${name}\nClick twice, or Enter: its traces`}
    >
      <b>
        <bdi>{name}</bdi>
        {errors > 0 && (
          <i
            className={styles.ring}
            style={{ '--share': `${Math.max(4, share * 100)}%` } as CSSProperties}
            role="img"
            aria-label={`${formatCount(errors)} failed`}
            title={`${formatCount(errors)} of ${formatCounted(calls, 'call')} failed (${formatShare(share)})`}
          />
        )}
      </b>
      <small>
        <span>
          {calls > 0 ? `p95 ${formatDuration(service.p95Ns)} · ${rateText(service.perSecond)}` : 'not called'}
        </span>
        {hidden > 0 && (
          <span title={`${formatCounted(hidden, 'other service')} beyond it`}>+{formatCount(hidden)}</span>
        )}
      </small>
    </div>
  )
}
