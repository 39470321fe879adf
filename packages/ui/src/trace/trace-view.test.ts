import { describe, expect, it } from 'vitest'
import { clampWindow, zoomedWindow } from './trace-view.ts'

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
