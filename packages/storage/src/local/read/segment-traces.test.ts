import { describe, expect, it } from 'vitest'
import { SegmentTraces } from './segment-traces.ts'

const range = (from: number, to: number): Uint32Array =>
  Uint32Array.from({ length: to - from }, (_, i) => Math.imul(from + i + 1, 0x9e3779b1))

/** Of 20 blocks. */
function segment(traces: number, maxBytes = 1 << 20): SegmentTraces {
  const found = new SegmentTraces()
  for (let block = 0; block < 20; block++) found.add(range((block * traces) / 20, ((block + 1) * traces) / 20))
  found.close(maxBytes)
  return found
}

const BLOCKS = Array.from({ length: 20 }, (_, at) => at)
const found = (traces: SegmentTraces, hash: number): number[] => {
  const blocks: number[] = []
  traces.find(BLOCKS, hash, blocks)
  return blocks
}
/** How many blocks would be asked for these traces, one by one. */
const asked = (traces: SegmentTraces, of: Uint32Array): number =>
  of.reduce((sum, hash) => sum + found(traces, hash).length, 0)
/** How many of the traces, each of which is in the block of its place, are missed. */
const missed = (traces: SegmentTraces, count: number): number =>
  range(0, count).reduce((sum, hash, i) => {
    const at = Math.floor((20 * i) / count)
    return sum + Number(!found(traces, hash).includes(at) || !traces.mayHave(hash, at))
  }, 0)

describe('SegmentTraces', () => {
  it('has each trace of a segment that is whole in its group of blocks, and hardly another', () => {
    const traces = segment(2_000)
    expect(missed(traces, 2_000)).toBe(0)
    expect(asked(traces, range(0, 1_600))).toBeLessThan(16.2 * 1_600)
    expect(asked(traces, range(1_600, 2_000))).toBeLessThan(4.5 * 400)
    expect(asked(traces, range(2_000, 12_000))).toBeLessThan(0.2 * 10_000)
    expect(traces.bytes).toBe(3_000)
  })

  it('denies nothing while blocks may come', () => {
    const traces = new SegmentTraces()
    traces.add(range(0, 1))
    expect(asked(traces, range(0, 100))).toBe(2_000)
  })

  it('denies nothing of a segment of which nothing was told, as of a sealed one', () => {
    const traces = new SegmentTraces()
    traces.close(1 << 20)
    expect(asked(traces, range(0, 100))).toBe(2_000)
  })

  it('denies nothing of a segment that has a block of which nothing was told, before or after it is closed', () => {
    const traces = segment(2_000)
    traces.forget()
    expect(asked(traces, range(5_000, 5_100))).toBe(2_000)
    const early = new SegmentTraces()
    early.forget()
    early.add(range(0, 1_000))
    early.close(1 << 20)
    expect(asked(early, range(5_000, 5_100))).toBe(2_000)
  })

  it('has each trace in half of the bytes, too, and lets more through', () => {
    const traces = segment(2_000)
    expect(traces.fold()).toBe(1_500)
    expect(traces.fold()).toBe(0)
    expect(traces.bytes).toBe(1_500)
    expect(missed(traces, 2_000)).toBe(0)
    expect(asked(traces, range(2_000, 12_000))).toBeLessThan(2 * 10_000)
    const small = segment(2_000, 2_999)
    expect([small.bytes, missed(small, 2_000)]).toEqual([1_500, 0])
  })

  it('denies nothing where there is no room, or there are too many', () => {
    expect(asked(segment(2_000, 1_499), range(5_000, 5_100))).toBe(2_000)
    const many = segment((1 << 19) + 20, 1 << 24)
    expect([1_499, 1_500].map((bytes) => SegmentTraces.mayKeep(2_000, bytes))).toEqual([false, true])
    expect([0, 1 << 19, (1 << 19) + 1].map((count) => SegmentTraces.mayKeep(count, Infinity))).toEqual([
      false,
      true,
      false,
    ])
    expect([many.bytes, asked(many, range(1 << 20, (1 << 20) + 100))]).toEqual([0, 2_000])
  })
})
