import { describe, expect, it } from 'vitest'
import { dependencyGraph } from './map-graph.ts'

describe('dependencyGraph', () => {
  it('sums what comes to a service, and makes one edge of what two services say to each other', () => {
    const graph = dependencyGraph([
      { parent: 'a', child: 'c', kind: 'call', calls: 1200, errors: 0, perSecond: 4, p95Ns: 2e6 },
      { parent: 'a', child: 'c', kind: 'messaging', calls: 5, errors: 0, perSecond: 1, p95Ns: 3e6 },
      { parent: 'b', child: 'c', kind: 'messaging', calls: 30, errors: 3, perSecond: 0.5, p95Ns: 1e6 },
    ])
    expect(graph.services).toEqual([
      { name: 'a', calls: 0, errors: 0, perSecond: 0, p95Ns: 0 },
      { name: 'c', calls: 1235, errors: 3, perSecond: 5.5, p95Ns: 3e6 },
      { name: 'b', calls: 0, errors: 0, perSecond: 0, p95Ns: 0 },
    ])
    expect(graph.edges.map((edge) => edge.label)).toEqual(['1,205', '30, 3 failed'])
    expect(graph.edges.map((edge) => edge.style)).toEqual(['call', 'async'])
    expect(dependencyGraph([]).services).toEqual([])
  })
})
