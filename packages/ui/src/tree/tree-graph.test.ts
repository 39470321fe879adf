import { SpanFlag, type Trace } from '@spoor/trace'
import { describe, expect, it } from 'vitest'
import { criticalNs, serviceTree, spanTree } from './tree-graph.ts'

// 0 client > 1 server > 2 background work that outlives it; 3 follows 2 by a link.
const trace = {
  size: 4,
  parent: Int32Array.of(-1, 0, 1, 1),
  flags: Uint16Array.of(0, 0, SpanFlag.async, 0),
  service: Uint16Array.of(0, 1, 2, 1),
  services: ['client', 'server', 'worker'],
  status: Uint8Array.of(0, 0, 2, 0),
  startNs: Float64Array.of(0, 1, 2, 5),
  durationsNs: Float64Array.of(10, 5, 9, 1),
  selfNs: Float64Array.of(5, 1, 9, 1),
  innerLinks: Uint32Array.of(3, 2),
} as unknown as Trace

// The request waited for 3, which 1 has started.
const critical = {
  offsets: Uint32Array.of(0, 0, 0, 0, 2),
  startNs: Float64Array.of(5, 5.5),
  endNs: Float64Array.of(5.25, 6),
}

describe('spanTree', () => {
  it('has solid calls, dashed tails, and links the way that the work went', () => {
    expect(spanTree(trace, critical).edges).toEqual([
      { from: 0, to: 1, style: 'call', isCritical: true },
      { from: 1, to: 2, style: 'async' },
      { from: 1, to: 3, style: 'call', isCritical: true },
      { from: 2, to: 3, style: 'link' },
    ])
  })
})

describe('criticalNs', () => {
  it('is what the request waited for in a row', () => {
    expect([0, 1, 2, 3].map((row) => criticalNs(critical, row))).toEqual([0, 0, 0, 0.75])
  })
})

describe('serviceTree', () => {
  it('folds to services and says how many calls there were, and how many failed', () => {
    const graph = serviceTree(trace)
    expect(graph.edges).toEqual([
      { from: 0, to: 1, style: 'call', label: '1', failed: false, hasErrors: false, weight: 1 },
      { from: 1, to: 2, style: 'async', label: '1, 1 failed', failed: true, hasErrors: true, weight: 1 },
      { from: 2, to: 1, style: 'link', label: '1', failed: false, hasErrors: false, weight: 1 },
    ])
    expect(graph.nodeOfRow(3)).toBe(1)
    expect(graph.rowOfNode(2)).toBe(2)
  })
})
