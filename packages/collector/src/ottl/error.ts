/** A statement that cannot be used. `at`: the character of it at which it goes wrong, from 0. */
export class StatementError extends Error {
  override readonly name = 'StatementError'
  readonly at: number
  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** What a statement cannot do with the item that it looks at: a value of another type, an index out of bounds. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}
