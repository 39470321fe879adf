import type { Placement, Spacing } from './tidy-tree.ts'

/** A forest (each node below its parent) or any graph (in layers, edges pointing right where they can). */
export type LayoutRequest =
  | { readonly kind: 'tree'; readonly parent: Int32Array; readonly spacing: Spacing }
  | {
      readonly kind: 'layers'
      readonly count: number
      readonly edges: readonly (readonly [from: number, to: number])[]
      readonly spacing: Spacing
    }

export interface LayoutReply {
  /** Where edges lead. */
  readonly flow: 'down' | 'right'
  readonly placement: Placement
  /** For `layers`: how each edge of the request runs around the nodes, from the border of the first to that of the second; empty for one from a node to itself. */
  readonly routes?: readonly (readonly Point[])[]
}

export interface Point {
  readonly x: number
  readonly y: number
}
