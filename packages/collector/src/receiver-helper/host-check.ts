import { CollectorError, hostAllowed } from '../component/index.ts'

/**
 * What containers call the machine that they run on: `host.docker.internal`, `host.containers.internal`,
 * `host.minikube.internal`. They reach its loopback through a proxy, with such a name as their host. `.internal` is
 * reserved for private use, so that no stranger can own one of them.
 */
const MACHINE_OF_A_CONTAINER = /^(host|gateway)\.[a-z0-9-]+\.internal$/i

/**
 * Throws `permission_denied` for a request to another name than one of this machine, where the port listens on loopback
 * only. `authority`: the Host header or `:authority`; a request without one is not from a browser, and is let in.
 *
 * @param listenHost the address that is listened on, without port
 * @param setting the key that opens the port to others, for the error
 */
export function checkHost(authority: string | undefined, listenHost: string, setting: string): void {
  if (authority === undefined || hostAllowed(authority, listenHost, MACHINE_OF_A_CONTAINER)) return
  const shown = JSON.stringify(authority.slice(0, 100))
  throw new CollectorError(
    'permission_denied',
    `this port listens on ${listenHost} for programs of this machine, and the request is for host ${shown}; send to localhost, or open the port with ${setting} (0.0.0.0, or an address of this machine)`,
  )
}
