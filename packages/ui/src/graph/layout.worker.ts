import { answer, type Handed } from '../worker/answer.ts'
import { layered } from './layered.ts'
import type { LayoutReply, LayoutRequest } from './layout-protocol.ts'
import { tidyTree } from './tidy-tree.ts'

// Lays out graphs off the page's thread: one request, one reply.
answer((request: LayoutRequest): Handed<LayoutReply> => ({
  reply:
    request.kind === 'tree'
      ? { flow: 'down', placement: tidyTree(request.parent, request.spacing) }
      : layered(request.count, request.edges, request.spacing),
}))
