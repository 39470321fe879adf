import { formatDuration } from '@spoor/otlp'
import { useMemo } from 'react'
import { FlameCanvas } from '../../flame/flame-canvas.tsx'
import type { FlamePaint } from '../../flame/flame-draw.ts'
import styles from '../../flame/flame.module.css'
import { formatCounted, formatShare } from '../../format/numbers.ts'
import { useKeys } from '../../keyboard/use-keys.ts'
import type { LoadedTrace } from '../loaded-trace.ts'
import { selectRow, useTraceStore, useTraceView } from '../trace-view.ts'
import { flameTree, type FlameTree } from './flame-tree.ts'

/** The trace folded to its call paths, as wide as their self time. A click makes a path fill the width: that is the selected span's. */
export function FlameView() {
  const loaded = useTraceView((view) => view.loaded)
  const selected = useTraceView((view) => view.selected)
  const store = useTraceStore()
  const tree = useMemo(() => flameTree(loaded.trace), [loaded])
  const paint = useMemo(() => paintOf(loaded, tree), [loaded, tree])
  useKeys('Flame graph', [{ help: 'All of it', on: { '0': () => selectRow(store, -1) } }])
  const rowOf = (node: number) => (node < 0 ? -1 : tree.row[node]!)
  return (
    <div className={styles.scroller} tabIndex={0} role="region" aria-label="Flame graph">
      <FlameCanvas
        shape={tree}
        paint={paint}
        label={`Self time by call path, ${formatCounted(tree.size, 'path')}. The table has the same numbers by operation.`}
        focus={selected >= 0 ? tree.nodeOfRow[selected]! : -1}
        onFocus={(node) => selectRow(store, rowOf(node))}
        onHover={(node) => store.setState({ hovered: rowOf(node) })}
        tip={(node) => <Tip node={node} tree={tree} loaded={loaded} />}
      />
      <p className={styles.help}>
        As wide as the self time of its spans and of all below. A click makes a path fill the width, Esc shows all.
      </p>
    </div>
  )
}

function Tip({ node, tree, loaded }: { node: number; tree: FlameTree; loaded: LoadedTrace }) {
  const { trace } = loaded
  const row = tree.row[node]!
  return (
    <>
      <b>{trace.services[trace.service[row]!] || 'no service'}</b>{' '}
      <bdi>{trace.names[trace.name[row]!] || 'no name'}</bdi>
      <br />
      {formatDuration(tree.width[node]!)} self time, {formatShare(tree.width[node]! / tree.totalNs)} ·{' '}
      {formatCounted(tree.spans[node]!, 'span')}
      {tree.errors[node]! > 0 && ` · ${formatCounted(tree.errors[node]!, 'error')}`}
    </>
  )
}

function paintOf({ trace, slots }: LoadedTrace, tree: FlameTree): FlamePaint {
  return {
    words: (node) => {
      const row = tree.row[node]!
      const times = tree.spans[node]! > 1 ? ` ×${tree.spans[node]}` : ''
      return `${trace.services[trace.service[row]!]}  ${trace.names[trace.name[row]!]}${times}`
    },
    slot: (node) => slots[trace.service[tree.row[node]!]!],
    hasErrors: (node) => tree.errors[node]! > 0,
  }
}
