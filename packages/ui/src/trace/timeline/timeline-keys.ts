import type { RefObject } from 'react'
import { useKeys } from '../../keyboard/use-keys.ts'
import {
  selectRow,
  setCollapsed,
  setWindow,
  toggleCollapsed,
  useTraceStore,
  wholeWindow,
  zoomedWindow,
} from '../trace-view.ts'
import { allCollapsed, collapsedOneLevel, expandedOneLevel, indexOfRow } from '../visible-rows.ts'

/** The keys of the timeline: along the rows, into and out of subtrees, in time. */
export function useTimelineKeys(scroller: RefObject<HTMLElement | null>): void {
  const store = useTraceStore()

  const move = (by: number) => {
    const { rows, selected } = store.getState()
    const index = selected < 0 ? (by > 0 ? 0 : rows.length - 1) : indexOfRow(rows, selected) + by
    selectRow(store, rows[Math.min(rows.length - 1, Math.max(0, index))] ?? -1)
  }
  const open = () => {
    const { selected, collapsed, loaded } = store.getState()
    if (selected < 0 || loaded.trace.childCount[selected] === 0) return
    if (collapsed[selected]) toggleCollapsed(store, selected)
    else selectRow(store, selected + 1)
  }
  const close = () => {
    const { selected, collapsed, loaded } = store.getState()
    if (selected < 0) return
    if (loaded.trace.childCount[selected]! > 0 && !collapsed[selected]) toggleCollapsed(store, selected)
    else if (loaded.trace.parent[selected]! >= 0) selectRow(store, loaded.trace.parent[selected]!)
  }
  const zoom = (factor: number) => {
    const { loaded, window } = store.getState()
    const next = zoomedWindow(wholeWindow(loaded), window, factor, 0.5)
    setWindow(store, next.from, next.to)
  }
  const pan = (share: number) => {
    const { window } = store.getState()
    const by = (window.to - window.from) * share
    setWindow(store, window.from + by, window.to + by)
  }
  const next = (wanted: (row: number) => boolean) => {
    const { loaded, selected } = store.getState()
    const { size } = loaded.trace
    for (let step = 1; step <= size; step++) {
      const row = (Math.max(selected, -1) + step + size) % size
      if (wanted(row)) return selectRow(store, row)
    }
  }
  const { trace, critical } = store.getState().loaded
  const scroll = (pages: number) => scroller.current?.scrollBy({ top: scroller.current.clientHeight * 0.8 * pages })

  const toggle = () => {
    const { selected } = store.getState()
    const opens = selected >= 0 && trace.childCount[selected]! > 0
    if (opens) toggleCollapsed(store, selected)
    return opens
  }

  useKeys('Timeline', [
    {
      help: 'Next, previous span',
      on: { j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) },
    },
    { help: 'Open, close the subtree; to the first child, the parent', on: { ArrowRight: open, ArrowLeft: close } },
    { help: 'Open or close the subtree', on: { Enter: toggle } },
    {
      help: 'First, last span',
      on: { Home: () => selectRow(store, 0), End: () => selectRow(store, store.getState().rows.at(-1) ?? -1) },
    },
    {
      help: 'Expand all, collapse all',
      on: {
        '[': () => setCollapsed(store, new Uint8Array(trace.size)),
        ']': () => setCollapsed(store, allCollapsed(trace)),
      },
    },
    {
      help: 'Expand, collapse one level',
      on: {
        o: () => setCollapsed(store, expandedOneLevel(trace, store.getState().collapsed)),
        p: () => setCollapsed(store, collapsedOneLevel(trace, store.getState().collapsed)),
      },
    },
    {
      help: 'Zoom in, out, whole trace',
      shown: ['+', '−', '0'],
      on: { '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), '0': () => zoom(Infinity) },
    },
    { help: 'Pan left, right', on: { a: () => pan(-0.2), d: () => pan(0.2) } },
    { help: 'Zoom to a stretch of time; with Shift measure it', shown: ['drag'] },
    { help: 'Zoom to the span', shown: ['double click'] },
    { help: 'Scroll up, down a page', on: { w: () => scroll(-1), s: () => scroll(1) } },
    {
      help: 'To the next span on the critical path',
      on: { c: () => next((row) => critical.offsets[row + 1]! > critical.offsets[row]!) },
    },
    { help: 'To the next error', on: { e: () => next((row) => trace.status[row] === 2) } },
  ])
}
