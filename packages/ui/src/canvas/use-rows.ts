import { type RefObject, useCallback, useEffect, useState } from 'react'
import { useSize } from './use-size.ts'

export interface Rows {
  /** The rows to draw: from `first` up to and without `end`. */
  readonly first: number
  readonly end: number
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
  const { height } = useSize(scroller)
  const [top, setTop] = useState(0)
  useEffect(() => {
    const element = scroller.current
    if (!element) return undefined
    // Only a whole row more is news.
    const listen = () => setTop(Math.floor(element.scrollTop / rowHeight))
    listen()
    element.addEventListener('scroll', listen, { passive: true })
    return () => element.removeEventListener('scroll', listen)
  }, [scroller, rowHeight])

  const reveal = useCallback(
    (index: number) => {
      const element = scroller.current
      if (!element) return
      const room = element.clientHeight - headHeight
      const from = index * rowHeight
      const { scrollTop } = element
      const isNear = from > scrollTop - 5 * rowHeight && from < scrollTop + room + 5 * rowHeight
      if (!isNear) element.scrollTop = from - (room - rowHeight) / 2
      else if (from < scrollTop) element.scrollTop = from
      else if (from + rowHeight > scrollTop + room) element.scrollTop = from + rowHeight - room
    },
    [scroller, rowHeight, headHeight],
  )

  // What was scrolled to may be gone.
  const start = Math.min(top, Math.max(0, count - Math.ceil(height / rowHeight)))
  return {
    first: Math.max(0, start - overscan),
    end: Math.min(count, start + Math.ceil(height / rowHeight) + 1 + overscan),
    reveal,
  }
}
