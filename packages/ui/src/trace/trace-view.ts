import { createContext, useContext } from 'react'
import { createStore, type StoreApi, useStore } from 'zustand'
import type { LoadedTrace } from './loaded-trace.ts'
import { rowOfSpanId, type Trace, spanIdOf } from '@spoor/trace'
import { revealed, visibleRows } from './visible-rows.ts'

/** A stretch of the trace, offsets from its start in nanoseconds. */
export interface TimeWindow {
  readonly from: number
  readonly to: number
}

/** What a person has done to the view of one trace; what should be shared is in the URL instead. A row of -1 is none. */
export interface TraceView {
  readonly loaded: LoadedTrace
  readonly collapsed: Uint8Array
  /** The rows in sight, ascending. */
  readonly rows: Uint32Array
  readonly window: TimeWindow
  /** What is measured. */
  readonly measured: TimeWindow | undefined
  readonly selected: number
  readonly hovered: number
  /** One entry a row: 1 where the find text is; undefined when nothing is looked for. */
  readonly matches: Uint8Array | undefined
  /** Whether there are rows that have not been looked at yet. */
  readonly looking: boolean
}

export type TraceViewStore = StoreApi<TraceView>

/** The least stretch that can be zoomed to, in nanoseconds. */
const leastWindowNs = 100

/** A fresh view; with `before`, the view of the same trace when it had fewer spans, what a person did to that one is kept. */
export function createTraceView(loaded: LoadedTrace, before?: TraceView): TraceViewStore {
  const same = before?.loaded.trace.traceId === loaded.trace.traceId ? before : undefined
  const collapsed = same ? collapsedAgain(same, loaded.trace) : new Uint8Array(loaded.trace.size)
  return createStore<TraceView>()(() => ({
    loaded,
    collapsed,
    rows: visibleRows(loaded.trace, collapsed),
    window: same ? windowAgain(same, loaded) : firstWindow(loaded),
    measured: undefined,
    selected: same ? selectedAgain(same, loaded.trace) : -1,
    hovered: -1,
    matches: undefined,
    looking: false,
  }))
}

/** The same spans collapsed in a trace whose rows have moved. */
function collapsedAgain({ loaded, collapsed }: TraceView, trace: Trace): Uint8Array {
  const ids = new Set<string>()
  collapsed.forEach((value, row) => {
    if (value) ids.add(spanIdOf(loaded.trace, row))
  })
  const again = new Uint8Array(trace.size)
  if (ids.size > 0) for (let row = 0; row < trace.size; row++) again[row] = ids.has(spanIdOf(trace, row)) ? 1 : 0
  return again
}

/** The same span selected; -1 where none was, or it is not there any more. */
function selectedAgain({ loaded, selected }: TraceView, trace: Trace): number {
  return selected < 0 ? -1 : rowOfSpanId(trace, spanIdOf(loaded.trace, selected))
}

/** The same stretch of time, or the request or all of the trace when that was in view; what came may have moved its start. */
function windowAgain({ loaded, window }: TraceView, next: LoadedTrace): TimeWindow {
  if (isSameWindow(window, wholeWindow(loaded))) return wholeWindow(next)
  if (isSameWindow(window, firstWindow(loaded))) return firstWindow(next)
  const shift = Number(loaded.trace.start - next.trace.start)
  return clampWindow(wholeWindow(next), window.from + shift, window.to + shift)
}

/** All of the trace; a trace without length gets a microsecond. */
export function wholeWindow({ trace }: LoadedTrace): TimeWindow {
  return { from: 0, to: Math.max(trace.durationNs, 1000) }
}

/** What is shown first: the request, when work ran on after it or spans lie long before it; else all of the trace. */
export function firstWindow(loaded: LoadedTrace): TimeWindow {
  const { window, tail } = loaded.verdict
  const whole = wholeWindow(loaded)
  const from = window.fromNs > window.toNs - window.fromNs ? window.fromNs : 0
  return clampWindow(whole, from, tail ? Math.max(window.toNs, from + 1000) : whole.to)
}

export function isSameWindow(a: TimeWindow, b: TimeWindow): boolean {
  return a.from === b.from && a.to === b.to
}

export function setCollapsed(store: TraceViewStore, collapsed: Uint8Array): void {
  const { loaded } = store.getState()
  if (collapsed !== store.getState().collapsed)
    store.setState({ collapsed, rows: visibleRows(loaded.trace, collapsed) })
}

export function toggleCollapsed(store: TraceViewStore, row: number): void {
  const collapsed = store.getState().collapsed.slice()
  collapsed[row] = collapsed[row] ? 0 : 1
  setCollapsed(store, collapsed)
}

/** Selects a row, opening what hides it. */
export function selectRow(store: TraceViewStore, row: number): void {
  const { loaded, collapsed } = store.getState()
  if (row >= 0) setCollapsed(store, revealed(loaded.trace, collapsed, row))
  store.setState({ selected: row })
}

/** Shows that stretch, kept inside the trace and no shorter than can be told apart. */
export function setWindow(store: TraceViewStore, from: number, to: number): void {
  store.setState({ window: clampWindow(wholeWindow(store.getState().loaded), from, to) })
}

export function clampWindow(whole: TimeWindow, from: number, to: number): TimeWindow {
  const length = Math.min(whole.to - whole.from, Math.max(leastWindowNs, to - from))
  const start = Math.min(Math.max(whole.from, from), whole.to - length)
  return { from: start, to: start + length }
}

/** Zooms by a factor (below 1 is in) around a place given as a share 0-1 of the stretch in view. */
export function zoomedWindow(whole: TimeWindow, window: TimeWindow, factor: number, around: number): TimeWindow {
  const length = window.to - window.from
  const center = window.from + length * around
  return clampWindow(whole, center - length * factor * around, center + length * factor * (1 - around))
}

export const TraceViewContext = createContext<TraceViewStore | undefined>(undefined)

export function useTraceStore(): TraceViewStore {
  const store = useContext(TraceViewContext)
  if (!store) throw new Error('A part of the trace page was used outside of it')
  return store
}

export function useTraceView<T>(select: (view: TraceView) => T): T {
  return useStore(useTraceStore(), select)
}
