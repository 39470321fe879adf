import { describe, expect, it } from 'vitest'
import { seeded } from '../../client/pace.ts'
import { IDEAL, Pipe } from './link.ts'

const never = (): number => 0.999

describe('Pipe', () => {
  it('delays by the latency, and by the jitter at most', () => {
    const conditions = { ...IDEAL, latencyMs: 20, jitterMs: 10 }
    const random = seeded(1)
    const delays = Array.from({ length: 500 }, () => new Pipe().send(100, 1000, conditions, random).at - 100)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(20)
    expect(Math.max(...delays)).toBeLessThan(30)
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(9)
  })

  it('lets pieces wait for the line, whoever sends them', () => {
    const pipe = new Pipe()
    const conditions = { ...IDEAL, bytesPerMs: 10, latencyMs: 5 }
    expect([1, 2, 3].map(() => pipe.send(0, 1000, conditions, never).at)).toEqual([105, 205, 305])
    // The line has been free for a while: there is nothing to make up for.
    expect(pipe.send(1000, 10, conditions, never).at).toBe(1006)
  })

  it('stalls and resets the shares that it is told', () => {
    const random = seeded(3)
    const conditions = { ...IDEAL, stall: 0.1, stallMs: 200, reset: 0.02 }
    const passages = Array.from({ length: 5000 }, () => new Pipe().send(0, 1, conditions, random))
    const stalled = passages.filter((passage) => passage.stalled)
    expect(stalled.length / 5000).toBeCloseTo(0.1, 1)
    expect(stalled.every(({ at }) => at === 200)).toBe(true)
    expect(passages.filter(({ reset }) => reset).length / 5000).toBeCloseTo(0.02, 2)
    expect(new Pipe().send(0, 1, IDEAL, () => 0)).toEqual({ at: 0, stalled: false, reset: false })
  })
})
