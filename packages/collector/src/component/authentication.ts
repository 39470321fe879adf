/** What extensions that know who is who do for receivers and exporters. */
import type { AuthData } from './delivery-context.ts'

/** A header of a request by its name in lower case, or what stands for one; the first where there are several. */
export type Credentials = (name: string) => string | undefined

export interface ServerAuthenticator {
  /**
   * Who sends a request. Throws, or rejects with, `unauthenticated` where that is not known, and `overloaded` where it cannot be found out now.
   * Gives it at once where it can.
   */
  authenticate(credentials: Credentials): AuthData | Promise<AuthData>
  /** The `WWW-Authenticate` of a refusal. RFC 9110, 11.6.1. */
  readonly challenge: string
}

export interface ClientAuthenticator {
  /** The headers that a request has to have, with names in lower case; they may be others at the next request. */
  headers(): Readonly<Record<string, string>>
}
