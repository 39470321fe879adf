/**
 * The envelope of every answer. `total` is set by lists of names only; `limit` and `offset` are always 0, as Jaeger has
 * it.
 */
export interface Envelope<T> {
  readonly data: T
  readonly total: number
  readonly limit: number
  readonly offset: number
  readonly errors: readonly { readonly code?: number; readonly msg: string; readonly traceID?: string }[] | null
}
