/**
 * Service colours: 20 hues of equal lightness and chroma (tokens.css gives both, per theme). A service's hue comes from a stable hash of its name, so that it
 * is the same on every page and every day; within one trace services that call each other are kept apart. The red of errors is left out of the circle.
 */
export const hueCount = 20

/** First and last hue in degrees; red (20-40) lies outside. */
const firstHue = 52
const lastHue = 348

/** Degrees of OKLCH hue for a slot 0-19. */
export function hueOf(slot: number): number {
  return Math.round(firstHue + ((lastHue - firstHue) * slot) / (hueCount - 1))
}

/** The slot that a service has where nothing is known about its neighbours: FNV-1a of its name, finished by a shuffle that spreads similar names. */
export function slotOf(service: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < service.length; index++) {
    hash ^= service.charCodeAt(index)
    hash = Math.imul(hash, 0x01000193)
  }
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  hash ^= hash >>> 12
  return (hash >>> 0) % hueCount
}

/**
 * One slot a service. Each takes its own ({@link slotOf}) unless that is close to a neighbour's or taken while there are slots to spare; then the
 * nearest that fits in a fixed order. `neighbours` holds pairs of service indexes that call each other. Earlier services choose first.
 */
export function assignSlots(services: readonly string[], neighbours: Iterable<readonly [number, number]>): Uint8Array {
  const slots = new Uint8Array(services.length).fill(255)
  const adjacent: Set<number>[] = services.map(() => new Set())
  for (const [a, b] of neighbours) {
    adjacent[a]?.add(b)
    adjacent[b]?.add(a)
  }
  const taken = new Set<number>()
  services.forEach((service, index) => {
    const near = [...(adjacent[index] ?? [])].map((other) => slots[other] ?? 255).filter((slot) => slot !== 255)
    const own = slotOf(service)
    const candidates = Array.from({ length: hueCount }, (_, step) => (own + step * 7) % hueCount)
    const apart = (least: number) => (slot: number) => near.every((other) => distance(slot, other) >= least)
    const free = (slot: number) => !taken.has(slot)
    const slot =
      candidates.find((slot) => free(slot) && apart(3)(slot)) ??
      candidates.find((slot) => free(slot) && apart(2)(slot)) ??
      candidates.find(apart(2)) ??
      candidates.find(apart(1)) ??
      own
    slots[index] = slot
    taken.add(slot)
  })
  return slots
}

/** Up to this many services of a trace are all kept apart from each other, whoever calls whom. */
const fewServices = 6

const together = new Map<string, ReadonlyMap<string, number>>()

/**
 * Slots for the services of one trace where their calls are not known, or do not matter: few are all kept apart, in the order of their names, so that the same
 * services have the same colours wherever they stand together; of many each has its own ({@link slotOf}).
 */
export function slotsTogether(services: readonly string[]): ReadonlyMap<string, number> {
  const names = [...new Set(services)].sort()
  const key = names.join('\0')
  let slots = together.get(key)
  if (!slots) {
    const pairs = names.flatMap((_, a) => names.slice(a + 1).map((_, b): [number, number] => [a, a + 1 + b]))
    const assigned = names.length <= fewServices ? assignSlots(names, pairs) : names.map(slotOf)
    slots = new Map(names.map((name, index) => [name, assigned[index]!]))
    if (together.size > 1000) together.clear()
    together.set(key, slots)
  }
  return slots
}

/** Whether {@link slotsTogether} keeps all of them apart. */
export function areFew(services: readonly string[]): boolean {
  return services.length <= fewServices
}

function distance(a: number, b: number): number {
  const direct = Math.abs(a - b)
  return Math.min(direct, hueCount - direct)
}

/** Two letters that stand beside a colour where there is no room for the name: of the first two words, or of the first word. */
export function initialsOf(service: string): string {
  const words = service.split(/[^\p{L}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})/u).filter((word) => word !== '')
  const [first, second] = words
  if (!first) return '?'
  return (second ? first.slice(0, 1) + second.slice(0, 1) : first.slice(0, 2)).toLowerCase()
}
