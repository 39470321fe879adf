/**
 * The one definition of a service's colour: 20 hues at two steps of lightness (tokens.css gives lightness and chroma, per theme), so that forty services can be
 * told apart. The red of errors is left out of the circle. A name has the slot that its hash gives it, or, where that is taken or too near, the next that is free;
 * what it got is kept, so it is the same in every view and on every day. When all slots are taken, a name has its hash's.
 */
export const hueCount = 20
/** Slots 0-19 are the hues at the first step of lightness, 20-39 the same at the second. */
export const slotCount = 2 * hueCount

/** First and last hue in degrees; red (20-40) lies outside. */
const firstHue = 52
const lastHue = 348

/** Longer names are not kept. Characters. */
const maxName = 200

/** Degrees of OKLCH hue for a slot. */
export function hueOf(slot: number): number {
  return Math.round(firstHue + ((lastHue - firstHue) * (slot % hueCount)) / (hueCount - 1))
}

/** 0 or 1: the step of lightness of a slot. */
export function stepOf(slot: number): number {
  return slot < hueCount ? 0 : 1
}

/** Where the table is kept between visits; `read` gives what was written last, or null. Neither throws. */
export interface Keeper {
  read(): string | null
  write(text: string): void
}

/** The table of who has which slot. */
export interface ServiceColors {
  /** The slot (0-39) of a service; the same for the same name, for ever. */
  slotOf(service: string): number
  isEmpty(): boolean
}

export function createServiceColors(keeper: Keeper): ServiceColors {
  const known = new Map<string, number>()
  let owners: (string | null)[] = []
  const load = () => {
    owners = readOwners(keeper.read())
    owners.forEach((name, slot) => name !== null && known.set(name, slot))
  }
  load()
  return {
    isEmpty: () => known.size === 0,
    slotOf(service) {
      const slot = known.get(service)
      if (slot !== undefined) return slot
      // Another tab may have given colours meanwhile.
      load()
      const free = known.get(service) ?? (service.length <= maxName ? freeSlot(service, owners) : undefined)
      if (free === undefined) return hashOf(service) % slotCount
      if (owners[free] !== service) {
        owners[free] = service
        known.set(service, free)
        keeper.write(JSON.stringify(owners))
      }
      return free
    },
  }
}

/** What was kept, 40 names or null; nothing where it cannot be read. */
function readOwners(text: string | null): (string | null)[] {
  const none = Array.from({ length: slotCount }, () => null)
  try {
    const kept: unknown = JSON.parse(text ?? 'null')
    if (!Array.isArray(kept)) return none
    return none.map((_, slot) => (typeof kept[slot] === 'string' ? kept[slot] : null))
  } catch {
    return none
  }
}

/** The free slot that is first from the name's own on: if it can be two hues away from all others, else of a hue that nobody has, else any. */
function freeSlot(service: string, owners: readonly (string | null)[]): number | undefined {
  const own = hashOf(service) % slotCount
  const candidates = Array.from({ length: slotCount }, (_, step) => (own + step * 7) % slotCount).filter(
    (slot) => owners[slot] === null,
  )
  const taken = owners.flatMap((name, slot) => (name === null ? [] : [slot]))
  const apart = (least: number) => (slot: number) => taken.every((other) => hueDistance(slot, other) >= least)
  return candidates.find(apart(2)) ?? candidates.find(apart(1)) ?? candidates[0]
}

function hueDistance(a: number, b: number): number {
  const direct = Math.abs((a % hueCount) - (b % hueCount))
  return Math.min(direct, hueCount - direct)
}

/** FNV-1a, finished by a shuffle that spreads similar names. */
function hashOf(service: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < service.length; index++) {
    hash ^= service.charCodeAt(index)
    hash = Math.imul(hash, 0x01000193)
  }
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  hash ^= hash >>> 12
  return hash >>> 0
}

/** Two letters that stand beside a colour where there is no room for the name: of the first two words, or of the first word. */
export function initialsOf(service: string): string {
  const words = service.split(/[^\p{L}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})/u).filter((word) => word !== '')
  const [first, second] = words
  if (!first) return '?'
  return (second ? first.slice(0, 1) + second.slice(0, 1) : first.slice(0, 2)).toLowerCase()
}
