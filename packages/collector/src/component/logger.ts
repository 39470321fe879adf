/** The logging that components use; pino's call form, so that a pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /**
   * What somebody has asked to see, as with the `debug` exporter: written whatever the level. `text` among the fields is lines of their own. Default:
   * as `info`.
   */
  print?(fields: object, message: string): void
}
