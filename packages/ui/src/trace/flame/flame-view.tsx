import { formatDuration } from '@spoor/otlp'
import { type MouseEvent, useEffect, useMemo, useRef, useState } from 'react'
import { type Palette, usePalette } from '../../canvas/palette.ts'
import { prepareCanvas, useSize } from '../../canvas/use-size.ts'
import { formatCounted, formatShare } from '../../format/numbers.ts'
import { useKeys } from '../../keyboard/use-keys.ts'
import type { LoadedTrace } from '../loaded-trace.ts'
import { selectRow, useTraceStore, useTraceView } from '../trace-view.ts'
import { flameTree, type FlameTree, nodeAt } from './flame-tree.ts'
import styles from './flame-view.module.css'

/** Pixels. */
const levelHeight = 22
const textRoom = 36
/** Canvases beyond this height are not painted by browsers. */
const maxHeight = 16_000

/** The trace folded to its call paths, as wide as their self time. A click makes a path fill the width: that is the selected span's. */
export function FlameView() {
  const loaded = useTraceView((view) => view.loaded)
  const selected = useTraceView((view) => view.selected)
  const store = useTraceStore()
  const host = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width } = useSize(host)
  const palette = usePalette(host)
  const [hovered, setHovered] = useState<{ node: number; x: number; y: number }>()
  const tree = useMemo(() => flameTree(loaded.trace), [loaded])
  const focus = selected >= 0 ? tree.nodeOfRow[selected]! : -1
  const height = Math.min(maxHeight, tree.levels * levelHeight)
  useKeys({ '0': () => selectRow(store, -1) })

  useEffect(() => {
    if (!canvas.current || !palette || width === 0) return
    const context = prepareCanvas(canvas.current, { width, height })
    if (context) draw(context, { loaded, tree, focus, hovered: hovered?.node ?? -1, width, palette })
  }, [loaded, tree, focus, hovered?.node, width, height, palette])

  const find = (event: MouseEvent) => {
    const bounds = event.currentTarget.getBoundingClientRect()
    const { fromNs, scale } = viewOf(tree, focus, width)
    const x = event.clientX - bounds.left
    const y = event.clientY - bounds.top
    const level = Math.floor(y / levelHeight)
    // Those above the focus fill the width.
    let node = focus >= 0 && level < tree.depth[focus]! ? focus : nodeAt(tree, level, fromNs + x / scale)
    while (node >= 0 && tree.depth[node]! > level) node = tree.parent[node]!
    return { node, x, y }
  }
  const hover = (at: { node: number; x: number; y: number } | undefined) => {
    setHovered(at && at.node >= 0 ? at : undefined)
    store.setState({ hovered: at && at.node >= 0 ? tree.row[at.node]! : -1 })
  }
  return (
    <div className={styles.scroller} tabIndex={0} role="region" aria-label="Flame graph">
      <div ref={host} className={styles.host}>
        <canvas
          ref={canvas}
          style={{ height }}
          role="img"
          aria-label={`Self time by call path, ${formatCounted(tree.size, 'path')}. The table has the same numbers by operation.`}
          onMouseMove={(event) => hover(find(event))}
          onMouseLeave={() => hover(undefined)}
          onClick={(event) => {
            const { node } = find(event)
            selectRow(store, node < 0 || node === focus ? -1 : tree.row[node]!)
          }}
        />
        {hovered && <Tip at={hovered} tree={tree} loaded={loaded} width={width} />}
      </div>
      <p className={styles.help}>
        As wide as the self time of its spans and of all below. A click makes a path fill the width, Esc shows all.
      </p>
    </div>
  )
}

function Tip(props: {
  at: { node: number; x: number; y: number }
  tree: FlameTree
  loaded: LoadedTrace
  width: number
}) {
  const { at, tree, loaded } = props
  const { trace } = loaded
  const row = tree.row[at.node]!
  return (
    <div
      className={styles.tip}
      style={{ top: at.y + 18, ...(at.x > props.width / 2 ? { right: props.width - at.x } : { left: at.x }) }}
    >
      <b>{trace.services[trace.service[row]!] || 'no service'}</b>{' '}
      <bdi>{trace.names[trace.name[row]!] || 'no name'}</bdi>
      <br />
      {formatDuration(tree.width[at.node]!)} self time, {formatShare(tree.width[at.node]! / tree.totalNs)} ·{' '}
      {formatCounted(tree.spans[at.node]!, 'span')}
      {tree.errors[at.node]! > 0 && ` · ${formatCounted(tree.errors[at.node]!, 'error')}`}
    </div>
  )
}

/** What of the tree is in view: where it begins, and pixels a nanosecond. */
function viewOf(tree: FlameTree, focus: number, width: number): { fromNs: number; scale: number } {
  const whole = focus < 0 || tree.width[focus] === 0
  return {
    fromNs: whole ? 0 : tree.from[focus]!,
    scale: width / (whole ? tree.totalNs : tree.width[focus]!),
  }
}

interface Scene {
  readonly loaded: LoadedTrace
  readonly tree: FlameTree
  readonly focus: number
  readonly hovered: number
  readonly width: number
  readonly palette: Palette
}

function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { loaded, tree, focus, hovered, width, palette } = scene
  const { trace, slots } = loaded
  const { fromNs, scale } = viewOf(tree, focus, width)
  context.font = '11px system-ui, sans-serif'
  context.textBaseline = 'middle'
  for (let node = 0; node < tree.size; node++) {
    const left = Math.max(0, (tree.from[node]! - fromNs) * scale)
    const right = Math.min(width, (tree.from[node]! + tree.width[node]! - fromNs) * scale)
    if (right - left < 0.4) continue
    const row = tree.row[node]!
    const y = tree.depth[node]! * levelHeight
    const wide = Math.max(1, right - left - 1)
    context.fillStyle = palette.service[slots[trace.service[row]!]!]!
    context.globalAlpha = node === hovered ? 1 : focus >= 0 && tree.depth[node]! < tree.depth[focus]! ? 0.35 : 0.75
    context.fillRect(left, y, wide, levelHeight - 1)
    context.globalAlpha = 1
    if (tree.errors[node]! > 0) {
      context.fillStyle = palette.error
      context.fillRect(left, y, wide, 3)
    }
    if (node === focus) {
      context.strokeStyle = palette.accent
      context.lineWidth = 2
      context.strokeRect(left + 1, y + 1, wide - 2, levelHeight - 3)
    }
    if (wide < textRoom) continue
    context.fillStyle = palette.text
    const times = tree.spans[node]! > 1 ? ` ×${tree.spans[node]}` : ''
    const words = `${trace.services[trace.service[row]!]}  ${trace.names[trace.name[row]!]}${times}`
    context.save()
    context.beginPath()
    context.rect(left, y, wide - 4, levelHeight)
    context.clip()
    context.fillText(words.slice(0, 200), left + 5, y + levelHeight / 2)
    context.restore()
  }
}
