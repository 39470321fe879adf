/** When which fault is on: all of them in turn, at places and with numbers by lot, the same ones for the same seed. */
import { seeded } from '../client/pace.ts'
import type { FaultSwitch } from '../world/faults/board.ts'
import type { FaultKind, FaultName, FaultParameter } from '../world/faults/catalogue.ts'

/** A fault that a world can have. */
export interface PossibleFault extends FaultKind {
  readonly name: FaultName
  /** Where it can be here. */
  readonly at: readonly string[]
}

/** A fault, and when it is on. */
export interface Slot extends FaultSwitch {
  /** After the begin, ms. */
  readonly onMs: number
  readonly offMs: number
}

/** How the time is used. */
export interface PlanOptions {
  readonly seed: number
  /** Of all, ms. */
  readonly totalMs: number
  /** How long a fault is on, and how long nothing is after it, ms. */
  readonly onMs: number
  readonly offMs: number
  /** Requests a second. */
  readonly rate: number
}

/** How far numbers may be from their defaults: half of it to so much. */
const MOST_TIMES = 1.5
/** A consumer that is this many times slower than what comes: its line ends soon after. */
const CONSUMER_TIMES = 2

/** Faults that have no place in this world are left out. The end is quiet. */
export function planFaults(
  faults: readonly PossibleFault[],
  { seed, totalMs, onMs, offMs, rate }: PlanOptions,
): Slot[] {
  const random = seeded(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const possible = faults.filter(({ at }) => at.length > 0)
  const slots: Slot[] = []
  let round: PossibleFault[] = []
  for (let at = offMs; possible.length > 0 && at + onMs + offMs <= totalMs; at += onMs + offMs) {
    if (round.length === 0) round = shuffled(possible, random)
    const { name, at: places, parameters } = round.pop()!
    const numbers = Object.entries(parameters).map(([key, parameter]) => [key, numberOf(parameter, random)] as const)
    const drawn: Record<string, number> = Object.fromEntries(numbers)
    // Beyond it, all that follows would stand in the same line.
    if (name === 'slow_consumer') drawn['ms'] = Math.min(drawn['ms'] ?? 0, Math.ceil((CONSUMER_TIMES * 1000) / rate))
    slots.push({ fault: name, at: pick(places), parameters: drawn, onMs: at, offMs: at + onMs })
  }
  return slots
}

/** A clock may be wrong either way. */
function numberOf({ default: usual, min, max }: FaultParameter, random: () => number): number {
  const value = usual * (0.5 + random() * (MOST_TIMES - 0.5)) * (min < 0 && random() < 0.5 ? -1 : 1)
  return Math.round(Math.min(max, Math.max(min, value)))
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((value) => ({ value, by: random() }))
    .sort((a, b) => a.by - b.by)
    .map(({ value }) => value)
}
