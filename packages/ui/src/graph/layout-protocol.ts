import type { Placement, Spacing } from './tidy-tree.ts'

/** A forest (each node below its parent) or any graph (in layers, edges pointing down where they can). */
export type LayoutRequest =
  | { readonly kind: 'tree'; readonly parent: Int32Array; readonly spacing: Spacing }
  | {
      readonly kind: 'layers'
      readonly count: number
      readonly edges: readonly (readonly [number, number])[]
      readonly spacing: Spacing
    }

export type LayoutReply = Placement
