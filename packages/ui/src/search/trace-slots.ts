import type { TraceRow } from 'spoor/api'
import { slotsTogether } from '../service-color/service-color.ts'

/** Colour slots of a trace's services, the same as on its own page where it has few. */
export function traceSlots(row: TraceRow): ReadonlyMap<string, number> {
  return slotsTogether(row.services.map((service) => service.name))
}
