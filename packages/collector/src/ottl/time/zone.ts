/** Time zones by their names, as the runtime knows them. */
import { EvaluationError } from '../error.ts'
import { nanosOf, type Civil } from './civil.ts'

/** Seconds before UTC of a zone, when its clocks show a time. */
export type Zone = (clock: Omit<Civil, 'weekday' | 'offsetSeconds'>) => number

export const UTC: Zone = () => 0

const known = new Map<string, Zone>()

/** Throws {@link EvaluationError} for one that is not known. */
export function zoneOf(name: string): Zone {
  let zone = known.get(name)
  if (!zone) known.set(name, (zone = /^(UTC|GMT|)$/.test(name) ? UTC : zoneOfRuntime(name)))
  return zone
}

function zoneOfRuntime(name: string): Zone {
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en', { timeZone: name, timeZoneName: 'longOffset' })
  } catch (error) {
    throw new EvaluationError(`unknown time zone ${JSON.stringify(name)}`, { cause: error })
  }
  const offsetAt = (milliseconds: number): number => {
    const text = format.formatToParts(milliseconds).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours = 0, minutes = 0, seconds = 0] = /([-+])(\d\d):(\d\d)(?::(\d\d))?/.exec(text) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
  }
  return (clock) => {
    const asUtc = Number(nanosOf({ ...clock, offsetSeconds: 0 }) / 1_000_000n)
    // The offset of about that time says when it was, and that which offset it had.
    return offsetAt(asUtc - offsetAt(asUtc) * 1000)
  }
}
