import { describe, expect, it } from 'vitest'
import { SegmentTraces } from './segment-traces.ts'

const range = (from: number, to: number): Uint32Array =>
  Uint32Array.from({ length: to - from }, (_, i) => Math.imul(from + i + 1, 0x9e3779b1))

/** Of two blocks. */
function segment(traces: number, maxBytes = 1 << 20): SegmentTraces {
  const found = new SegmentTraces()
  for (const block of [range(0, traces / 2), range(traces / 2, traces)]) {
    found.add(block)
    found.loaded()
  }
  found.close(maxBytes)
  return found
}

const known = (traces: SegmentTraces, of: Uint32Array): number => of.filter((hash) => traces.mayHave(hash)).length

describe('SegmentTraces', () => {
  it('has each trace of a segment that is whole, and hardly another', () => {
    const traces = segment(1_000)
    expect(known(traces, range(0, 1_000))).toBe(1_000)
    expect(known(traces, range(1_000, 11_000))).toBeLessThan(100)
    expect(traces.bytes).toBe(1_504)
  })

  it('denies nothing while blocks may come', () => {
    const traces = new SegmentTraces()
    traces.add(range(0, 1))
    expect(known(traces, range(0, 100))).toBe(100)
  })

  it('denies nothing of a segment of which nothing was told, as of a sealed one', () => {
    const traces = new SegmentTraces()
    traces.close(1 << 20)
    expect(known(traces, range(0, 100))).toBe(100)
  })

  it('denies nothing of a segment that has a block of which nothing was told', () => {
    const traces = segment(1_000)
    traces.loaded()
    expect(known(traces, range(5_000, 5_100))).toBe(100)
  })

  it('has each trace in half of the bytes, too, and lets more through', () => {
    const traces = segment(1_000)
    expect(traces.fold()).toBe(752)
    expect(traces.fold()).toBe(0)
    expect(traces.bytes).toBe(752)
    expect(known(traces, range(0, 1_000))).toBe(1_000)
    expect(known(traces, range(1_000, 11_000))).toBeLessThan(1_000)
    const small = segment(1_000, 1_503)
    expect([small.bytes, known(small, range(0, 1_000))]).toEqual([752, 1_000])
  })

  it('denies nothing where there is no room, or there are too many', () => {
    expect(known(segment(1_000, 751), range(5_000, 5_100))).toBe(100)
    const many = segment((1 << 19) + 2, 1 << 24)
    expect([many.bytes, known(many, range(1 << 20, (1 << 20) + 100))]).toEqual([0, 100])
  })
})
