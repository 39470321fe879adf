import { BaseEdge, type Edge, type EdgeProps, MarkerType } from '@xyflow/react'
import type { GraphEdge } from './graph-model.ts'
import styles from './graph.module.css'
import type { LayoutReply, Point } from './layout-protocol.ts'
import { linkPath } from './link-path.ts'
import { routeMiddle, routePath } from './route-path.ts'
import type { Spacing } from './tidy-tree.ts'

export const edgeTypes = { drawn: DrawnEdge }

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

/** An edge as the canvas takes it: along its route, as a link around nodes, or left to the canvas. */
export function flowEdge(edge: GraphEdge, index: number, { placement, routes }: LayoutReply, spacing: Spacing): Edge {
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
