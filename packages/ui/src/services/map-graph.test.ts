import { describe, expect, it } from 'vitest'
import { dependencyGraph, mostServices, serviceCount } from './map-graph.ts'

const call = (parent: string, child: string, calls = 1, errors = 0) => ({
  parent,
  child,
  kind: 'call' as const,
  calls,
  errors,
  perSecond: calls / 10,
  p95Ns: 1e6,
})
const namesOf = (graph: ReturnType<typeof dependencyGraph>) => graph.services.map(({ name }) => name)

describe('dependencyGraph', () => {
  it('sums what comes to a service, and makes one edge of what two services say to each other', () => {
    const graph = dependencyGraph([
      { parent: 'a', child: 'c', kind: 'call', calls: 1200, errors: 0, perSecond: 4, p95Ns: 2e6 },
      { parent: 'a', child: 'c', kind: 'messaging', calls: 5, errors: 0, perSecond: 1, p95Ns: 3e6 },
      { parent: 'b', child: 'c', kind: 'messaging', calls: 30, errors: 3, perSecond: 0.5, p95Ns: 1e6 },
    ])
    const alone = { hidden: 0, folded: 0 }
    expect(graph.services).toEqual([
      { name: 'a', calls: 0, errors: 0, perSecond: 0, p95Ns: 0, ...alone },
      { name: 'c', calls: 1235, errors: 3, perSecond: 5.5, p95Ns: 3e6, ...alone },
      { name: 'b', calls: 0, errors: 0, perSecond: 0, p95Ns: 0, ...alone },
    ])
    expect(graph.edges.map((edge) => edge.label)).toEqual(['1,205', '30'])
    expect(graph.edges.map((edge) => edge.style)).toEqual(['call', 'async'])
    expect(graph.edges.map(({ failed, hasErrors }) => [failed, hasErrors])).toEqual([
      [false, false],
      [true, true],
    ])
    expect(dependencyGraph([]).services).toEqual([])
  })

  it('makes edges as thick as they have calls', () => {
    const [thick, thin] = dependencyGraph([call('a', 'b', 9999, 99), call('a', 'c', 99)]).edges
    // One of a hundred fails: told, but not red as a whole.
    expect([thick!.failed, thick!.hasErrors]).toEqual([false, true])
    expect([thick!.weight, thin!.weight]).toEqual([1, expect.closeTo(0.1, 3)])
  })

  it('around one has those that call it or that it calls, how they call each other, and how many more there are', () => {
    const calls = [
      call('web', 'api'),
      call('api', 'stock'),
      call('web', 'stock'),
      call('stock', 'db'),
      call('db', 'disk'),
    ]
    const graph = dependencyGraph(calls, { around: 'api', folds: true })
    expect(namesOf(graph)).toEqual(['web', 'api', 'stock'])
    expect(graph.edges).toHaveLength(3)
    expect(graph.services.map(({ hidden }) => hidden)).toEqual([0, 0, 1])
    expect(dependencyGraph(calls, { around: 'db', folds: true }).services[0]).toMatchObject({ name: 'stock', calls: 2 })
  })

  it('folds the services with the fewest calls into one, with all of their calls', () => {
    const many = Array.from({ length: 300 }, (_, index) => call('web', `s${index}`, 1000 - index, index % 2))
    const graph = dependencyGraph([...many, call('s298', 's299', 7)])
    expect(graph.services).toHaveLength(mostServices + 1)
    expect(graph.services.at(-1)).toMatchObject({ name: '241 more', folded: 241 })
    expect(namesOf(graph)).toContain('s58')
    expect(namesOf(graph)).not.toContain('s59')
    const toFolded = graph.edges.filter(({ to }) => to === mostServices)
    const rest = many.slice(59).reduce((sum, { calls }) => sum + calls, 0)
    expect(toFolded.map(({ label, hasErrors }) => [label, hasErrors])).toEqual([
      [rest.toLocaleString('en'), true],
      ['7', false],
    ])
    expect([graph.placeOf('s0'), graph.placeOf('s299'), graph.placeOf('none')]).toEqual([1, mostServices, -1])
    expect(serviceCount(many)).toBe(301)
    expect(dependencyGraph(many, { folds: false }).services).toHaveLength(301)
  })
})
