import { useEffect, useRef } from 'react'
import { useTraceStore } from '../trace-view.ts'

/** How long the pointer rests on a row before the other views mark it. Rows that go by under it while one scrolls are none that somebody looks at. Milliseconds. */
const restMs = 50

/** Tells the other views which row the pointer is on; -1: on none, at once. */
export function useHover(): (row: number) => void {
  const store = useTraceStore()
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return (row) => {
    clearTimeout(timer.current)
    if (row < 0) store.setState({ hovered: -1 })
    else timer.current = setTimeout(() => store.setState({ hovered: row }), restMs)
  }
}
