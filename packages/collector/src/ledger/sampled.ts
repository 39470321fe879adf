import { readOrigin, type Origin, type Resource, type Signal } from '@spoor/otlp'
import type { SampledOrigin, SampledResource } from '../component/index.ts'
import { keep } from './text.ts'

/** What is looked at in one request, and kept of a sender. */
const LIMITS = { resources: 5, scopes: 20, items: 100 }
const MAX_CHARS = 100

/** What requests of one sender say of where they come from. */
export class Sampled {
  #requests = 0
  #items = 0
  #droppedAttributes = 0
  #droppedEvents = 0
  #droppedLinks = 0
  #firstStart = 0n
  #lastStart = 0n
  readonly #scopes = new Set<string>()
  readonly #resources = new Map<string, SampledResource>()

  /** What the message says. */
  add(signal: Signal, message: Uint8Array): Origin {
    const origin = readOrigin(signal, message, LIMITS)
    this.#requests++
    this.#items += origin.items
    this.#droppedAttributes += origin.droppedAttributes
    this.#droppedEvents += origin.droppedEvents
    this.#droppedLinks += origin.droppedLinks
    if (origin.lastStart > 0n) {
      if (this.#lastStart === 0n || origin.firstStart < this.#firstStart) this.#firstStart = origin.firstStart
      if (origin.lastStart > this.#lastStart) this.#lastStart = origin.lastStart
    }
    for (const scope of origin.scopes) if (this.#scopes.size < LIMITS.scopes) this.#scopes.add(keep(scope, MAX_CHARS))
    for (const resource of origin.resources) this.#addResource(resourceOf(resource))
    return origin
  }

  report(): SampledOrigin {
    return {
      requests: this.#requests,
      items: this.#items,
      droppedAttributes: this.#droppedAttributes,
      droppedEvents: this.#droppedEvents,
      droppedLinks: this.#droppedLinks,
      ...(this.#lastStart > 0n && { starts: { first: String(this.#firstStart), last: String(this.#lastStart) } }),
      scopes: [...this.#scopes],
      resources: [...this.#resources.values()],
    }
  }

  /** The ones seen last. */
  #addResource(resource: SampledResource): void {
    const key = JSON.stringify(resource)
    this.#resources.delete(key)
    this.#resources.set(key, resource)
    if (this.#resources.size > LIMITS.resources) this.#resources.delete(this.#resources.keys().next().value!)
  }
}

function resourceOf({ attributes }: Resource): SampledResource {
  const text = (name: string): string => {
    const value = attributes.find(({ key }) => key === name)?.value
    return value?.type === 'string' ? keep(value.value, MAX_CHARS) : ''
  }
  return {
    service: text('service.name'),
    instance: text('service.instance.id'),
    sdk: text('telemetry.sdk.name'),
    language: text('telemetry.sdk.language'),
    sdkVersion: text('telemetry.sdk.version'),
  }
}
