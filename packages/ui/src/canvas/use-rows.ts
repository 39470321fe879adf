import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import { rowScale } from './row-scale.ts'
import { useSize } from './use-size.ts'

export interface Rows {
  /** The rows to draw: from `first` up to and without `end`. */
  readonly first: number
  readonly end: number
  /** Of all rows, as far as a browser can scroll; and where a row lies in it. Pixels. */
  readonly height: number
  readonly topOf: (index: number) => number
  /** Scrolls a row into sight, in the middle when it is far. */
  readonly reveal: (index: number) => void
}

/**
 * Which of many rows of one height are in sight, a few more on either side. `headHeight`: of a head that sticks to the top inside of what scrolls. Pixels.
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
  }: { count: number; rowHeight: number; headHeight?: number; overscan?: number },
): Rows {
  const size = useSize(scroller).height
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
  const shift = isScaled ? Math.round(scrolled * factor - scrolled) : 0
  return {
    first: Math.max(0, start - overscan),
    end: Math.min(count, start + Math.ceil(size / rowHeight) + 1 + overscan),
    height,
    topOf: (index) => index * rowHeight - shift,
    reveal,
  }
}
