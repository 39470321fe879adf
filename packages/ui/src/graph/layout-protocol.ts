import type { Placement, Spacing } from './tidy-tree.ts'

/** A forest (each node below its parent) or any graph (in layers, edges pointing down where they can). */
export type LayoutRequest =
  | { readonly kind: 'tree'; readonly parent: Int32Array; readonly spacing: Spacing }
  | {
      readonly kind: 'layers'
      readonly count: number
      readonly edges: readonly (readonly [from: number, to: number])[]
      readonly spacing: Spacing
    }

export interface LayoutReply {
  readonly placement: Placement
  /**
   * For `layers`: how each edge of the request runs around the nodes, from the border of the first to that of the second; three points at least, the
   * middle one where a label has room.
   */
  readonly routes?: readonly (readonly Point[])[]
}

export interface Point {
  readonly x: number
  readonly y: number
}
