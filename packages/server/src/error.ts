/** Why `spoor` could not start, run or stop. The message names thing, place and way out; the CLI prints it as it is. */
export type SpoorErrorCode =
  /** A command line option or setting is not valid. */
  | 'option'
  /** An address that Spoor listens on is taken or may not be bound. */
  | 'listen'
  /** The data directory cannot be used. */
  | 'data'
  /** A file that is to be read or written cannot be. */
  | 'file'
  /** A collector, or what one asks of it, is not to be had. */
  | 'unreachable'
  /** The start was broken off because the program was told to stop. */
  | 'stopped'
  /** A part did not stop in the time that it was given; it may still hold a thread. */
  | 'hung'

export class SpoorError extends Error {
  override readonly name = 'SpoorError'
  readonly code: SpoorErrorCode
  constructor(code: SpoorErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
  }
}
