/**
 * Which backend has which key: a ring with a hundred points of each, of which the next one has the key. Where a backend comes or goes, only the keys
 * next to its points move. Points and keys have the places that the OpenTelemetry Collector gives them, so that both send alike.
 */
import { crc32 } from 'node:zlib'
import { endpointOf } from './config.ts'

const PLACES = 36_000
const POINTS = 100

export class Ring {
  /** With their ports, each once; none is empty. */
  readonly endpoints: readonly string[]
  /** For each place of the ring, the number of its endpoint. */
  readonly #owners = new Uint16Array(PLACES)

  /** `backends`: as they are written, with a port or without, which makes other points. */
  constructor(backends: readonly string[]) {
    const names = new Map(backends.toSorted().map((name) => [endpointOf(name), name]))
    this.endpoints = [...names.keys()]
    const points = new Map<number, number>()
    for (const [index, name] of [...names.values()].entries()) {
      for (let i = 0; i < POINTS; i++) {
        const place = placeOf(Buffer.concat([Buffer.from(name), Uint8Array.of(i)]))
        // Whoever has a place keeps it.
        if (!points.has(place)) points.set(place, index)
      }
    }
    const places = [...points.keys()].sort((a, b) => a - b)
    let next = 0
    for (let place = 0; place < PLACES; place++) {
      if (next < places.length && places[next]! < place) next++
      this.#owners[place] = points.get(places[next === places.length ? 0 : next]!) ?? 0
    }
  }

  /** The number of the endpoint that has the key. */
  ownerOf(key: Uint8Array): number {
    return this.#owners[placeOf(key)]!
  }
}

function placeOf(key: Uint8Array): number {
  return crc32(key) % PLACES
}
