import { type CSSProperties, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { usePalette } from '../canvas/palette.ts'
import { prepareCanvas, useSize } from '../canvas/use-size.ts'
import { useKeys } from '../keyboard/use-keys.ts'
import { drawEdges } from './draw-edges.ts'
import { drawnEdge } from './drawn-edge.ts'
import type { GraphEdge } from './graph-model.ts'
import { GraphNode } from './graph-node.tsx'
import styles from './graph.module.css'
import type { LayoutReply } from './layout-protocol.ts'
import { type Direction, neighbourOf } from './neighbour.ts'
import type { Spacing } from './tidy-tree.ts'
import { useFirstView } from './use-first-view.ts'
import { useViewport } from './use-viewport.ts'
import { boundsOf, fitted, nodesIn, seenBox, zoomed } from './viewport.ts'

export interface GraphProps {
  /** What it shows, for those who do not see it. */
  readonly label: string
  readonly layout: LayoutReply
  readonly edges: readonly GraphEdge[]
  readonly spacing: Spacing
  /** Must be the same function as long as it draws the same. */
  readonly renderNode: (node: number) => ReactNode
  /** The colour slot of a node, for where it is drawn as a mere box. */
  readonly slotOf: (node: number) => number
  /** Lines of text in a node. */
  readonly lines: number
  readonly selected: number
  readonly onSelect: (node: number) => void
  readonly onHover?: (node: number) => void
  /** Stands over the top left corner. */
  readonly children?: ReactNode
}

/** Beyond this number of nodes in sight they are boxes without a word, drawn and not made. */
const manyNodes = 500

/** Pixels: no text is smaller on the screen, and a line of it takes so much. */
const leastText = 11
const leastLine = 14

/** The zoom at which a node's box has room for its name, in the least size. */
const nameZoom = 0.3

/** A graph that can be zoomed and panned, and walked with the arrow keys. Text keeps its least size: what has no room is left out. */
export function GraphCanvas(props: GraphProps) {
  const { layout, edges, spacing, selected, onSelect, slotOf } = props
  const { placement } = layout
  const frame = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(frame)
  const palette = usePalette(frame)
  const { view, setView, handlers, touched } = useViewport(frame)
  const [hovered, setHovered] = useState(-1)
  const bounds = useMemo(() => boundsOf(placement, spacing), [placement, spacing])
  const drawn = useMemo(
    () => edges.map((edge, index) => drawnEdge(edge, index, layout, spacing)),
    [edges, layout, spacing],
  )
  const fullZoom = (props.lines * leastLine) / spacing.height
  useFirstView({ layout, spacing, selected, size, bounds, setView, touched, least: Math.min(fullZoom, 1) })

  const nodes = useMemo(
    () => (view && size.width > 0 ? nodesIn(seenBox(view, size), placement, spacing) : []),
    [view, size, placement, spacing],
  )
  const zoom = view?.zoom ?? 1
  const isPlain = nodes.length > manyNodes
  const level = zoom >= fullZoom ? 'full' : zoom >= nameZoom ? 'name' : 'box'
  const lit = hovered >= 0 ? hovered : selected
  const litNodes = useMemo(() => neighbours(edges, hovered), [edges, hovered])

  useEffect(() => {
    if (!canvas.current || !palette || !view || size.width === 0) return
    const context = prepareCanvas(canvas.current, size)
    if (!context) return
    canvas.current.dataset['edges'] = String(drawEdges(context, { edges, drawn, view, size, lit, palette }))
    if (!isPlain) return
    for (const node of nodes) {
      context.fillStyle = palette.service[slotOf(node)]!
      const [x, y] = [view.x + view.zoom * placement.x[node]!, view.y + view.zoom * placement.y[node]!]
      context.fillRect(x, y, Math.max(1, view.zoom * spacing.width), Math.max(1, view.zoom * spacing.height))
    }
  }, [view, size, palette, edges, drawn, lit, isPlain, nodes, placement, spacing, slotOf])

  const walk = (direction: Direction) => {
    const next = selected < 0 ? 0 : neighbourOf(selected, direction, edges, layout)
    if (next >= 0) onSelect(next)
  }
  const fit = () => setView(fitted(bounds, size))
  const zoomBy = (factor: number) => {
    touched.current = true
    setView((view) => view && zoomed(view, factor, { x: size.width / 2, y: size.height / 2 }))
  }
  useKeys('Graph', [
    {
      help: 'Walk along the edges',
      on: {
        ArrowLeft: () => walk('left'),
        ArrowUp: () => walk('up'),
        ArrowDown: () => walk('down'),
        ArrowRight: () => walk('right'),
      },
    },
    {
      help: 'Zoom in, out, all of it',
      shown: ['+', '−', '0'],
      on: { '+': () => zoomBy(1.3), '=': () => zoomBy(1.3), '-': () => zoomBy(1 / 1.3), '0': fit },
    },
  ])
  const hover = useRef<(node: number) => void>(() => {})
  hover.current = (node) => {
    setHovered(node)
    props.onHover?.(node)
  }
  const select = useRef(onSelect)
  select.current = onSelect
  return (
    <div ref={frame} className={styles.canvas} role="group" aria-label={props.label} {...handlers}>
      <canvas ref={canvas} aria-hidden="true" />
      {view && (
        <div
          className={styles.world}
          data-level={level}
          data-lit={hovered >= 0}
          style={
            {
              transform: `translate(${view.x}px, ${view.y}px) scale(${zoom})`,
              '--text-size': `${Math.max(12, leastText / zoom)}px`,
              '--text-line': `${Math.max(17, (leastLine - 1) / zoom)}px`,
            } as CSSProperties
          }
        >
          {!isPlain &&
            nodes.map((node) => (
              <GraphNode
                key={node}
                node={node}
                placement={placement}
                spacing={spacing}
                render={props.renderNode}
                isSelected={node === selected}
                isLit={litNodes.has(node)}
                hover={hover}
                select={select}
              />
            ))}
        </div>
      )}
      <div className={styles.tools} onPointerDown={(event) => event.stopPropagation()}>
        {props.children}
        <div className={styles.zoom} role="group" aria-label="Zoom">
          <button type="button" onClick={() => zoomBy(1 / 1.3)} aria-label="Zoom out" title="Zoom out (−)">
            −
          </button>
          <button type="button" onClick={() => zoomBy(1.3)} aria-label="Zoom in" title="Zoom in (+)">
            +
          </button>
          <button type="button" onClick={fit} title="Fit (0)">
            Fit
          </button>
        </div>
      </div>
    </div>
  )
}

/** A node and those that an edge joins it with. */
function neighbours(edges: readonly GraphEdge[], node: number): ReadonlySet<number> {
  const lit = new Set<number>()
  if (node < 0) return lit
  lit.add(node)
  for (const { from, to } of edges) {
    if (from === node) lit.add(to)
    if (to === node) lit.add(from)
  }
  return lit
}
