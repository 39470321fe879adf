/** What components that listen have in common. */
import { CollectorError } from './error.ts'
import { parseHostPort } from './schema.ts'

/** What the system says about an address that cannot be listened on, with the way out. */
export function listenError(endpoint: string, error: NodeJS.ErrnoException): CollectorError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the address is taken by another process; stop that one or set another port',
    EACCES: 'this user may not bind the port; take one above 1023',
    EADDRNOTAVAIL: 'this machine has no such address; use localhost, 0.0.0.0 or one of its own',
    ENOTFOUND: 'the host name cannot be resolved',
  }
  return new CollectorError('listen', `cannot listen on ${endpoint}: ${reasons[error.code ?? ''] ?? error.message}`, {
    cause: error,
  })
}

/** What it claims who listens there; see `claims` of a component. */
export function portClaims(...endpoints: readonly string[]): readonly string[] {
  // Whatever the address: one of all interfaces and one of a single one want the same port.
  const ports = endpoints.map((endpoint) => parseHostPort(endpoint).port)
  return ports.filter((port) => port !== 0).map((port) => `tcp ${port}`)
}
