/** `call` is solid, `async` (outlives its parent) dashed, `link` dotted. */
export type EdgeStyle = 'call' | 'async' | 'link'

export interface GraphEdge {
  readonly from: number
  readonly to: number
  readonly style: EdgeStyle
  readonly label?: string
  readonly failed?: boolean
}
