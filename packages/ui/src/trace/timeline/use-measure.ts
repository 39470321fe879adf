import type { PointerEvent } from 'react'
import { useRef } from 'react'
import { useTraceStore } from '../trace-view.ts'

/** Dragging with shift along the bars measures a stretch of time; what was measured goes with the next press without it. */
export function useMeasure(nameWidth: number, barWidth: number) {
  const store = useTraceStore()
  const from = useRef<number>(undefined)
  const at = (event: PointerEvent<HTMLElement>) => {
    const { window } = store.getState()
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - nameWidth
    return window.from + Math.min(1, Math.max(0, x / barWidth)) * (window.to - window.from)
  }
  return {
    onPointerDownCapture(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0) return
      if (store.getState().measured) store.setState({ measured: undefined })
      const isOnBars = event.clientX - event.currentTarget.getBoundingClientRect().left >= nameWidth
      if (!event.shiftKey || !isOnBars) return
      // Neither a selection of text, nor of a row, nor a zoom.
      event.preventDefault()
      event.stopPropagation()
      event.currentTarget.setPointerCapture(event.pointerId)
      from.current = at(event)
    },
    onPointerMoveCapture(event: PointerEvent<HTMLElement>) {
      if (from.current === undefined) return
      const to = at(event)
      store.setState({ measured: { from: Math.min(from.current, to), to: Math.max(from.current, to) } })
    },
    onLostPointerCapture() {
      from.current = undefined
    },
    onClickCapture(event: { shiftKey: boolean; stopPropagation: () => void }) {
      if (event.shiftKey && store.getState().measured) event.stopPropagation()
    },
  }
}
