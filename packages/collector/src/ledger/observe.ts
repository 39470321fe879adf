/** What can be seen in a request that is taken, and misleads whoever reads what is stored of it. */
import type { Origin } from '@spoor/otlp'

/** `reason`: see `explain.ts`. `detail`: the figures or the name. */
export interface Observation {
  readonly reason: string
  readonly detail: string
}

const S = 1_000_000_000n
const YEAR_2000 = 946_684_800n * S
/** What clocks may be apart: half an hour. Local time that is taken for UTC is an hour ahead, less the time that a span was on its way. */
const AHEAD = 1_800n * S
/** How far a time in another unit may be from now: ten years. */
const NEAR = 315_360_000n * S

const UNITS: readonly (readonly [name: string, factor: bigint])[] = [
  ['seconds', S],
  ['milliseconds', 1_000_000n],
  ['microseconds', 1_000n],
]

/** `nowMs`: milliseconds since 1970. */
export function observe(origin: Origin, nowMs: number): Observation[] {
  const found: Observation[] = []
  const names = origin.resources.map(({ attributes }) => {
    const value = attributes.find(({ key }) => key === 'service.name')?.value
    return value?.type === 'string' ? value.value : ''
  })
  const unknown = names.find((name) => name === '' || name.startsWith('unknown_service'))
  if (unknown !== undefined) found.push({ reason: 'unknown_service', detail: unknown })
  const { droppedAttributes, droppedEvents, droppedLinks, items } = origin
  const among = `among ${items} that were looked at`
  if (droppedAttributes > 0)
    found.push({ reason: 'attributes_cut', detail: `${droppedAttributes} attributes ${among}` })
  if (droppedEvents + droppedLinks > 0)
    found.push({ reason: 'events_cut', detail: `${droppedEvents} events and ${droppedLinks} links ${among}` })
  const time = origin.lastStart === 0n ? undefined : judgeTimes(origin, BigInt(nowMs) * 1_000_000n)
  return time ? [...found, time] : found
}

function judgeTimes({ firstStart, lastStart }: Origin, now: bigint): Observation | undefined {
  // A span that is not to be timed has 0.
  if (firstStart > 0n && firstStart < YEAR_2000) {
    const unit = UNITS.find(([, factor]) => firstStart * factor > now - NEAR && firstStart * factor < now + NEAR)
    const detail = new Date(Number(firstStart / 1_000_000n)).toISOString()
    return { reason: unit ? `times_in_${unit[0]}` : 'times_before_2000', detail }
  }
  if (lastStart <= now + AHEAD) return undefined
  const minutes = Math.round(Number((lastStart - now) / S) / 60)
  const hours = Math.round(minutes / 60)
  const detail = minutes < 120 ? `${minutes} minutes` : hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
  return { reason: 'times_ahead', detail }
}
