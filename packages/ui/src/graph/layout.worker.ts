import { graphlib, layout } from '@dagrejs/dagre'
import { answer, type Handed } from '../worker/answer.ts'
import type { LayoutReply, LayoutRequest, Point } from './layout-protocol.ts'
import { tidyTree } from './tidy-tree.ts'

/** Room that is kept for the label of an edge, in pixels. */
const labelWidth = 88
const labelHeight = 20

// Lays out graphs off the page's thread: one request, one reply.
answer((request: LayoutRequest): Handed<LayoutReply> => ({
  reply: request.kind === 'tree' ? { placement: tidyTree(request.parent, request.spacing) } : layers(request),
}))

function layers(request: Extract<LayoutRequest, { kind: 'layers' }>): LayoutReply {
  const { width, height, gapX, gapY } = request.spacing
  const graph = new graphlib.Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'TB', nodesep: gapX, edgesep: 24, ranksep: gapY / 2 })
  for (let node = 0; node < request.count; node++) graph.setNode(String(node), { width, height })
  request.edges.forEach(([from, to], index) => {
    graph.setEdge(String(from), String(to), { width: labelWidth, height: labelHeight, labelpos: 'c' }, String(index))
  })
  layout(graph)
  const x = new Float32Array(request.count)
  const y = new Float32Array(request.count)
  for (let node = 0; node < request.count; node++) {
    const placed = graph.node(String(node))
    x[node] = placed.x - width / 2
    y[node] = placed.y - height / 2
  }
  const routes = request.edges.map(
    ([from, to], index): Point[] => graph.edge(String(from), String(to), String(index)).points,
  )
  return { placement: { x, y }, routes }
}
