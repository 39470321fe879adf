/** The board of switches: which faults are on, where, and with what; and what has to be done about it. */
import type { ServiceFaults } from '../../service/faults.ts'
import { FAULTS, placeOf, WORLD_FAULTS } from './catalogue.ts'
import type { FaultName } from './catalogue.ts'

/** A fault that is on. */
export interface FaultSwitch {
  readonly fault: FaultName
  /** A service, or a link. */
  readonly at: string
  readonly parameters: Readonly<Record<string, number>>
}

/** A switch that cannot be; the message says why, and what can. */
export class FaultError extends Error {
  override readonly name = 'FaultError'
}

/** What a board can do to its world. */
export interface Breakable {
  readonly services: readonly string[]
  readonly links: readonly string[]
  /** Tells a service which faults are on inside it. */
  tell(service: string, faults: Partial<ServiceFaults>): void
  stop(service: string): Promise<void>
  /** Starts a service anew, under a name, with faults inside. */
  start(service: string, name: string, faults: Partial<ServiceFaults>): Promise<void>
  cut(link: string, cut: boolean): void
  /** Makes a link so much slower each way than it usually is. */
  delay(link: string, ms: number): void
}

/** The switches of one world. Each change is carried out before the next one begins. */
export class FaultBoard {
  readonly #world: Breakable
  readonly #on = new Map<string, FaultSwitch>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(world: Breakable) {
    this.#world = world
  }

  /** What is on. */
  get on(): readonly FaultSwitch[] {
    return [...this.#on.values()]
  }

  /** The services and links at which a fault may be. */
  places(fault: FaultName): string[] {
    const { services, links } = this.#world
    const { places } = FAULTS[fault]
    return [
      ...services.filter((name) => places.includes(placeOf(name, false))),
      ...links.filter(() => places.includes('link')),
    ]
  }

  /** The faults that are on inside a service. */
  inside(service: string): Partial<ServiceFaults> {
    const inside = this.on.filter(({ fault, at }) => at === service && !(fault in WORLD_FAULTS))
    return Object.fromEntries(inside.map(({ fault, parameters }) => [fault, parameters]))
  }

  /**
   * Switches a fault on, or changes what it is told.
   *
   * @throws {FaultError} For a fault, a place or a number that cannot be.
   */
  async switchOn(fault: string, at: string, parameters: Readonly<Record<string, unknown>>): Promise<FaultSwitch> {
    const name = this.#known(fault, at)
    const chosen = { fault: name, at, parameters: readParameters(name, parameters) }
    await this.#change(async () => {
      this.#on.set(`${fault} ${at}`, chosen)
      await this.#carryOut(chosen, true).catch((error: unknown) => {
        this.#on.delete(`${fault} ${at}`)
        throw error
      })
      this.#tell(at)
    })
    return chosen
  }

  /** Switches a fault off; nothing happens when it is not on. @throws {FaultError} As {@link switchOn}. */
  async switchOff(fault: string, at: string): Promise<void> {
    this.#known(fault, at)
    await this.#change(async () => {
      const was = this.#on.get(`${fault} ${at}`)
      if (!was) return
      this.#on.delete(`${fault} ${at}`)
      await this.#carryOut(was, false)
      this.#tell(at)
    })
  }

  /** Switches all off. */
  async clear(): Promise<void> {
    for (const { fault, at } of this.on) await this.switchOff(fault, at)
  }

  async #change(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change)
    this.#last = done.catch(() => undefined)
    await done
  }

  #tell(at: string): void {
    if (this.#world.services.includes(at)) this.#world.tell(at, this.inside(at))
  }

  async #carryOut({ fault, at, parameters }: FaultSwitch, on: boolean): Promise<void> {
    const world = this.#world
    if (fault === 'dropped_link') world.cut(at, on)
    if (fault === 'slow_link') world.delay(at, on ? (parameters['ms'] ?? 0) : 0)
    if (fault === 'service_down' || fault === 'wrong_service_name') await this.#restart(at)
  }

  /** A service that is down stays down, under whatever name. */
  async #restart(service: string): Promise<void> {
    const world = this.#world
    const has = (fault: FaultName): boolean => this.#on.has(`${fault} ${service}`)
    if (has('service_down')) await world.stop(service)
    else {
      const name = has('wrong_service_name') ? otherName(service, world.services) : service
      await world.start(service, name, this.inside(service))
    }
  }

  #known(fault: string, at: string): FaultName {
    if (!Object.hasOwn(FAULTS, fault))
      throw new FaultError(`there is no fault ${fault}; there are ${Object.keys(FAULTS).join(', ')}`)
    const name = fault as FaultName
    const places = this.places(name)
    if (places.includes(at)) return name
    if (places.length === 0)
      throw new FaultError(`${fault} is of a link, and this world has none: start it with --world`)
    throw new FaultError(`${fault} cannot be at "${at}"; it can be at ${places.join(', ')}`)
  }
}

/** The next service of the world, but for its client: a name that looks right. */
function otherName(service: string, services: readonly string[]): string {
  const names = services.filter((name) => placeOf(name, false) !== 'client')
  return names[(names.indexOf(service) + 1) % names.length] ?? service
}

/** Numbers, each in its range; those that are not given have their defaults. */
function readParameters(fault: FaultName, given: Readonly<Record<string, unknown>>): Record<string, number> {
  const { parameters } = FAULTS[fault]
  const names = Object.keys(parameters).join(', ') || 'nothing'
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(parameters, key))
  if (unknown !== undefined) throw new FaultError(`${fault} cannot be told ${unknown}; it can be told ${names}`)
  return Object.fromEntries(
    Object.entries(parameters).map(([key, { default: usual, min, max, what }]) => {
      const value = given[key] === undefined ? usual : Number(given[key])
      if (!(value >= min && value <= max))
        throw new FaultError(`${fault}: ${key} ${String(given[key])}: ${min} to ${max} (${what})`)
      return [key, value]
    }),
  )
}
