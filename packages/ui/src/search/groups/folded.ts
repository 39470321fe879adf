import type { FlameResponse } from 'spoor/api'
import { type FlameShape, flameShape } from '../../flame/flame-shape.ts'
import type { FlameMeasure } from '../search-url.ts'

type Frame = FlameResponse['frames'][number]
type Others = NonNullable<FlameResponse['others']>

/** A frame, or what is below one (or at the top) and not told one by one. */
export type FoldedNode =
  | { readonly kind: 'frame'; readonly parent: number; readonly times: Frame; readonly path: string }
  | { readonly kind: 'others'; readonly parent: number; readonly times: Others }

/** The nodes of the graph: the frames where they are in the answer, then the others. */
export function foldedNodes({ frames, others }: FlameResponse): FoldedNode[] {
  const paths: string[] = []
  const nodes: FoldedNode[] = frames.map((times) => {
    const path = `${paths[times.parent] ?? ''}\n${JSON.stringify([times.service, times.name])}`
    paths.push(path)
    return { kind: 'frame', parent: times.parent, times, path }
  })
  if (others) nodes.push({ kind: 'others', parent: -1, times: others })
  for (const [parent, { others: below }] of frames.entries()) {
    if (below) nodes.push({ kind: 'others', parent, times: below })
  }
  return nodes
}

/** By total time a path is as wide as that, or as its children where they have more; by self and critical time they add up. */
export function foldedShape(nodes: readonly FoldedNode[], by: FlameMeasure): FlameShape {
  const key = ({ total: 'totalNs', self: 'selfNs', critical: 'criticalNs' } as const)[by]
  return flameShape(
    Int32Array.from(nodes, ({ parent }) => parent),
    Float64Array.from(nodes, ({ times }) => times[key]),
    by === 'total' ? 'fit' : 'sum',
  )
}

/** The nodes as a table has them: each right after the one that it is below, and the ones below that. */
export function inDepth(
  nodes: readonly FoldedNode[],
): readonly { readonly node: FoldedNode; readonly depth: number }[] {
  const below = Map.groupBy(nodes.keys(), (node) => nodes[node]!.parent)
  const rows: { node: FoldedNode; depth: number }[] = []
  const add = (parent: number, depth: number) => {
    for (const each of below.get(parent) ?? []) {
      rows.push({ node: nodes[each]!, depth })
      add(each, depth + 1)
    }
  }
  add(-1, 0)
  return rows
}
