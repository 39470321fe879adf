import { memo, type ReactNode } from 'react'
import type { Placement, Spacing } from './tidy-tree.ts'

/** The place of a node, and what it does; `render` draws what is in it. */
export const GraphNode = memo(function GraphNode(props: {
  node: number
  placement: Placement
  spacing: Spacing
  render: (node: number) => ReactNode
  isSelected: boolean
  isLit: boolean
  hover: { readonly current: (node: number) => void }
  select: { readonly current: (node: number) => void }
}) {
  const { node, placement, spacing, hover } = props
  return (
    <div
      role="button"
      aria-pressed={props.isSelected}
      tabIndex={props.isSelected ? 0 : -1}
      data-node={node}
      data-lit={props.isLit}
      style={{
        transform: `translate(${placement.x[node]}px, ${placement.y[node]}px)`,
        width: spacing.width,
        height: spacing.height,
      }}
      onClick={() => props.select.current(node)}
      onPointerEnter={() => hover.current(node)}
      onPointerLeave={() => hover.current(-1)}
    >
      {props.render(node)}
    </div>
  )
})
