/** A query text that cannot be read. `position` is the 0-based index of the character at which it went wrong. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly position: number
  constructor(message: string, position: number) {
    super(message)
    this.position = position
  }
}
