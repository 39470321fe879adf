import { useLayoutEffect, useRef } from 'react'
import type { LayoutReply } from './layout-protocol.ts'
import type { Spacing } from './tidy-tree.ts'
import type { useViewport } from './use-viewport.ts'
import { type Box, firstView, withInSight } from './viewport.ts'

interface FirstView {
  readonly layout: LayoutReply
  readonly spacing: Spacing
  /** -1: none. */
  readonly selected: number
  readonly size: { readonly width: number; readonly height: number }
  readonly bounds: Box
  /** The zoom below which it is not all shown at once. */
  readonly least: number
  readonly setView: ReturnType<typeof useViewport>['setView']
  readonly touched: { current: boolean }
}

/** Where a graph is to be read from: the root of a tree, the left side of what flows to the right. */
function startOf({ flow, placement: { x, y } }: LayoutReply, { left, top, bottom }: Box): Box {
  const at = flow === 'right' ? { left, top: (top + bottom) / 2 } : { left: x[0] ?? 0, top: y[0] ?? 0 }
  return { ...at, right: at.left, bottom: at.top }
}

/**
 * Shows a layout that is new from where it is to be read, again when the frame's size is another one and nobody has moved it yet; and moves to what is
 * selected where that is out of sight.
 */
export function useFirstView(first: FirstView): void {
  const { layout, spacing, selected, size, bounds, least, setView, touched } = first
  const { placement } = layout
  const seen = useRef<LayoutReply>(undefined)
  const boxOf = (node: number): Box => ({
    left: placement.x[node] ?? 0,
    top: placement.y[node] ?? 0,
    right: (placement.x[node] ?? 0) + spacing.width,
    bottom: (placement.y[node] ?? 0) + spacing.height,
  })
  useLayoutEffect(() => {
    if (size.width === 0 || (seen.current === layout && touched.current)) return
    touched.current = false
    seen.current = layout
    setView(firstView(bounds, size, least, selected < 0 ? startOf(layout, bounds) : boxOf(selected)))
  }, [layout, size])
  useLayoutEffect(() => {
    if (selected >= 0 && size.width > 0) setView((view) => view && withInSight(view, size, boxOf(selected)))
  }, [selected, layout])
}
