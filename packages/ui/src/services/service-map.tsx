import { formatDuration } from '@spoor/otlp'
import { useNavigate } from '@tanstack/react-router'
import type { DependenciesResponse } from 'spoor/api'
import { useMemo } from 'react'
import { formatCount } from '../format/numbers.ts'
import { GraphCanvas } from '../graph/graph-canvas.tsx'
import styles from '../graph/graph.module.css'
import { useLayout } from '../graph/use-layout.ts'
import { useKeys } from '../keyboard/use-keys.ts'
import { rateText } from '../search/groups/rate-text.ts'
import { quote } from '../search/search-url.ts'
import { hueStyle } from '../service-color/hue.ts'
import { slotOf } from '../service-color/kept-colors.ts'
import { FailureNotice } from '../widgets/failure-notice.tsx'
import { Notice } from '../widgets/notice.tsx'
import { dependencyGraph, spacing } from './map-graph.ts'

/** The graph itself. A click selects a service, Enter or a second click searches for its traces. */
export function ServiceMap(props: {
  edges: DependenciesResponse['edges']
  /** The one that is selected. */
  service: string | undefined
  onSelect: (service: string | undefined) => void
}) {
  const { edges } = props
  const graph = useMemo(() => dependencyGraph(edges), [edges])
  const layout = useLayout(graph.layout)
  const selected = graph.services.findIndex(({ name }) => name === props.service)
  const navigate = useNavigate()
  const open = (node: number) => {
    const service = graph.services[node]
    if (service) void navigate({ to: '/search', search: { q: `service:${quote(service.name)}` } })
  }
  useKeys({ Enter: () => open(selected), Escape: () => props.onSelect(undefined) })
  if (layout.kind === 'failed') {
    return <FailureNotice title="The services cannot be laid out" error={layout.error} onAgain={layout.again} />
  }
  if (layout.kind === 'waiting') return <Notice title="Laying out" />
  return (
    <GraphCanvas
      label="Calls between services"
      layout={layout.reply}
      edges={graph.edges}
      spacing={spacing}
      selected={selected}
      onSelect={(node) => (node === selected ? open(node) : props.onSelect(graph.services[node]?.name))}
      renderNode={(node) => {
        const service = graph.services[node]!
        return (
          <div
            className={`hue ${styles.node}`}
            style={{ ...hueStyle(slotOf(service.name)), gridTemplateRows: '20px 18px' }}
            title="Click twice, or Enter: its traces"
          >
            <b>
              <span>{service.name}</span>
              {service.errors > 0 && <em>{formatCount(service.errors)} failed</em>}
            </b>
            <small>
              <span>
                {service.calls > 0
                  ? `${rateText(service.perSecond)} · p95 ${formatDuration(service.p95Ns)}`
                  : 'not called'}
              </span>
            </small>
          </div>
        )
      }}
    />
  )
}
