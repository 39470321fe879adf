/** Who the backends are. */
import dns from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { aborted, CollectorError } from '../../component/index.ts'
import type { LoadBalancingConfig } from './config.ts'

export interface Resolver {
  readonly name: 'static' | 'dns'
  /** How often to ask, milliseconds; undefined: once. */
  readonly everyMs: number | undefined
  /** The backends, with a port or without. Rejects where there is no answer. */
  resolve(): Promise<readonly string[]>
}

/** `lookup`: the addresses of a name; default: the system's. */
export function resolverOf(
  { resolver }: LoadBalancingConfig,
  lookup: (name: string) => Promise<readonly string[]> = addressesOf,
): Resolver {
  if (resolver.static) {
    const { hostnames } = resolver.static
    return { name: 'static', everyMs: undefined, resolve: () => Promise.resolve(hostnames) }
  }
  const { hostname, port, interval, timeout } = resolver.dns!
  return {
    name: 'dns',
    everyMs: interval > 0 ? interval : 5000,
    async resolve() {
      const late = aborted(AbortSignal.timeout(timeout > 0 ? timeout : 1000)).then(() => {
        throw new CollectorError('timeout', `${hostname}: no answer of the name server within ${timeout} ms`)
      })
      const addresses = await Promise.race([lookup(hostname), late])
      return addresses.map((address) => `${isIPv6(address) ? `[${address}]` : address}:${port}`)
    },
  }
}

async function addressesOf(name: string): Promise<readonly string[]> {
  const found = await dns.lookup(name, { all: true })
  return found.map(({ address }) => address)
}
