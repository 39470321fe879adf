import { describe, expect, it } from 'vitest'
import { criticalRows } from './prepare-trace.ts'
import { labelSide, pieceOf } from './timeline-geometry.ts'
import { barOf } from './timeline-geometry.ts'
import { CriticalPath, SpanFlag, type Trace } from '@spoor/trace'

const window = { from: 100, to: 300 }

describe('pieceOf', () => {
  it('cuts at both ends of the window', () => {
    expect(pieceOf(window, 150, 200)).toEqual({ left: 0.25, width: 0.25 })
    expect(pieceOf(window, 0, 1000)).toEqual({ left: 0, width: 1 })
    expect(pieceOf(window, 0, 99)).toBeUndefined()
    expect(pieceOf(window, 200, 200)).toEqual({ left: 0.5, width: 0 })
  })
})

describe('barOf', () => {
  // A parent 0-100 with a child 50-200 that runs on.
  const trace = {
    size: 2,
    startNs: Float64Array.of(0, 50),
    durationsNs: Float64Array.of(100, 150),
    parent: Int32Array.of(-1, 0),
    flags: Uint16Array.of(0, SpanFlag.async),
  } as unknown as Trace
  const critical = criticalRows(
    trace,
    CriticalPath.of([
      { row: 0, startNs: 0, endNs: 50, aheadNs: 0 },
      { row: 1, startNs: 20, endNs: 89, aheadNs: 30 },
      { row: 1, startNs: 90, endNs: 170, aheadNs: 30 },
    ]),
  )
  const all = { from: 0, to: 200 }

  it('hatches what runs after the parent', () => {
    expect(barOf(trace, critical, 1, all, 0).tail).toEqual({ left: 0.5, width: 0.5 })
    expect(barOf(trace, critical, 0, all, 0).tail).toBeUndefined()
  })

  it('joins critical segments that could not be told apart', () => {
    expect(barOf(trace, critical, 1, all, 0).critical).toHaveLength(2)
    expect(barOf(trace, critical, 1, all, 0.01).critical).toEqual([{ left: 0.25, width: 0.75 }])
    expect(barOf(trace, critical, 0, all, 0).critical).toEqual([{ left: 0, width: 0.25 }])
  })
})

describe('labelSide', () => {
  it('looks for room on the right, then the left', () => {
    expect(labelSide({ left: 0.1, width: 0.2 }, 0.1)).toBe('right')
    expect(labelSide({ left: 0.5, width: 0.5 }, 0.1)).toBe('left')
    expect(labelSide({ left: 0, width: 1 }, 0.1)).toBe('inside')
  })
})
