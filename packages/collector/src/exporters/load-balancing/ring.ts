/**
 * Which backend has which key: a ring with two hundred points of each, of which the next one has the key. Where a backend comes or goes, only the keys
 * next to its points move. Points and keys have the places that the OpenTelemetry Collector gives them (contrib 0.160; 0.111 had another ring), so that both send alike.
 */
import { crc32 } from 'node:zlib'
import { endpointOf } from './config.ts'

const PLACES = 131_071
const POINTS = 200
/** Where a place is taken, the next ones are tried, so many; a point that finds none is left out. */
const TRIES = 10

interface Point {
  readonly place: number
  readonly hash: number
  readonly name: string
  /** The number of its endpoint. */
  readonly owner: number
}

export class Ring {
  /** With their ports, each once; none is empty. */
  readonly endpoints: readonly string[]
  /** For each place of the ring, the number of its endpoint. */
  readonly #owners = new Uint16Array(PLACES)

  /** `backends`: as they are written, with a port or without, which makes other points. */
  constructor(backends: readonly string[]) {
    const names = new Map(backends.toSorted().map((name) => [endpointOf(name), name]))
    this.endpoints = [...names.keys()]
    const points = [...names.values()].flatMap((name, owner) => pointsOf(name, owner))
    const taken = new Map<number, number>()
    for (const { place, owner } of points.sort(inOrder)) {
      let tries = 0
      while (tries < TRIES && taken.has((place + tries) % PLACES)) tries++
      if (tries < TRIES) taken.set((place + tries) % PLACES, owner)
    }
    const places = [...taken.keys()].sort((a, b) => a - b)
    let next = 0
    for (let place = 0; place < PLACES; place++) {
      if (next < places.length && places[next]! < place) next++
      this.#owners[place] = taken.get(places[next === places.length ? 0 : next]!) ?? 0
    }
  }

  /** The number of the endpoint that has the key. */
  ownerOf(key: Uint8Array): number {
    return this.#owners[crc32(key) % PLACES]!
  }
}

function pointsOf(name: string, owner: number): Point[] {
  const bytes = Buffer.from(`${name}\0\0\0\0`)
  return Array.from({ length: POINTS }, (_, i) => {
    bytes.writeUInt32LE(i, bytes.length - 4)
    const hash = crc32(bytes)
    return { place: hash % PLACES, hash, name, owner }
  })
}

/** Whoever is first gets the place that two have. */
function inOrder(a: Point, b: Point): number {
  return a.place - b.place || a.hash - b.hash || (a.name < b.name ? -1 : 1)
}
