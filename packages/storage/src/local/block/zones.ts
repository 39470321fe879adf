import type { BlockRows, OperationKey } from './rows.ts'

/**
 * Bounds on what the spans of a block are, to pass it by without a look into it. They may be too wide, never too narrow. They are part of an
 * index block's meta: older indexes are without.
 */
export interface Zones {
  /** Nanoseconds. */
  readonly minDurationNs: number
  readonly maxDurationNs: number
  /** Bit k: there may be a span of kind k; {@link OTHER_KIND}: of another number. */
  readonly kinds: number
  /** Bit s: there may be a span of status s; {@link OTHER_STATUS}: of another number. */
  readonly statuses: number
}

/** Bits for the numbers that nobody has named: kinds are 0-5, statuses 0-2. */
export const OTHER_KIND = 6
export const OTHER_STATUS = 3

/** Nothing is known. */
export const ANY_ZONES: Zones = {
  minDurationNs: -Infinity,
  maxDurationNs: Infinity,
  kinds: 2 ** (OTHER_KIND + 1) - 1,
  statuses: 2 ** (OTHER_STATUS + 1) - 1,
}

export function zonesOf(rows: BlockRows): Zones {
  const { count, durationNs, status } = rows
  let [minDurationNs, maxDurationNs, statuses] = [Infinity, -Infinity, 0]
  for (let row = 0; row < count; row++) {
    const duration = durationNs[row]!
    if (duration < minDurationNs) minDurationNs = duration
    if (duration > maxDurationNs) maxDurationNs = duration
    statuses |= 1 << Math.min(status[row]!, OTHER_STATUS)
  }
  if (count === 0) [minDurationNs, maxDurationNs] = [0, 0]
  return { minDurationNs, maxDurationNs, kinds: kindsOf(rows.operations), statuses }
}

export function kindsOf(operations: readonly OperationKey[]): number {
  let kinds = 0
  for (const { kind } of operations) kinds |= 1 << Math.min(kind, OTHER_KIND)
  return kinds
}

/** What an index says of them; whatever it does not say, or not rightly, is not known. */
export function readZones(value: unknown): Zones {
  if (typeof value !== 'object' || value === null) return ANY_ZONES
  const zones = value as Partial<Record<keyof Zones, unknown>>
  const { minDurationNs: min, maxDurationNs: max, kinds, statuses } = zones
  const isNumber = (one: unknown): one is number => typeof one === 'number'
  if (!isNumber(min) || !isNumber(max) || !(min <= max) || !isNumber(kinds) || !isNumber(statuses)) return ANY_ZONES
  return { minDurationNs: min, maxDurationNs: max, kinds, statuses }
}
