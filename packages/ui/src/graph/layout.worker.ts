import { graphlib, layout } from '@dagrejs/dagre'
import type { LayoutReply, LayoutRequest } from './layout-protocol.ts'
import { tidyTree } from './tidy-tree.ts'

// Lays out graphs off the page's thread: one request, one reply.
addEventListener('message', (event: MessageEvent<LayoutRequest>) => {
  const request = event.data
  const reply: LayoutReply = request.kind === 'tree' ? tidyTree(request.parent, request.spacing) : layers(request)
  postMessage(reply)
})

function layers(request: Extract<LayoutRequest, { kind: 'layers' }>): LayoutReply {
  const { width, height, gapX, gapY } = request.spacing
  const graph = new graphlib.Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: gapX, ranksep: gapY })
  graph.setDefaultEdgeLabel(() => ({}))
  for (let node = 0; node < request.count; node++) graph.setNode(String(node), { width, height })
  for (const [from, to] of request.edges) if (from !== to) graph.setEdge(String(from), String(to))
  layout(graph)
  const x = new Float32Array(request.count)
  const y = new Float32Array(request.count)
  for (let node = 0; node < request.count; node++) {
    const placed = graph.node(String(node))
    x[node] = placed.x - width / 2
    y[node] = placed.y - height / 2
  }
  return { x, y }
}
