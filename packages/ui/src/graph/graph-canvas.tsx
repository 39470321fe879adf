import '@xyflow/react/dist/base.css'
import {
  BaseEdge,
  type Edge,
  type EdgeProps,
  Handle,
  MarkerType,
  type Node,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from '@xyflow/react'
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react'
import { useKeys } from '../keyboard/use-keys.ts'
import styles from './graph.module.css'
import type { LayoutReply, Point } from './layout-protocol.ts'
import { linkPath } from './link-path.ts'
import { type Direction, neighbourOf } from './neighbour.ts'
import { routeMiddle, routePath } from './route-path.ts'
import type { Placement, Spacing } from './tidy-tree.ts'

/** `call` is solid, `async` (outlives its parent) dashed, `link` dotted. */
export type EdgeStyle = 'call' | 'async' | 'link'

export interface GraphEdge {
  readonly from: number
  readonly to: number
  readonly style: EdgeStyle
  readonly label?: string
  readonly failed?: boolean
}

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
const edgeTypes = { drawn: DrawnEdge }

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
  useEffect(() => {
    void showFirst(flow, placement, spacing)
  }, [flow, placement, spacing])
  useEffect(() => {
    if (selected >= 0 && selected < placement.x.length) keepInSight(flow, placement, spacing, selected)
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
    <div className={styles.canvas}>
      <ReactFlow
        aria-label={props.label}
        nodes={nodes.map((node) => (Number(node.id) === selected ? { ...node, selected: true } : node))}
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

async function showFirst(
  flow: ReturnType<typeof useReactFlow>,
  { x, y }: Placement,
  { width, height }: Spacing,
): Promise<void> {
  await flow.fitView({ padding: 0.12, maxZoom: 1, duration: 0 })
  if (flow.getZoom() >= leastFirstZoom || x.length === 0) return
  const frame = document.querySelector(`.${styles.canvas}`)
  const below = ((frame?.clientHeight ?? 600) / 2 - 80) / firstZoom
  await flow.setCenter(x[0]! + width / 2, y[0]! + height / 2 + below, { zoom: firstZoom, duration: 0 })
}

/** An edge whose path is known already. */
function DrawnEdge({ data, label, markerEnd }: EdgeProps<Edge<DrawnData>>) {
  if (!data) return null
  return (
    <BaseEdge
      path={data.path}
      {...(markerEnd && { markerEnd })}
      {...(label !== undefined && data.label && { label, labelX: data.label.x, labelY: data.label.y })}
    />
  )
}

interface DrawnData extends Record<string, unknown> {
  readonly path: string
  readonly label: Point | undefined
}

function flowEdge(edge: GraphEdge, index: number, { placement, routes }: LayoutReply, spacing: Spacing): Edge {
  const route = routes?.[index]
  const path = route
    ? routePath(route)
    : edge.style === 'link'
      ? linkPath(edge.from, edge.to, placement, spacing)
      : undefined
  return {
    id: String(index),
    source: String(edge.from),
    target: String(edge.to),
    className: `${styles[edge.style]} ${edge.failed ? styles.failed : ''}`,
    markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color: 'var(--edge)' },
    ...(edge.label !== undefined && { label: edge.label }),
    ...(path !== undefined && { type: 'drawn', data: { path, label: route && routeMiddle(route) } }),
  }
}

/** Moves the view so that the node is in it, and no further when it is. */
function keepInSight(
  flow: ReturnType<typeof useReactFlow>,
  { x, y }: Placement,
  { width, height }: Spacing,
  node: number,
): void {
  const frame = document.querySelector(`.${styles.canvas}`)?.getBoundingClientRect()
  if (!frame) return
  const at = flow.flowToScreenPosition({ x: x[node]! + width / 2, y: y[node]! + height / 2 })
  const inside = at.x > frame.left + 60 && at.x < frame.right - 60 && at.y > frame.top + 40 && at.y < frame.bottom - 40
  if (!inside)
    void flow.setCenter(x[node]! + width / 2, y[node]! + height / 2, { zoom: flow.getZoom(), duration: motion() })
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
