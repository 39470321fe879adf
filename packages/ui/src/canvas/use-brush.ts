import { type PointerEvent, useState } from 'react'

/** A stretch of an element's width as shares 0-1. */
export interface Brush {
  readonly from: number
  readonly to: number
}

/**
 * Dragging along an element to mark a stretch of its width. `onEnd` is called when the pointer is let go; a click without a drag gives a stretch of no
 * length. Spread `handlers` on the element.
 */
export function useBrush(onEnd: (brush: Brush) => void) {
  const [drag, setDrag] = useState<{ start: number; now: number }>()
  const share = (event: PointerEvent) => {
    const bounds = event.currentTarget.getBoundingClientRect()
    return Math.min(1, Math.max(0, (event.clientX - bounds.left) / bounds.width))
  }
  const brush = drag && { from: Math.min(drag.start, drag.now), to: Math.max(drag.start, drag.now) }
  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return
      event.currentTarget.setPointerCapture(event.pointerId)
      setDrag({ start: share(event), now: share(event) })
    },
    onPointerMove: (event: PointerEvent) => {
      if (drag) setDrag({ ...drag, now: share(event) })
    },
    onPointerUp: () => {
      setDrag(undefined)
      if (brush) onEnd(brush)
    },
    onPointerCancel: () => setDrag(undefined),
  }
  return { brush, handlers }
}
