import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import { rowPlace, rowScale, turnedBy } from './row-scale.ts'
import { useSize } from './use-size.ts'

export interface Rows {
  /** The rows to draw: from `first` up to and without `end`. */
  readonly first: number
  readonly end: number
  /** Of all rows, as far as a browser can scroll. Pixels. */
  readonly height: number
  /** Where a row lies in what holds the rows, and by how much that is moved down: not 0 where there are more rows than can be scrolled. Pixels. */
  readonly topOf: (index: number) => number
  readonly moved: number
  /** Scrolls a row into sight, in the middle when it is far. */
  readonly reveal: (index: number) => void
}

/**
 * Which of many rows of one height are in sight, a few more on either side. `headHeight`: of a head that sticks to the top inside of what scrolls; `room`: the
 * height of what scrolls, for a part within it, which cannot measure it when it is first made. Pixels.
 *
 * ```
 *          ┌ head ┐
 *  first → │      │ ↑ overscan
 *          ├──────┤ ┐
 *          │      │ │ in sight
 *          ├──────┤ ┘
 *    end → │      │ ↓ overscan
 * ```
 */
export function useRows(
  scroller: RefObject<HTMLElement | null>,
  {
    count,
    rowHeight,
    headHeight = 0,
    overscan = 12,
    room,
  }: { count: number; rowHeight: number; headHeight?: number; overscan?: number; room?: number },
): Rows {
  const measured = useSize(scroller).height
  const size = room ?? measured
  const { height, factor } = rowScale(count * rowHeight, size - headHeight)
  const [scrolled, setScrolled] = useState(0)
  const isScaled = factor > 1
  useEffect(() => {
    const element = scroller.current
    if (!element) return undefined
    // Only a whole row more is news, where rows do not move against what is scrolled.
    const step = isScaled ? 1 : rowHeight
    const listen = () => setScrolled(Math.floor(element.scrollTop / step) * step)
    listen()
    element.addEventListener('scroll', listen, { passive: true })
    return () => element.removeEventListener('scroll', listen)
  }, [scroller, rowHeight, isScaled])

  const latest = useRef(factor)
  latest.current = factor
  useWheelOfRows(scroller, isScaled, latest)
  const reveal = useCallback(
    (index: number) => {
      const element = scroller.current
      if (!element) return
      const room = element.clientHeight - headHeight
      const from = index * rowHeight
      const top = element.scrollTop * latest.current
      const show = (top: number) => (element.scrollTop = top / latest.current)
      const isNear = from > top - 5 * rowHeight && from < top + room + 5 * rowHeight
      if (!isNear) show(from - (room - rowHeight) / 2)
      else if (from < top) show(from)
      else if (from + rowHeight > top + room) show(from + rowHeight - room)
    },
    [scroller, rowHeight, headHeight],
  )

  // What was scrolled to may be gone.
  const top = Math.floor((scrolled * factor) / rowHeight)
  const start = Math.min(top, Math.max(0, count - Math.ceil(size / rowHeight)))
  const { base, moved } = isScaled ? rowPlace(start * rowHeight, scrolled, factor) : { base: 0, moved: 0 }
  return {
    first: Math.max(0, start - overscan),
    end: Math.min(count, start + Math.ceil(size / rowHeight) + 1 + overscan),
    height,
    topOf: (index) => index * rowHeight - base,
    moved,
    reveal,
  }
}

/** A turn of the wheel goes by as many rows where they are scaled as where they are not; a browser would go by the factor more. */
function useWheelOfRows(
  scroller: RefObject<HTMLElement | null>,
  isScaled: boolean,
  factor: { readonly current: number },
): void {
  useEffect(() => {
    const element = scroller.current
    if (!element || !isScaled) return undefined
    let rest = 0
    const turn = (event: WheelEvent) => {
      if (event.ctrlKey) return
      event.preventDefault()
      const turned = turnedBy(event.deltaY, factor.current, rest)
      rest = turned.rest
      element.scrollTop += turned.pixels
    }
    element.addEventListener('wheel', turn, { passive: false })
    return () => element.removeEventListener('wheel', turn)
  }, [scroller, isScaled, factor])
}
