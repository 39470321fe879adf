import '@xyflow/react/dist/base.css'
import { Handle, type Node, Position, ReactFlow, ReactFlowProvider, useReactFlow } from '@xyflow/react'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef } from 'react'
import { useKeys } from '../keyboard/use-keys.ts'
import { edgeTypes, flowEdge } from './graph-edge.tsx'
import type { GraphEdge } from './graph-model.ts'
import styles from './graph.module.css'
import type { LayoutReply } from './layout-protocol.ts'
import { type Direction, neighbourOf } from './neighbour.ts'
import type { Placement, Spacing } from './tidy-tree.ts'

export interface GraphProps {
  /** What it shows, for those who do not see it. */
  readonly label: string
  readonly layout: LayoutReply
  readonly edges: readonly GraphEdge[]
  readonly spacing: Spacing
  readonly renderNode: (node: number) => ReactNode
  readonly selected: number
  readonly onSelect: (node: number) => void
  readonly onHover?: (node: number) => void
  /** Stands over the top left corner. */
  readonly children?: ReactNode
}

const RenderNode = createContext<(node: number) => ReactNode>(() => null)

/** A graph that can be zoomed and panned, and walked with the arrow keys. */
export function GraphCanvas(props: GraphProps) {
  return (
    <ReactFlowProvider>
      <RenderNode value={props.renderNode}>
        <Canvas {...props} />
      </RenderNode>
    </ReactFlowProvider>
  )
}

const nodeTypes = { plain: PlainNode }

/** A graph that would be smaller than this is not shown whole at first, but from its first node. */
const leastFirstZoom = 0.4
const firstZoom = 0.75

const motion = () => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 120)

function Canvas(props: GraphProps) {
  const { layout, edges, spacing, selected, onSelect } = props
  const { placement } = layout
  const flow = useReactFlow()
  const nodes = useMemo(() => flowNodes(placement, spacing), [placement, spacing])
  const flowEdges = useMemo(
    () => edges.map((edge, index) => flowEdge(edge, index, layout, spacing)),
    [edges, layout, spacing],
  )
  const shown = useMemo(
    () => nodes.map((node, index) => (index === selected ? { ...node, selected: true } : node)),
    [nodes, selected],
  )
  const frame = useRef<HTMLDivElement>(null)
  const latest = useRef(selected)
  latest.current = selected
  useEffect(() => {
    if (!frame.current) return
    const view = { flow, placement, spacing, frame: frame.current }
    void showFirst(view).then(() => keepInSight(view, latest.current))
  }, [flow, placement, spacing])
  useEffect(() => {
    if (frame.current) keepInSight({ flow, placement, spacing, frame: frame.current }, selected)
  }, [flow, placement, selected, spacing])

  const walk = (direction: Direction) => {
    const next = selected < 0 ? 0 : neighbourOf(selected, direction, edges, placement)
    if (next >= 0) onSelect(next)
  }
  const fit = () => void flow.fitView({ padding: 0.12, maxZoom: 1, duration: motion() })
  const zoomIn = () => void flow.zoomIn({ duration: motion() })
  const zoomOut = () => void flow.zoomOut({ duration: motion() })
  useKeys({
    ArrowUp: () => walk('up'),
    ArrowDown: () => walk('down'),
    ArrowLeft: () => walk('left'),
    ArrowRight: () => walk('right'),
    '+': zoomIn,
    '=': zoomIn,
    '-': zoomOut,
    '0': fit,
  })
  return (
    <div ref={frame} className={styles.canvas}>
      <ReactFlow
        proOptions={{ hideAttribution: true }}
        aria-label={props.label}
        nodes={shown}
        edges={flowEdges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        onlyRenderVisibleElements
        minZoom={0.02}
        maxZoom={2}
        onNodeClick={(_, node) => onSelect(Number(node.id))}
        onNodeMouseEnter={(_, node) => props.onHover?.(Number(node.id))}
        onNodeMouseLeave={() => props.onHover?.(-1)}
      />
      <div className={styles.tools}>
        {props.children}
        <div className={styles.zoom} role="group" aria-label="Zoom">
          <button type="button" onClick={zoomOut} aria-label="Zoom out" title="Zoom out (−)">
            −
          </button>
          <button type="button" onClick={zoomIn} aria-label="Zoom in" title="Zoom in (+)">
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

function flowNodes({ x, y }: Placement, { width, height }: Spacing): Node[] {
  return Array.from(x, (left, index) => ({
    id: String(index),
    type: 'plain',
    position: { x: left, y: y[index]! },
    width,
    height,
    data: {},
  }))
}

interface View {
  readonly flow: ReturnType<typeof useReactFlow>
  readonly placement: Placement
  readonly spacing: Spacing
  readonly frame: HTMLElement
}

function middleOf({ placement, spacing }: View, node: number): { x: number; y: number } {
  return { x: placement.x[node]! + spacing.width / 2, y: placement.y[node]! + spacing.height / 2 }
}

/** All of the graph; of one that would be too small to read, its first node on top. */
async function showFirst(view: View): Promise<void> {
  const { flow, frame } = view
  await flow.fitView({ padding: 0.12, maxZoom: 1, duration: 0 })
  if (flow.getZoom() >= leastFirstZoom || view.placement.x.length === 0) return
  const first = middleOf(view, 0)
  const below = (frame.clientHeight / 2 - 80) / firstZoom
  await flow.setCenter(first.x, first.y + below, { zoom: firstZoom, duration: 0 })
}

/** Moves the view so that the node is in it, and not at all when it is, or when there is no such node. */
function keepInSight(view: View, node: number): void {
  if (node < 0 || node >= view.placement.x.length) return
  const { flow } = view
  const middle = middleOf(view, node)
  const bounds = view.frame.getBoundingClientRect()
  const { x, y } = flow.flowToScreenPosition(middle)
  const inside = x > bounds.left + 60 && x < bounds.right - 60 && y > bounds.top + 40 && y < bounds.bottom - 40
  if (!inside) void flow.setCenter(middle.x, middle.y, { zoom: flow.getZoom(), duration: motion() })
}

function PlainNode({ id }: { id: string }) {
  const render = useContext(RenderNode)
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      {render(Number(id))}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  )
}
