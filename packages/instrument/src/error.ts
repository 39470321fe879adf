/** What can be wrong with the way tracing is set up. Each is a mistake in the calling code, found before anything starts. */
export type InstrumentErrorCode =
  /** An option has a value that it cannot have. */
  'invalid_option'

/** Thrown by `startTracing` only; a running process never sees it. The message names the option, its value and the way out. */
export class InstrumentError extends Error {
  override readonly name = 'InstrumentError'
  readonly code: InstrumentErrorCode

  constructor(code: InstrumentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
