import { expect, it } from 'vitest'
import { buildTrace, serviceGraph } from './index.ts'
import { requestOf, spanId, TRACE_ID } from './testkit.ts'

it('folds a trace to its services with calls, errors and durations', () => {
  const link = {
    traceId: TRACE_ID,
    spanId: spanId(1),
    traceState: '',
    attributes: [],
    droppedAttributesCount: 0,
    flags: 0,
  }
  const trace = buildTrace(
    requestOf([
      { id: 1, service: 'web', start: 0, end: 100 },
      { id: 2, parent: 1, service: 'web', start: 5, end: 10 },
      { id: 3, parent: 2, service: 'api', start: 6, end: 30, links: [link] },
      { id: 4, parent: 1, service: 'api', start: 40, end: 50, status: { code: 2, message: '' } },
    ]),
  )
  const { nodes, edges } = serviceGraph(trace)
  expect(nodes.map((node) => ({ ...node, service: trace.services[node.service] }))).toEqual([
    { service: 'web', spans: 2, errors: 0, selfNs: 86, startNs: 0, endNs: 100, row: 0 },
    { service: 'api', spans: 2, errors: 1, selfNs: 34, startNs: 6, endNs: 50, row: 2 },
  ])
  const [web, api] = nodes.map((node) => node.service)
  expect(edges).toEqual([
    { from: web, to: api, kind: 'call', count: 2, errors: 1, async: 1, durationNs: 34, row: 2 },
    { from: api, to: web, kind: 'link', count: 1, errors: 0, async: 0, durationNs: 0, row: 2 },
  ])
})
