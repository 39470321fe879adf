import { describe, expect, it } from 'vitest'
import { dependencyGraph } from './dependency-graph.ts'

describe('dependencyGraph', () => {
  it('sums what comes to a service and labels each edge', () => {
    const graph = dependencyGraph([
      { parent: 'a', child: 'c', calls: 1200, errors: 0 },
      { parent: 'b', child: 'c', calls: 30, errors: 3 },
    ])
    expect(graph.services).toEqual([
      { name: 'a', calls: 0, errors: 0 },
      { name: 'c', calls: 1230, errors: 3 },
      { name: 'b', calls: 0, errors: 0 },
    ])
    expect(graph.edges.map((edge) => edge.label)).toEqual(['1,200', '30, 3 failed'])
    expect(dependencyGraph([]).services).toEqual([])
  })
})
