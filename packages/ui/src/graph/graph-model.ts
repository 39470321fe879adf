/** `call` is solid, `async` (outlives its parent) dashed, `link` dotted. */
export type EdgeStyle = 'call' | 'async' | 'link'

export interface GraphEdge {
  readonly from: number
  readonly to: number
  readonly style: EdgeStyle
  readonly label?: string
  /** Whether it is seen to fail from afar, and whether anything of it did. */
  readonly failed?: boolean
  readonly hasErrors?: boolean
  /** Whether it lies on the way that is to be seen first. */
  readonly isCritical?: boolean
  /** How thick it is, 0 (a hair, the default) to 1. */
  readonly weight?: number
}
