import { describe, expect, it } from 'vitest'
import type { LoadedTrace } from './loaded-trace.ts'
import { clampWindow, createTraceView, selectRow, setCollapsed, setWindow, zoomedWindow } from './trace-view.ts'

const whole = { from: 0, to: 1_000_000 }

describe('clampWindow', () => {
  it('keeps a stretch inside the trace without changing its length', () => {
    expect(clampWindow(whole, -100_000, 100_000)).toEqual({ from: 0, to: 200_000 })
    expect(clampWindow(whole, 900_000, 1_100_000)).toEqual({ from: 800_000, to: 1_000_000 })
  })

  it('is never empty and never longer than the trace', () => {
    expect(clampWindow(whole, 500, 500)).toEqual({ from: 500, to: 600 })
    expect(clampWindow(whole, -5, 9e9)).toEqual(whole)
  })
})

describe('zoomedWindow', () => {
  it('keeps what is under the pointer where it is', () => {
    const window = { from: 200_000, to: 600_000 }
    const zoomed = zoomedWindow(whole, window, 0.5, 0.25)
    const before = window.from + (window.to - window.from) * 0.25
    expect(zoomed.from + (zoomed.to - zoomed.from) * 0.25).toBeCloseTo(before, 6)
    expect(zoomed.to - zoomed.from).toBe(200_000)
  })
})

/** A root with children; `ids` are the last digits of the span ids in the order of the rows. */
function flatTrace(ids: readonly number[], start: bigint, durationNs: number, requestNs = durationNs): LoadedTrace {
  const size = ids.length
  const spanId = new Uint8Array(size * 8)
  ids.forEach((id, row) => {
    spanId[row * 8 + 7] = id
  })
  const parent = new Int32Array(size)
  parent[0] = -1
  const subtreeEnd = Uint32Array.from(ids, (_, row) => (row === 0 ? size : row + 1))
  return {
    trace: { traceId: 't', size, spanId, parent, subtreeEnd, start, durationNs },
    verdict: { window: { fromNs: 0, toNs: requestNs }, tail: requestNs < durationNs ? {} : undefined },
  } as unknown as LoadedTrace
}

describe('createTraceView', () => {
  it('keeps what was collapsed and zoomed to when more spans of the trace come', () => {
    const before = createTraceView(flatTrace([1, 2, 3], 1000n, 10_000))
    setCollapsed(before, Uint8Array.of(0, 0, 1))
    setWindow(before, 2000, 4000)
    const after = createTraceView(flatTrace([1, 9, 2, 3], 500n, 10_500), before.getState()).getState()
    expect([...after.collapsed]).toEqual([0, 0, 0, 1])
    expect(after.window).toEqual({ from: 2500, to: 4500 })
  })

  it('keeps what was selected, as far as it is still there', () => {
    const before = createTraceView(flatTrace([1, 2, 3], 1000n, 10_000))
    const selected = (ids: readonly number[]) =>
      createTraceView(flatTrace(ids, 500n, 10_500), before.getState()).getState().selected
    expect(selected([1, 9, 2, 3])).toBe(-1)
    selectRow(before, 2)
    expect([selected([1, 9, 2, 3]), selected([1, 9, 2])]).toEqual([3, -1])
  })

  it('shows the request first, and still when work after it has come', () => {
    const before = createTraceView(flatTrace([1, 2], 0n, 90_000, 10_000))
    expect(before.getState().window).toEqual({ from: 0, to: 10_000 })
    const after = createTraceView(flatTrace([1, 2, 3], 0n, 190_000, 11_000), before.getState())
    expect(after.getState().window).toEqual({ from: 0, to: 11_000 })
  })

  it('shows all of a trace that has grown when all of it was shown', () => {
    const before = createTraceView(flatTrace([1], 0n, 10_000))
    expect(createTraceView(flatTrace([1, 2], 0n, 20_000), before.getState()).getState().window).toEqual({
      from: 0,
      to: 20_000,
    })
  })
})
