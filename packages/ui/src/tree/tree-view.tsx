import { Link } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import { GraphCanvas } from '../graph/graph-canvas.tsx'
import styles from '../graph/graph.module.css'
import { Legend } from '../graph/legend.tsx'
import { useLayout } from '../graph/use-layout.ts'
import { FailureNotice } from '../widgets/failure-notice.tsx'
import { Loading } from '../widgets/loading.tsx'
import { formatCount, formatCounted } from '../format/numbers.ts'
import { selectRow, useTraceStore, useTraceView } from '../trace/trace-view.ts'
import { without } from '../url/without.ts'
import { ServiceNodeBox, SpanNodeBox } from './node-box.tsx'
import { maxTreeSpans, serviceTree, spacing, spanTree } from './tree-graph.ts'

/** The trace as a graph from the user's action down: each span a node, or folded to services. */
export function TreeView() {
  const loaded = useTraceView((view) => view.loaded)
  const tooMany = loaded.trace.size > maxTreeSpans
  const [folded, setFolded] = useState(tooMany)
  const store = useTraceStore()
  const selectedRow = useTraceView((view) => view.selected)
  const graph = useMemo(
    () => (folded ? serviceTree(loaded.trace) : spanTree(loaded.trace, loaded.critical)),
    [loaded, folded],
  )
  const layout = useLayout(graph.layout)
  const slotOfNode = useCallback(
    (node: number) => loaded.slots[graph.services?.[node]?.service ?? loaded.trace.service[node]!]!,
    [graph, loaded],
  )
  const renderNode = useCallback(
    (node: number) => {
      if (!graph.services) return <SpanNodeBox loaded={loaded} row={node} />
      return <ServiceNodeBox loaded={loaded} node={graph.services[node]!} totalSelfNs={graph.totalSelfNs} />
    },
    [graph, loaded],
  )

  if (layout.kind === 'failed') {
    return (
      <FailureNotice title="The tree cannot be laid out" error={layout.error} onAgain={layout.again}>
        {!folded && (
          <button type="button" onClick={() => setFolded(true)}>
            Fold it to services
          </button>
        )}
        <Link from="/trace/$id" to="/trace/$id" search={(url) => without(url, ['view'])}>
          Show the timeline
        </Link>
      </FailureNotice>
    )
  }
  if (layout.kind === 'waiting') return <Loading label="Laying out the tree" />
  return (
    <GraphCanvas
      label={folded ? 'Services of the trace' : 'Spans of the trace as a tree'}
      layout={layout.reply}
      edges={graph.edges}
      spacing={spacing}
      lines={3}
      slotOf={slotOfNode}
      selected={selectedRow < 0 ? -1 : graph.nodeOfRow(selectedRow)}
      onSelect={(node) => selectRow(store, graph.rowOfNode(node))}
      onHover={(node) => store.setState({ hovered: node < 0 ? -1 : graph.rowOfNode(node) })}
      renderNode={renderNode}
    >
      <div className={styles.switch} role="group" aria-label="Nodes">
        <button
          type="button"
          aria-pressed={!folded}
          disabled={tooMany}
          onClick={() => setFolded(false)}
          title={
            tooMany
              ? `Up to ${formatCounted(maxTreeSpans, 'span')} can be drawn one by one; this trace has ${formatCount(loaded.trace.size)}`
              : 'A node a span'
          }
        >
          Spans
        </button>
        <button type="button" aria-pressed={folded} onClick={() => setFolded(true)} title="A node a service">
          Services
        </button>
      </div>
      <Legend edges={graph.edges} />
    </GraphCanvas>
  )
}
