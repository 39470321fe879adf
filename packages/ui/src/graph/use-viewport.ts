import { type PointerEvent, type RefObject, useEffect, useRef, useState } from 'react'
import { type Viewport, zoomed } from './viewport.ts'

/** Pixels that a pointer may move and still click. */
const clickReach = 4

interface Finger {
  readonly x: number
  readonly y: number
}

/** A viewport that is moved by dragging, zoomed by the wheel and by two fingers. A drag does not click what it ends on. */
export function useViewport(frame: RefObject<HTMLElement | null>) {
  const [view, setView] = useState<Viewport>()
  const fingers = useRef(new Map<number, Finger>())
  const moved = useRef(0)
  /** Whether a person has moved it: until then it follows the frame's size. */
  const touched = useRef(false)
  const place = ({ clientX, clientY }: { clientX: number; clientY: number }): Finger => {
    const { left, top } = frame.current!.getBoundingClientRect()
    return { x: clientX - left, y: clientY - top }
  }
  useEffect(() => {
    const element = frame.current
    if (!element) return undefined
    const wheel = (event: WheelEvent) => {
      event.preventDefault()
      const at = place(event)
      touched.current = true
      const speed = event.ctrlKey ? 1.01 : 1.0015
      setView((view) => view && zoomed(view, speed ** -event.deltaY, at))
    }
    element.addEventListener('wheel', wheel, { passive: false })
    return () => element.removeEventListener('wheel', wheel)
  }, [frame])

  const handlers = {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0) return
      if (fingers.current.size === 0) moved.current = 0
      fingers.current.set(event.pointerId, place(event))
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      const before = fingers.current.get(event.pointerId)
      if (!before) return
      const now = place(event)
      moved.current += Math.abs(now.x - before.x) + Math.abs(now.y - before.y)
      if (moved.current <= clickReach) return
      touched.current = true
      if (!event.currentTarget.hasPointerCapture(event.pointerId))
        event.currentTarget.setPointerCapture(event.pointerId)
      const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1]
      fingers.current.set(event.pointerId, now)
      setView((view) => {
        if (!view) return view
        if (!other) return { ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y }
        const apart = (finger: Finger) => Math.max(1, Math.hypot(finger.x - other.x, finger.y - other.y))
        return zoomed(view, apart(now) / apart(before), other)
      })
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => void fingers.current.delete(event.pointerId),
    onPointerCancel: (event: PointerEvent<HTMLElement>) => void fingers.current.delete(event.pointerId),
    onClickCapture(event: { stopPropagation: () => void }) {
      if (moved.current > clickReach) event.stopPropagation()
    },
  }
  return { view, setView, handlers, touched }
}
