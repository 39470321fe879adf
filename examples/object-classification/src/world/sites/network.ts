/** The links of a world, and the relays on them: who on one site calls a port on another goes over each link between. */
import type { Tracer } from '@opentelemetry/api'
import { LOOPBACK } from '../netns/places.ts'
import type { Places } from '../netns/places.ts'
import { watchHops } from './hops.ts'
import { Link } from './link.ts'
import { startRelay } from './relay.ts'
import type { Relay } from './relay.ts'
import type { WorldFile } from './world-file.ts'

/** Links with their relays. */
export class Network {
  readonly links: readonly Link[]
  readonly #tracer: Tracer | undefined
  readonly #places: Places
  /** By link, direction and target: as many callers as there are go over one relay. */
  readonly #relays = new Map<string, Promise<Relay>>()

  /**
   * @param tracer Makes the spans of hops, where links are to be seen; default: none.
   * @param places Where ports are, and where relays listen; default: on 127.0.0.1.
   */
  constructor({ links }: Pick<WorldFile, 'links'>, tracer?: Tracer, places = LOOPBACK) {
    this.links = links.map(({ between, conditions, show }) => new Link(between, conditions, show))
    this.#tracer = tracer
    this.#places = places
  }

  /** @throws For a link that is not there, naming those that are. */
  link(name: string): Link {
    const found = this.links.find((link) => link.name === name || [...link.sites].reverse().join('-') === name)
    if (!found)
      throw new Error(`there is no link ${name}; there ${this.links.map((link) => link.name).join(', ') || 'is none'}`)
    return found
  }

  /**
   * The port at which a caller on site `from` reaches `port` of site `to`: itself on the same site.
   *
   * @throws Where no links lead there.
   */
  async reach(from: string, to: string, port: number): Promise<number> {
    let target = port
    for (const [link, side] of this.#route(from, to).reverse()) target = (await this.#relay(link, side, target)).port
    return target
  }

  /** Ends all relays and what goes over them. */
  async close(): Promise<void> {
    await Promise.all([...this.#relays.values()].map(async (relay) => (await relay).close()))
    this.#relays.clear()
  }

  #relay(link: Link, from: 0 | 1, targetPort: number): Promise<Relay> {
    const key = `${link.name} ${from} ${targetPort}`
    const known = this.#relays.get(key)
    if (known) return known
    const tracer = link.display === 'none' ? undefined : this.#tracer
    const watch = tracer && (() => watchHops(tracer, link, from))
    const relay = startRelay({
      link,
      from,
      targetPort,
      targetHost: this.#places.addressOf(targetPort),
      listen: this.#places.listen,
      ...(watch && { watch }),
    })
    this.#relays.set(key, relay)
    return relay
  }

  /** The fewest links from site to site, each with the side at which it is entered. */
  #route(from: string, to: string): [Link, 0 | 1][] {
    const routes = new Map<string, [Link, 0 | 1][]>([[from, []]])
    for (const [site, route] of routes) {
      if (site === to) return route
      for (const link of this.links)
        for (const side of [0, 1] as const) {
          const next = link.sites[side === 0 ? 1 : 0]
          if (link.sites[side] === site && !routes.has(next)) routes.set(next, [...route, [link, side]])
        }
    }
    throw new Error(`no links lead from ${from} to ${to}`)
  }
}
