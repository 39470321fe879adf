import type { AuthData, Credentials, ServerAuthenticator } from '../component/index.ts'

/** Who is let in on a port. */
export interface Admission {
  readonly authenticator: ServerAuthenticator
  /** Parameters of the query that stand for headers, with names in lower case. */
  readonly requestParams: readonly string[]
}

/**
 * Goes on with who the client is, at once where that is known at once. `refuse` gets the reason otherwise.
 */
export function admit(
  { authenticator }: Admission,
  credentials: Credentials,
  go: (auth: AuthData) => void,
  refuse: (error: unknown) => void,
): void {
  let found: AuthData | Promise<AuthData>
  try {
    found = authenticator.authenticate(credentials)
  } catch (error) {
    return refuse(error)
  }
  if (found instanceof Promise) void found.then(go, refuse)
  else go(found)
}

/** What kind of credentials a header has, without what is secret in it: what stands before the first space; `?` where nothing says it. */
export function schemeOf(authorization: string | undefined): string {
  if (authorization === undefined) return ''
  const [scheme = '', secret] = authorization.split(' ', 2)
  if (secret !== undefined) return scheme
  // Where the space is missing, as the sender has not decoded %20, the scheme ends there.
  return /^(?:bearer|basic|digest|token|apikey)(?:%20)?/i.exec(scheme)?.[0] ?? '?'
}

/** The headers of a request, and the parameters of its query that stand for some. */
export function credentialsOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  url: string,
  requestParams: readonly string[],
): Credentials {
  return (name) => {
    const value = headers[name]
    const header = typeof value === 'object' ? value[0] : value
    if (header !== undefined || !requestParams.includes(name)) return header
    const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
    for (const [key, text] of query) if (key.toLowerCase() === name) return text
    return undefined
  }
}
